// Two hosts, whose stores differ by a release, promote at the same moment.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { Outcome } from '../../modules/core/operation.js';
import { imageDeploy } from '../../modules/images/deploy/operation.js';
import { imageId } from '../../modules/images/policy/new-image.js';
import { markers } from '../../modules/images/policy/site-image.js';
import { startFaultProxy, type FaultProxy } from '../cloud/fault-proxy.js';
import type { StoredImage } from '../sandbox/glance-image.js';
import { publishRelease } from '../sandbox/releases.js';
import { startSite, type TestSite } from './site.js';

const name = 'CC-Ubuntu22.04';
const [earlier, later] = ['20250422-v1-amd', '20250601-v1-amd'];

let site: TestSite;
let proxies: readonly [FaultProxy, FaultProxy];
let folders: readonly [string, string];

beforeEach(async () => {
  site = await startSite();
  proxies = [await startFaultProxy(site.glance.url), await startFaultProxy(site.glance.url)];
  folders = [mkdtempSync(join(tmpdir(), 'host-')), mkdtempSync(join(tmpdir(), 'host-'))];
  const content = Buffer.concat([Buffer.from('QFI\xfb\0\0\0\x03', 'latin1'), Buffer.alloc(1024)]);
  publishRelease(site.store, { name, release: later, content });
  publishRelease(site.store, { name, release: earlier, content, scope: 'mirror' });
});

afterEach(async () => {
  for (const folder of folders) rmSync(folder, { recursive: true });
  await Promise.all(proxies.map((proxy) => proxy.close()));
  await site.close();
});

function deploy(host: 0 | 1, scope = ['prod', 'mirror'][host]): Promise<Outcome> {
  return site.run(imageDeploy, { lock_dir: folders[host], endpoint_override: { image: proxies[host].url }, scope });
}

/** Neither host sends its first such request before both are about to. */
function meetAt(method: string): void {
  const waiting: (() => void)[] = [];
  const bothAreThere = (): Promise<void> =>
    new Promise((resolve) => {
      waiting.push(resolve);
      if (waiting.length === proxies.length) for (const go of waiting) go();
    });
  for (const proxy of proxies) proxy.addFault({ method, nth: 1, before: bothAreThere });
}

async function race(): Promise<Outcome[]> {
  meetAt('PATCH');
  return Promise.all([deploy(0), deploy(1)]);
}

function inProduction(): StoredImage[] {
  return [...site.glance.state.images.values()].filter((image) => image.name === name && image.visibility === 'public');
}

function resultOf(outcome: Outcome | undefined): Record<string, unknown> {
  return (outcome?.values.images as Record<string, unknown>[] | undefined)?.[0] ?? {};
}

test.each([true, false])(
  'they end with the later release alone, where there was an image before: %s',
  async (hasOld) => {
    if (hasOld)
      site.glance.seed({ name, properties: { current: '20250115-v1-amd', 'build-timestamp': '2025-01-15 10:00:00' } });

    const [first, second] = await race();

    expect([first?.failures, second?.failures]).toEqual([[], []]);
    expect(inProduction()).toMatchObject([{ properties: { current: later } }]);
    expect(resultOf(second).reason).toContain('at the same time, so this one has been archived');
    const others = [...site.glance.state.images.values()].filter((image) => image.name !== name);
    expect(others).toHaveLength(hasOld ? 2 : 1);
    for (const image of others)
      expect(image.properties).toMatchObject({
        'chameleon-supported': 'no',
        [markers.supersededAt]: expect.any(String),
      });
    expect(await deploy(0)).toMatchObject({ changed: false, failures: [] });
  },
);

test.each([
  ['the archiving', { method: 'PATCH', fromNth: 2 }],
  ['the look for others', { method: 'GET', path: /[?&]name=/, fromNth: 2 }],
])('where %s is refused to both an image always stays, and the next run settles it', async (_, point) => {
  site.glance.seed({ name, properties: { current: '20250115-v1-amd' } });
  for (const proxy of proxies) proxy.addFault({ ...point, status: 403 });

  await race();
  const between = inProduction().length;
  for (const proxy of proxies) proxy.clearFaults();
  const next = await deploy(0);

  expect(between).toBeGreaterThan(0);
  expect(next.failures).toEqual([]);
  expect(inProduction()).toMatchObject([{ properties: { current: later } }]);
  expect(await deploy(0)).toMatchObject({ changed: false, failures: [] });
});

test('a promotion is not reverted if the other run has archived the previous image', async () => {
  const old = site.glance.seed({ name, properties: { current: '20250115-v1-amd' } });
  const archiveElsewhere = (): void => void Object.assign(old, { name: `${name}_archived` });
  proxies[0].addFault({ method: 'PATCH', nth: 2, before: archiveElsewhere, status: 403 });

  const outcome = await deploy(0);

  expect(outcome.failures.join()).toContain('the next run finishes the job');
  expect(inProduction()).toMatchObject([{ properties: { current: later } }]);
});

test('two runs that upload the same release under random ids end with one image', async () => {
  const project = site.keystone.admin.project.id;
  for (let attempt = 0; attempt < 3; attempt++)
    site.glance.seed({
      id: imageId({ project, name, release: later, attempt }),
      owner: 'stranger',
      visibility: 'private',
    });
  meetAt('POST');
  meetAt('PATCH');

  const outcomes = await Promise.all([deploy(0, 'prod'), deploy(1, 'prod')]);

  expect(outcomes.flatMap(({ failures }) => failures)).toEqual([]);
  expect(site.glance.requests.filter(({ method }) => method === 'PUT')).toHaveLength(2);
  expect(inProduction()).toMatchObject([{ owner: project, properties: { current: later } }]);
  expect(await deploy(0)).toMatchObject({ changed: false, failures: [] });
});
