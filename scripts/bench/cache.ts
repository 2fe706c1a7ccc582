// The cache against curl and sha256sum, which together do less: they compare nothing, and replace
// nothing atomically.
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { measure, type Measured } from './measured.js';
import { atMost, median, ratio, type Result } from './report.js';

export interface CacheBench {
  readonly commandLine: string;
  /** Takes the copies. */
  readonly folder: string;
  readonly rounds: number;
  /** What is cached, by its size in MiB. */
  readonly images: readonly { readonly mib: number; readonly url: () => string }[];
}

export async function measureCache({ commandLine, folder, rounds, images }: CacheBench): Promise<Result[]> {
  const results: Result[] = [];
  const dest = join(folder, 'cached.img');
  const list = join(folder, 'files.json');
  const cache = async (url: string): Promise<Measured> => {
    writeFileSync(list, JSON.stringify([{ url, dest }]));
    return measure([commandLine, 'cache', '--json', '--files', list], { folder });
  };
  const clear = (): void => {
    for (const name of ['cached.img', '.image_cache', 'curl.img'])
      rmSync(join(folder, name), { recursive: true, force: true });
  };
  const seconds = (values: readonly number[]): string => `${median(values).toFixed(2)} s`;
  for (const { mib, url: urlOf } of images) {
    const ours: Measured[] = [];
    const curl: number[] = [];
    const second: number[] = [];
    for (let round = 0; round < rounds; round++) {
      clear();
      const url = urlOf();
      const fetched = await cache(url);
      if (!fetched.stdout.includes('"action": "fetch"')) throw new Error(`not fetched: ${fetched.stdout}`);
      ours.push(fetched);
      second.push((await cache(url)).seconds);
      const rival = `curl -sS -f -o '${folder}/curl.img' '${url}' && sha256sum '${folder}/curl.img'`;
      curl.push((await measure(['bash', '-c', rival], { folder })).seconds);
      console.error(
        `cache, ${mib} MiB: ours ${fetched.seconds.toFixed(2)} s (CPU ${fetched.cpuSeconds.toFixed(2)} s), curl and ` +
          `sha256sum ${curl.at(-1)?.toFixed(2)} s, second run ${second.at(-1)?.toFixed(2)} s`,
      );
    }
    results.push(
      { what: `cache, ${mib} MiB: ours, median`, value: seconds(ours.map((run) => run.seconds)) },
      { what: '  curl -o, then sha256sum, median', value: seconds(curl) },
      ratio('  ratio', { ours: ours.map((run) => run.seconds), rival: curl, limit: 0.6 }),
      { what: '  second run, nothing to do, median', value: seconds(second) },
      atMost('  peak memory', Math.max(...ours.map(({ peakMib }) => peakMib)), 150, ' MiB', 0),
    );
  }
  clear();
  return results;
}
