// A site in the doubles with a release to deploy, and a check of it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Outcome } from '../../modules/core/operation.js';
import { siteCheck } from '../../modules/images/check/operation.js';
import type { Finding } from '../../modules/images/policy/check-findings.js';
import type { PutOptions } from '../sandbox/image-store.js';
import { publishRelease } from '../sandbox/releases.js';
import { disk } from './objects-site.js';
import { startSite, type TestSite } from './site.js';

export const now = new Date('2026-11-27T12:00:00Z');
export const name = 'CC-Ubuntu22.04';
export const release = '20261101-v1-amd';

type Arguments = Readonly<Record<string, unknown>>;
type Options = Parameters<TestSite['run']>[2];

export interface CheckSite extends TestSite {
  /** A folder for the journal. */
  readonly journal: string;
  publish(of: string, as: string, put?: PutOptions): void;
  check(args?: Arguments, options?: Options): Promise<Outcome>;
  findingsOf(args?: Arguments, options?: Options): Promise<readonly Finding[]>;
  /** Those that are not ok. */
  faultsOf(args?: Arguments, options?: Options): Promise<readonly Finding[]>;
}

export async function startCheckSite(): Promise<CheckSite> {
  const site = await startSite({
    now: () => now.getTime(),
    services: ['compute', 'volumev3', 'baremetal', 'inventory'],
  });
  const journal = mkdtempSync(join(tmpdir(), 'journal-'));
  const publish: CheckSite['publish'] = (of, as, put = {}) =>
    void publishRelease(site.store, { name: of, release: as, content: disk(), put });
  const check = (args: Arguments = {}, options: Options = {}): Promise<Outcome> =>
    site.run(siteCheck, { journal_dir: journal, ...args }, { now, ...options });
  const findingsOf: CheckSite['findingsOf'] = async (args, options) =>
    (await check(args, options)).values.findings as readonly Finding[];
  publish(name, release);
  return {
    ...site,
    journal,
    publish,
    check,
    findingsOf,
    faultsOf: async (args, options) => (await findingsOf(args, options)).filter(({ result }) => result !== 'ok'),
    close: async () => {
      rmSync(journal, { recursive: true });
      await site.close();
    },
  };
}
