// A site in the doubles that publishes into its own store, and files to publish.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Outcome } from '../../modules/core/operation.js';
import { imagePublish } from '../../modules/images/publish/operation.js';
import { temporaryFolder, type TemporaryFolder } from '../clients/temporary-folder.js';
import { disk } from './objects-site.js';
import { startSite, type TestSite } from './site.js';

export const name = 'CC-Own';
export const release = '20250422-v1';
export const content = disk('x'.repeat(5000));
export const otherContent = disk('y'.repeat(5000));
export const objectPath = `prod/versions/${release}/${name}.qcow2`;

export interface PublishSite extends TestSite {
  readonly folder: TemporaryFolder;
  /** Publishes `content`, unless another file is given. */
  publish(args?: Readonly<Record<string, unknown>>, options?: Parameters<TestSite['run']>[2]): Promise<Outcome>;
  /** What reached the store and was meant to change it. */
  puts(): string[];
  /** `current` of the store. */
  current(): unknown;
}

export async function startPublishSite(): Promise<PublishSite> {
  const site = await startSite();
  const folder = temporaryFolder();
  const file = folder.write('disk.img', content);
  return {
    ...site,
    folder,
    publish: (args = {}, options = {}) =>
      site.run(imagePublish, { name, file, release, lock_dir: folder.path, ...args }, options),
    puts: () =>
      site.store.requests
        .filter(({ method }) => !['GET', 'HEAD'].includes(method))
        .map(({ method, path }) => `${method} ${path.split('/').slice(4).join('/')}`),
    current: () => JSON.parse(site.store.objects.get('prod/current')?.content.toString() ?? 'null'),
    close: async () => {
      folder.remove();
      await site.close();
    },
  };
}

export function digest(algorithm: string, data: Buffer): string {
  return createHash(algorithm).update(data).digest('hex');
}

/** The files below a folder, by path. */
export function filesIn(folder: string): Map<string, Buffer> {
  const names = readdirSync(folder, { recursive: true }).map(String).sort();
  return new Map(
    names
      .filter((path) => statSync(join(folder, path)).isFile())
      .map((path) => [path, readFileSync(join(folder, path))]),
  );
}
