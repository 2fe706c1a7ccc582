// Ten images at once: which `concurrency` and `connections` are best for a Glance with 1, 2 and 4
// workers, and for a store that is slow for each connection.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { root } from '../declarations.js';
import type { Measured } from './measured.js';
import type { Result } from './report.js';
import type { Image, Speed, Store } from './store.js';

export interface ConcurrencyBench {
  readonly store: Store;
  readonly image: Image;
  readonly count: number;
  /** Deploys these images, and removes them. */
  deploy(names: readonly string[], speed: Speed, options: readonly string[]): Promise<Measured>;
}

interface Setting {
  readonly workers: number;
  readonly speed: Speed;
  readonly concurrency: number;
  readonly connections: number;
}

const settings: readonly Setting[] = [
  ...[1, 2, 4].flatMap((workers) =>
    [1, 2, 4].map((concurrency) => ({ workers, speed: 'unlimited', concurrency, connections: 4 }) as const),
  ),
  ...[1, 4].flatMap((connections) =>
    [1, 2, 4].map((concurrency) => ({ workers: 4, speed: 'narrow', concurrency, connections }) as const),
  ),
];

export async function measureConcurrency({ store, image, count, deploy }: ConcurrencyBench): Promise<Result[]> {
  const results: Result[] = [];
  const mib = image.bytes / 2 ** 20;
  try {
    for (const { workers, speed, concurrency, connections } of settings) {
      restartGlance(String(workers));
      const names = store.publishSeveral(image, count);
      const options = ['--concurrency', String(concurrency), '--connections', String(connections)];
      const { seconds, cpuSeconds, peakMib } = await deploy(names, speed, options);
      const what =
        `${count} images of ${mib} MiB, store ${speed}, ${workers} workers of Glance: concurrency ${concurrency}, ` +
        `connections ${connections}`;
      const value = `${seconds.toFixed(1)} s (CPU ${cpuSeconds.toFixed(1)} s, ${peakMib.toFixed(0)} MiB)`;
      console.error(`${what}: ${value}`);
      results.push({ what, value });
    }
  } finally {
    restartGlance('');
  }
  return results;
}

/** With this many workers; without a number, as many as for tests. */
function restartGlance(workers: string): void {
  execFileSync(join(root, 'test/cloud/up'), ['glance'], {
    stdio: 'ignore',
    env: { ...process.env, CHAMELEON_GLANCE_WORKERS: workers },
  });
}
