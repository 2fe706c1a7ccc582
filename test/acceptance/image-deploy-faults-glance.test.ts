// Glance fails during the transfer, or the connection to it; the store is well.
import { expect, test } from '@jest/globals';
import type { Fault } from '../cloud/fault-proxy.js';
import { mib } from './disk.js';
import {
  expectDeployed,
  expectUntouched,
  expectUpgraded,
  glanceDigest,
  newRelease,
  onlyImage,
  seedProduction,
} from './images.js';
import { uploadsTo, withSite, writesTo } from './site.js';

const upload = { method: 'PUT', path: /\/file$/ };

/** The image that each upload went to. */
const targets = (requests: readonly { path: string }[]): string[] =>
  requests.map(({ path }) => path.split('/')[3] ?? '');

test.concurrent(
  // It lasts a minute, the server's own time-out for a silent client, so the others run beside it.
  'uploads again where Glance takes no more bytes',
  withSite(async (site) => {
    // Larger than what the connections' buffers hold.
    const published = await site.store.publish(site.name, newRelease, { bytes: 24 * mib });
    site.glanceProxy.addFault({ ...upload, nth: 1, stallRequestAfter: mib });

    const result = await site.deploy({ stall_timeout: 2, _ansible_verbosity: 1 });

    expect(result.log).toContainEqual(expect.stringContaining('Glance accepted no data and sent no response for 2 s'));
    expect(uploadsTo(site.glanceProxy)).toHaveLength(2);
    await expectDeployed(site, published);
  }),
);

test.concurrent.each<[string, Partial<Fault>]>([
  ['is cut off before the first byte', { cutRequestAfter: 0 }],
  ['is cut off half-way', { cutRequestAfter: 2 * mib }],
  ['is answered 401', { status: 401 }],
  ['is answered 401 while it is still sent', { status: 401, answerWhen: 'at-once' }],
  ['is answered 409', { status: 409 }],
  ['is answered 503', { status: 503 }],
  ['is answered 503 while it is still sent', { status: 503, answerWhen: 'at-once' }],
  [
    'is answered 502 with a page of HTML',
    { status: 502, body: '<html><h1>Bad Gateway</h1></html>', setHeaders: { 'Content-Type': 'text/html' } },
  ],
])('uploads again, into the same image, where the upload %s', (_, fault) =>
  withSite(async (site) => {
    const old = await seedProduction(site);
    const published = await site.store.publish(site.name, newRelease, { bytes: 4 * mib });
    site.glanceProxy.addFault({ ...upload, nth: 1, ...fault });

    const result = await site.deploy();

    expect(result.failed).toBeUndefined();
    const image = await expectUpgraded(site, old, published);
    expect(targets(uploadsTo(site.glanceProxy))).toEqual([image.id, image.id]);
    expect(writesTo(site.glanceProxy).filter(({ method }) => method === 'POST')).toHaveLength(1);
  })(),
);

test.concurrent(
  'takes a new token for the upload after a 401',
  withSite(async (site) => {
    await site.store.publish(site.name, newRelease);
    site.glanceProxy.addFault({ ...upload, nth: 1, status: 401 });

    await site.deploy();

    const tokens = uploadsTo(site.glanceProxy).map(({ headers }) => headers['x-auth-token']);
    expect(new Set(tokens).size).toBe(2);
  }),
);

test.concurrent(
  'does not upload twice where only the answer to the upload was lost, and verifies what is there',
  withSite(async (site) => {
    const published = await site.store.publish(site.name, newRelease);
    site.glanceProxy.addFault({ ...upload, nth: 1, passThenCut: true });

    const result = await site.deploy();

    expect(onlyImage(result).verified_by).toEqual(['size', "store's sha256", glanceDigest]);
    expect(uploadsTo(site.glanceProxy)).toHaveLength(1);
    await expectDeployed(site, published);
  }),
);

test.concurrent.each<Fault['answerWhen']>(['after-body', 'at-once'])(
  'gives up at once where Glance finds the image too large (413, %s), and goes on next time',
  (answerWhen) =>
    withSite(async (site) => {
      const old = await seedProduction(site);
      const published = await site.store.publish(site.name, newRelease);
      site.glanceProxy.addFault({
        ...upload,
        status: 413,
        body: 'Image storage quota exceeded',
        ...(answerWhen ? { answerWhen } : {}),
      });

      const result = await site.deploy();

      expect(result.failed).toBe(true);
      expect(onlyImage(result).reason).toMatch(/^PUT http\S+ answered 413: Image storage quota exceeded$/);
      expect(uploadsTo(site.glanceProxy)).toHaveLength(1);
      await expectUntouched(site, old);
      site.glanceProxy.clearFaults();
      expect(onlyImage(await site.deploy())).toMatchObject({ action: 'resume' });
      await expectUpgraded(site, old, published);
    })(),
);

test.concurrent(
  'stops after as many uploads as it was told, leaves the present image alone, and takes up the same image next time',
  withSite(async (site) => {
    const old = await seedProduction(site);
    const published = await site.store.publish(site.name, newRelease);
    const fault = site.glanceProxy.addFault({ ...upload, status: 503 });

    const result = await site.deploy({ attempts: 2 });

    expect(result.failed).toBe(true);
    expect(onlyImage(result).reason).toMatch(/answered 503/);
    expect(fault.matches).toBe(2);
    await expectUntouched(site, old);
    fault.remove();
    await site.deploy();
    const image = await expectUpgraded(site, old, published);
    expect(targets(uploadsTo(site.glanceProxy))).toEqual([image.id, image.id, image.id]);
  }),
);

test.concurrent(
  'finds the image that it created where the answer to its creation was lost',
  withSite(async (site) => {
    const published = await site.store.publish(site.name, newRelease);
    site.glanceProxy.addFault({ method: 'POST', nth: 1, passThenCut: true });

    const result = await site.deploy();

    expect(result.failed).toBeUndefined();
    expect(uploadsTo(site.glanceProxy)).toHaveLength(1);
    await expectDeployed(site, published);
    expect(await site.glance.list()).toHaveLength(1);
  }),
);

test.concurrent(
  'asks again where Glance answers 503 to the list of images, to the creation, and to the look at the image',
  withSite(async (site) => {
    const published = await site.store.publish(site.name, newRelease);
    site.glanceProxy.addFault({ path: /\/v2\/images\?/, nth: 1, status: 503 });
    site.glanceProxy.addFault({ method: 'POST', nth: 1, status: 503 });
    site.glanceProxy.addFault({ method: 'GET', path: /\/v2\/images\/[^/]+$/, nth: 2, status: 503 });

    const result = await site.deploy();

    expect(result.failed).toBeUndefined();
    await expectDeployed(site, published);
  }),
);

test.concurrent(
  'says so where somebody deletes the image in the middle of the transfer, and deploys it next time',
  withSite(async (site) => {
    const old = await seedProduction(site);
    const published = await site.store.publish(site.name, newRelease);
    const deletion = async ({ path }: { path: string }): Promise<void> => site.glance.remove(path.split('/')[3] ?? '');
    site.glanceProxy.addFault({ ...upload, nth: 1, before: deletion });

    const result = await site.deploy();

    expect(onlyImage(result).reason).toMatch(/was deleted by somebody else during the transfer/);
    await expectUntouched(site, old);
    await site.deploy();
    await expectUpgraded(site, old, published);
  }),
);
