// A site in the doubles that has deployed several releases of one image, one after the other.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Outcome } from '../../modules/core/operation.js';
import { imageDeploy } from '../../modules/images/deploy/operation.js';
import { imageRollback } from '../../modules/images/rollback/operation.js';
import { startFaultProxy, type FaultProxy } from '../cloud/fault-proxy.js';
import type { StoredImage } from '../sandbox/glance-image.js';
import { publishRelease } from '../sandbox/releases.js';
import { disk } from './objects-site.js';
import { startSite, type TestSite } from './site.js';

export const name = 'CC-Ubuntu22.04';
export const [first, second, third] = ['20250115-v1-amd', '20250422-v1-amd', '20250601-v1-amd'] as const;

export interface RollbackTestSite extends TestSite {
  readonly proxy: FaultProxy;
  publish(release: string): void;
  deploy(args?: Readonly<Record<string, unknown>>, options?: Parameters<TestSite['run']>[2]): Promise<Outcome>;
  rollback(args?: Readonly<Record<string, unknown>>, options?: Parameters<TestSite['run']>[2]): Promise<Outcome>;
  /** Runs until the proxy has seen the n-th PATCH carried out, and is killed then. */
  killedAt(nth: number, run: (options: { signal: AbortSignal }) => Promise<Outcome>): Promise<void>;
  /** Deploys these releases in turn. */
  have(...releases: readonly string[]): Promise<void>;
  /** The releases of the public images with the production name. */
  inProduction(): StoredImage[];
  imageOf(release: string): StoredImage;
}

export async function startRollbackSite(): Promise<RollbackTestSite> {
  const site = await startSite();
  const proxy = await startFaultProxy(site.glance.url);
  const lockDir = mkdtempSync(join(tmpdir(), 'rollback-lock-'));
  const through = { endpoint_override: { image: proxy.url } };
  const publish = (release: string): void => void publishRelease(site.store, { name, release, content: disk() });
  const deploy: RollbackTestSite['deploy'] = (args = {}, options = {}) =>
    site.run(imageDeploy, { ...through, ...args }, options);
  const all = (): StoredImage[] => [...site.glance.state.images.values()];
  return {
    ...site,
    proxy,
    publish,
    deploy,
    rollback: (args = {}, options = {}) =>
      site.run(imageRollback, { image: name, lock_dir: lockDir, ...through, ...args }, options),
    killedAt: async (nth, run) => {
      const killed = new AbortController();
      proxy.addFault({ method: 'PATCH', nth, answered: () => killed.abort(new Error('killed')) });
      await run({ signal: killed.signal }).catch(() => undefined);
      proxy.clearFaults();
    },
    have: async (...releases) => {
      for (const release of releases) {
        publish(release);
        await deploy();
      }
    },
    inProduction: () => all().filter((image) => image.name === name && image.visibility === 'public'),
    imageOf: (release) => all().find(({ properties }) => properties.current === release) as StoredImage,
    close: async () => {
      rmSync(lockDir, { recursive: true });
      await proxy.close();
      await site.close();
    },
  };
}

export interface ListedResult {
  readonly name: string;
  readonly action: string;
  readonly reason: string;
  readonly [key: string]: unknown;
}

export function listedResults({ values }: Outcome): ListedResult[] {
  return values.images as ListedResult[];
}
