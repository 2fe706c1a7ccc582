// What the cleaner costs on a large site: the module as a process, against doubles with so many
// images, servers and nodes, on which it deletes 500 images.
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startSandbox } from '../../test/sandbox/sandbox.js';
import { measure } from './measured.js';
import { atMost, type Result } from './report.js';

/** The size of the site at scale 1. */
const site = { images: 5000, servers: 10_000, nodes: 2000 };
const deletions = 500;
const scales = [1, 2, 4];

interface Cleaning {
  readonly scale: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly peakMib: number;
  readonly requests: number;
}

/** `module`: the path of image_clean. */
export async function measureCleaner(module: string): Promise<Result[]> {
  const cleanings: Cleaning[] = [];
  for (const scale of scales) cleanings.push(await cleanAt(scale, module));
  const [first] = cleanings;
  return cleanings.flatMap((cleaning) => resultsOf(cleaning, first!));
}

async function cleanAt(scale: number, module: string): Promise<Cleaning> {
  const sandbox = await startSandbox({ services: ['compute', 'baremetal'] });
  const folder = mkdtempSync(join(tmpdir(), 'cleaner-'));
  const { glance, users, keystone, store, auth } = sandbox;
  try {
    store.put('prod/current', JSON.stringify({ 'CC-Ubuntu22.04': '20250422-v1-amd' }));
    for (let count = 0; count < site.images * scale; count++)
      glance.seed({
        ...{ id: randomUUID(), name: `CC-Site-${count}-20240322`, created_at: '2024-03-22T16:00:00Z' },
        ...(count < deletions ? {} : { owner: 'stranger' }),
        properties: { current: '20240322-v1-amd', 'build-timestamp': '2024-03-22 15:30:45.123456' },
      });
    for (let count = 0; count < site.servers * scale; count++)
      users.compute.seed({ name: `server-${count}`, image: randomUUID() });
    for (let count = 0; count < site.nodes * scale; count++)
      users.baremetal.seed({ name: `node-${count}`, driver_info: { deploy_kernel: randomUUID() } });
    const given = { auth, object_store_url: store.objectStoreUrl, lock_dir: folder, max_deletes: deletions };
    const path = join(folder, 'arguments.json');
    writeFileSync(path, JSON.stringify(given));
    const measured = await measure([module, path], { folder });
    const { images, msg } = JSON.parse(measured.stdout) as { images?: { action: string }[]; msg: string };
    const deleted = images?.filter(({ action }) => action === 'delete').length;
    if (deleted !== deletions) throw new Error(`${deleted} images deleted instead of ${deletions}: ${msg}`);
    const requests = [keystone, glance, store, users.compute, users.baremetal]
      .map((double) => double.requests.length)
      .reduce((total, count) => total + count, 0);
    const { seconds, cpuSeconds, peakMib } = measured;
    console.error(
      `cleaner at ${scale}: ${seconds.toFixed(1)} s (CPU ${cpuSeconds.toFixed(1)} s), ${peakMib.toFixed(0)} MiB, ` +
        `${requests} requests`,
    );
    return { scale, seconds, cpuSeconds, peakMib, requests };
  } finally {
    await sandbox.close();
    rmSync(folder, { recursive: true });
  }
}

function resultsOf({ scale, seconds, cpuSeconds, peakMib, requests }: Cleaning, first: Cleaning): Result[] {
  const { images, servers, nodes } = site;
  const what = `${images * scale} images, ${servers * scale} servers, ${nodes * scale} nodes, ${deletions} deletions`;
  const growth = scale === 1 ? [] : [atMost('  CPU time, by that of the first', cpuSeconds / first.cpuSeconds, scale)];
  return [
    { what, value: '' },
    { what: '  time', value: `${seconds.toFixed(1)} s` },
    { what: '  CPU time', value: `${cpuSeconds.toFixed(1)} s` },
    ...growth,
    { what: '  peak memory', value: `${peakMib.toFixed(0)} MiB` },
    { what: '  requests', value: String(requests) },
    { what: '  requests for each deletion', value: (requests / deletions).toFixed(1) },
  ];
}
