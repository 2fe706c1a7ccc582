// What a night of many sites costs the central store. The deployments are real, against doubles of
// each site's Keystone and Glance and one of the store; what a spread of the timers does to them is
// computed by the model.
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pLimit from 'p-limit';
import type { Outcome } from '../../modules/core/operation.js';
import { imageDeploy } from '../../modules/images/deploy/operation.js';
import { execute } from '../../modules/runtime/execute.js';
import { startGlance } from '../../test/sandbox/glance.js';
import { startImageStore } from '../../test/sandbox/image-store.js';
import { startKeystone } from '../../test/sandbox/keystone.js';
import { publishRelease } from '../../test/sandbox/releases.js';
import { repeatableRandom, simulateNight, type Night } from './fleet-model.js';
import { median, type Result } from './report.js';

const imageCount = 15;
/** So small that what is not image data can be told from it; of a real image only the data are more. */
const imageBytes = 64 * 1024;
const sitesAtOnce = 10;
const gigabit = 1e9 / 8;
const gibibyte = 2 ** 30;
/** Of the model: what is new in a night, the lines, and how many nights are tried. */
const model = { bytes: 12 * gibibyte, storeRate: 10 * gigabit, siteRate: gigabit, nights: 200 };
/** By default systemd begins a timer anywhere within its minute (AccuracySec). */
const spreads: readonly (readonly [name: string, seconds: number])[] = [
  ['no spread, systemd begins within a minute', 60],
  ['15 minutes', 15 * 60],
  ['1 hour', 3600],
  ["3 hours, the role's default", 3 * 3600],
  ['12 hours', 12 * 3600],
];

interface FleetSite {
  deploy(): Promise<Outcome>;
  close(): Promise<void>;
}

/** What the store was asked in a night. */
interface Cost {
  readonly requests: number;
  /** By both sides, with all headers. */
  readonly bytes: number;
}

export async function measureFleet(sites: number): Promise<Result[]> {
  const store = await startImageStore();
  const line = await startMeter(Number(new URL(store.url).port));
  const lockDir = mkdtempSync(join(tmpdir(), 'fleet-'));
  const fleet = await Promise.all(Array.from({ length: sites }, () => startFleetSite(line.port, lockDir)));
  const limit = pLimit(sitesAtOnce);
  const night = async (action: string, deployed: number): Promise<Cost> => {
    const before = { requests: store.requests.length, bytes: line.bytes() };
    const outcomes = await Promise.all(fleet.map((site) => limit(() => site.deploy())));
    for (const outcome of outcomes) assertDeployed(outcome, deployed);
    const cost = { requests: store.requests.length - before.requests, bytes: line.bytes() - before.bytes };
    console.error(`${action}: ${cost.requests} requests, ${cost.bytes} bytes`);
    return cost;
  };
  const publish = (index: number, release: string): void => {
    const content = Buffer.alloc(imageBytes, `${release} ${index}`);
    publishRelease(store, { name: `CC-Image-${index}`, release, content, format: 'raw' });
  };
  try {
    for (let index = 0; index < imageCount; index++) publish(index, '20250422-v1-amd');
    const first = await night('first night', imageCount);
    const quiet = await night('nothing new', 0);
    for (let index = 0; index < 3; index++) publish(index, '20250601-v1-amd');
    const newer = await night('3 new releases', 3);
    const requests = newer.requests / sites;
    return [
      ...costOf(`the first night of ${sites} sites, ${imageCount} images`, first, { sites, images: imageCount }),
      ...costOf('a night with nothing new', quiet, { sites, images: 0 }),
      ...costOf('a night with 3 new releases', newer, { sites, images: 3 }),
      ...spreads.flatMap(([name, seconds]) => spreadResults(name, seconds, { sites, requests })),
    ];
  } finally {
    await Promise.all(fleet.map((site) => site.close()));
    line.close();
    await store.close();
    rmSync(lockDir, { recursive: true });
  }
}

