// kill -9 at every point of an upgrade. The production image is never missing, and one more run
// puts all right.
import { expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Hook } from '../cloud/fault-proxy.js';
import { mib } from './disk.js';
import type { Running } from './executable.js';
import { expectUpgraded, newRelease, publicImages, seedProduction } from './images.js';
import { withSite, type Site } from './site.js';

/** One request of an upgrade: the n-th of its kind. */
interface Point {
  readonly proxy: 'glanceProxy' | 'storeProxy';
  readonly method: string;
  readonly path: RegExp;
  readonly nth: number;
}

const image = /\/v2\/images\/[^/?]+$/;
const object = /\.qcow2$/;

/** All requests of an upgrade but the logins, in their order. */
const points: readonly (Point & { readonly what: string })[] = [
  { what: 'the catalogue', proxy: 'storeProxy', method: 'GET', path: /\/current$/, nth: 1 },
  {
    what: 'the list of images',
    proxy: 'glanceProxy',
    method: 'GET',
    path: /\/v2\/images\?limit=\d+&sort=[^&]*$/,
    nth: 1,
  },
  {
    what: 'the list of hidden images',
    proxy: 'glanceProxy',
    method: 'GET',
    path: /\/v2\/images\?.*&os_hidden=true$/,
    nth: 1,
  },
  { what: 'the manifest', proxy: 'storeProxy', method: 'GET', path: /\.manifest$/, nth: 1 },
  { what: "the object's size", proxy: 'storeProxy', method: 'HEAD', path: object, nth: 1 },
  { what: "the object's head", proxy: 'storeProxy', method: 'GET', path: object, nth: 1 },
  { what: 'the creation', proxy: 'glanceProxy', method: 'POST', path: /\/v2\/images$/, nth: 1 },
  { what: "the object's data", proxy: 'storeProxy', method: 'GET', path: object, nth: 2 },
  { what: 'the upload', proxy: 'glanceProxy', method: 'PUT', path: /\/file$/, nth: 1 },
  { what: 'the look after the upload', proxy: 'glanceProxy', method: 'GET', path: image, nth: 1 },
  {
    what: 'the look for the present image',
    proxy: 'glanceProxy',
    method: 'GET',
    path: /\/v2\/images\?.*&name=/,
    nth: 1,
  },
  { what: 'the promotion', proxy: 'glanceProxy', method: 'PATCH', path: image, nth: 1 },
  { what: 'the look at the promoted image', proxy: 'glanceProxy', method: 'GET', path: image, nth: 2 },
  { what: 'the look at the old image', proxy: 'glanceProxy', method: 'GET', path: image, nth: 3 },
  { what: 'the archiving', proxy: 'glanceProxy', method: 'PATCH', path: image, nth: 2 },
  { what: 'the look at the archived image', proxy: 'glanceProxy', method: 'GET', path: image, nth: 4 },
  {
    what: 'the look for others that were promoted too',
    proxy: 'glanceProxy',
    method: 'GET',
    path: /\/v2\/images\?.*&name=/,
    nth: 2,
  },
];

test.concurrent(
  'the points below are all requests of an upgrade',
  withSite(async (site) => {
    await seedProduction(site);
    await site.store.publish(site.name, newRelease);

    await site.deploy();

    const sent = [...site.storeProxy.requests, ...site.glanceProxy.requests].map(
      ({ method, path }) => `${method} ${points.find((point) => fits(point, { method, path }))?.path}`,
    );
    expect(sent.sort()).toEqual(points.map(({ method, path }) => `${method} ${path}`).sort());
  }),
);

function fits(point: Point, request: { readonly method: string; readonly path: string }): boolean {
  return point.method === request.method && point.path.test(request.path);
}

/**
 * Starts an upgrade in which `hookAt` may do its harm, waits for its end, and runs another one that
 * is to put all right.
 */
async function upgradeTwice(site: Site, hookAt: (kill: Hook) => void): Promise<void> {
  const old = await seedProduction(site);
  const published = await site.store.publish(site.name, newRelease, { bytes: 2 * mib });
  let running: Running | undefined;
  let seenAtDeath: number | undefined;
  hookAt(async () => {
    await running?.kill();
    seenAtDeath = (await publicImages(site)).filter(({ status }) => status === 'active').length;
  });
  running = site.startDeploy();
  expect(await running.ended).toMatchObject({ exitCode: null, stdout: '' });
  while (seenAtDeath === undefined) await sleep(20);
  site.glanceProxy.clearFaults();
  site.storeProxy.clearFaults();

  const result = await site.deploy();

  expect(seenAtDeath).toBeGreaterThan(0);
  expect(result.failed).toBeUndefined();
  await expectUpgraded(site, old, published);
}

const deaths = points.flatMap((point) => [
  { ...point, hook: 'answered' as const, when: 'when it was carried out, before its answer arrived' },
  { ...point, hook: 'after' as const, when: 'when it was answered' },
]);

test.concurrent.each(deaths.map((death) => [`${death.what}, ${death.when}`, death] as const))(
  'killed at %s',
  (_, { proxy, method, path, nth, hook }) =>
    withSite((site) => upgradeTwice(site, (kill) => void site[proxy].addFault({ method, path, nth, [hook]: kill })))(),
);

test.concurrent(
  'killed in the middle of the upload',
  withSite((site) =>
    upgradeTwice(site, (kill) => {
      site.glanceProxy.addFault({ method: 'PUT', throttleBytesPerSecond: mib });
      void uploadedBytes(site, mib / 2).then(kill);
    }),
  ),
);

/** Resolves when so many bytes of an upload have reached the proxy. */
async function uploadedBytes(site: Site, bytes: number): Promise<never> {
  for (;;) {
    const upload = site.glanceProxy.requests.find(({ method }) => method === 'PUT');
    if (upload && upload.bytesReceived >= bytes) return upload as never;
    await sleep(20);
  }
}