async function startFleetSite(storePort: number, lockDir: string): Promise<FleetSite> {
  const keystone = await startKeystone({ now: Date.now });
  const { identify, authUrl, admin } = keystone;
  const glance = await startGlance({ identify, authUrl, seedOwner: admin.project.id });
  keystone.catalog = [{ type: 'image', name: 'glance', url: glance.url }];
  const auth = {
    ...{ auth_url: authUrl, username: admin.name, password: admin.password, project_name: admin.project.name },
    ...{ user_domain_name: 'Default', project_domain_name: 'Default' },
  };
  const objectStoreUrl = `http://127.0.0.1:${storePort}/v1/AUTH_sandbox`;
  const store = { object_store_url: objectStoreUrl, image_type: 'raw', lock_dir: lockDir };
  return {
    deploy: () =>
      execute(
        imageDeploy,
        { auth, ...store },
        {
          ...{ checkMode: false, environment: {}, signal: new AbortController().signal },
          ...{ now: () => new Date(), random: Math.random, log: () => undefined, progress: () => undefined },
          learnSecrets: () => undefined,
        },
      ),
    close: async () => void (await Promise.all([glance.close(), keystone.close()])),
  };
}

function assertDeployed({ values, failures }: Outcome, expected: number): void {
  const images = values.images as readonly { readonly action: string }[];
  const deployed = images.filter(({ action }) => action === 'deploy').length;
  if (failures.length > 0 || deployed !== expected)
    throw new Error(`${deployed} images deployed instead of ${expected}: ${failures.join('; ')}`);
}

/** Passes connections on to a port, and counts the bytes of both directions. */
async function startMeter(target: number): Promise<{ readonly port: number; bytes(): number; close(): void }> {
  let bytes = 0;
  const server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1');
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      from.on('data', (chunk: Buffer) => (bytes += chunk.length));
      from.on('error', () => to.destroy());
      from.pipe(to);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  return {
    port: (server.address() as AddressInfo).port,
    bytes: () => bytes,
    close: () => void server.close(),
  };
}

function costOf(
  what: string,
  { requests, bytes }: Cost,
  { sites, images }: { readonly sites: number; readonly images: number },
): Result[] {
  const besides = bytes / sites - images * imageBytes;
  return [
    { what, value: '' },
    { what: '  requests to the store, each site', value: (requests / sites).toFixed(1) },
    { what: '  bytes besides those of images, each site', value: `${(besides / 1024).toFixed(1)} KiB` },
    { what: '  requests of all sites', value: String(requests) },
    { what: '  copies of each new image that leave the store', value: images === 0 ? '0' : String(sites) },
  ];
}

function spreadResults(
  name: string,
  spreadSeconds: number,
  { sites, requests }: { readonly sites: number; readonly requests: number },
): Result[] {
  const random = repeatableRandom(1);
  const fleet = { ...model, sites, requests, spreadSeconds };
  const nights = Array.from({ length: model.nights }, () => simulateNight(fleet, random));
  const middle = (pick: (night: Night) => number): number => median(nights.map(pick));
  const minutes = (seconds: number): string => `${(seconds / 60).toFixed(0)} min`;
  const load = middle((night) => night.peakLoad) * 100;
  return [
    { what: `spread of ${name}; ${model.bytes / gibibyte} GiB for each site`, value: '' },
    { what: '  sites that transfer at the same time', value: middle((night) => night.sitesAtOnce).toFixed(0) },
    { what: '  requests in the busiest second', value: middle((night) => night.requestsInBusiestSecond).toFixed(0) },
    { what: '  highest load of the line of the store', value: `${load.toFixed(0)} %` },
    { what: '  longest run of a site', value: minutes(middle((night) => night.longestRunSeconds)) },
    { what: '  until the last site is done', value: minutes(middle((night) => night.totalSeconds)) },
  ];
}
