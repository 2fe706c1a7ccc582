// Kernel and initramfs go into production together, or neither does.
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import {
  actionsOf,
  agent,
  initramfsName,
  kernelName,
  resultsOf,
  startProxiedSite,
  type ProxiedSite,
} from './objects-site.js';

// Each makes several runs; on a busy machine they take their time.
jest.setTimeout(30_000);

let site: ProxiedSite;

beforeEach(async () => {
  site = await startProxiedSite();
});

afterEach(() => site.close());

const older = { 'build-timestamp': '2022-01-01 00:00:00', 'build-tag': 'CC-IPA-0' };
const deployPair = (args = {}) => site.deploy({ ipa: 'kernel', attempts: 1, ...args });
/** The builds that users see now, kernel first. */
const inProduction = (): (string | undefined)[] =>
  [kernelName, initramfsName].map((name) => site.published().get(name)?.properties['build-tag']);

/** A site with the older pair, and a store with both. */
async function startUpgrade(): Promise<{ kernel: string; initramfs: string }> {
  site.putPair(older);
  await deployPair();
  return site.putPair();
}

test('both are uploaded and verified before either is visible, then promoted, then the old ones archived', async () => {
  await startUpgrade();
  const before = site.writes().length;

  const outcome = await deployPair();

  expect(actionsOf(outcome)).toEqual([`${initramfsName} deploy`, `${kernelName} deploy`]);
  expect(
    site
      .writes()
      .slice(before)
      .map((write) => write.split(' ')[0]),
  ).toEqual(['POST', 'PUT', 'POST', 'PUT', 'PATCH', 'PATCH', 'PATCH', 'PATCH']);
  const [kernel, initramfs] = resultsOf(outcome);
  const patched = site
    .writes()
    .slice(-4)
    .map((write) => write.split('/').at(-1));
  expect(patched).toEqual([kernel?.id, initramfs?.id, kernel?.archived_id, initramfs?.archived_id]);
  expect(kernel?.archived_name).toBe(`${kernelName}-20230302-2022-01-01 00:00:00`);
  expect(await deployPair()).toMatchObject({ changed: false });
});

test.each(['kernel', 'initramfs'] as const)(
  'where the upload of the %s fails neither is promoted, both are told, and the next run goes on',
  async (half) => {
    const objects = await startUpgrade();
    site.storeProxy.addFault({ method: 'GET', path: new RegExp(`/${objects[half]}$`), status: 403, fromNth: 2 });

    const outcome = await deployPair();
    const present = inProduction();
    site.storeProxy.clearFaults();
    const next = await deployPair();

    expect(actionsOf(outcome)).toEqual([`${initramfsName} failed`, `${kernelName} failed`]);
    expect(outcome.failures.join()).toContain('it goes into production only together with');
    expect(present).toEqual(['CC-IPA-0', 'CC-IPA-0']);
    expect(next.failures).toEqual([]);
    expect(inProduction()).toEqual(['CC-IPA-1', 'CC-IPA-1']);
  },
);

// The PATCHes in their order: kernel, initramfs, the kernel before, the initramfs before.
test.each([
  ['promotion of the kernel', 1],
  ['promotion of the initramfs', 2],
  ['archiving of the kernel before', 3],
])(
  'where the %s is refused both stay as they were, and the next run promotes both without another upload',
  async (_, nth) => {
    await startUpgrade();
    const uploads = (): number => site.writes().filter((write) => write.startsWith('PUT')).length;
    site.glanceProxy.addFault({ method: 'PATCH', nth, status: 403 });

    const outcome = await deployPair();
    const [present, before] = [inProduction(), uploads()];
    const next = await deployPair();

    expect(actionsOf(outcome)).toEqual([`${initramfsName} failed`, `${kernelName} failed`]);
    expect(present).toEqual(['CC-IPA-0', 'CC-IPA-0']);
    expect(actionsOf(next)).toEqual([`${initramfsName} resume`, `${kernelName} resume`]);
    expect(uploads()).toBe(before);
    expect(inProduction()).toEqual(['CC-IPA-1', 'CC-IPA-1']);
  },
);

test('where only the last archiving is refused the new pair stays, and the next run archives the rest', async () => {
  await startUpgrade();
  site.glanceProxy.addFault({ method: 'PATCH', nth: 4, status: 403 });

  const outcome = await deployPair();
  const publicTwice = [...site.glance.state.images.values()].filter(
    ({ name, visibility }) => name === initramfsName && visibility === 'public',
  );
  const next = await deployPair();

  expect(actionsOf(outcome)).toEqual([`${initramfsName} failed`, `${kernelName} deploy`]);
  expect(outcome.failures.join()).toContain('two images in production now have this name');
  expect(publicTwice).toHaveLength(2);
  expect(actionsOf(next)).toEqual([`${initramfsName} resume`, `${kernelName} up_to_date`]);
  expect(inProduction()).toEqual(['CC-IPA-1', 'CC-IPA-1']);
});

test('a half whose name is taken by a stranger keeps the other from being begun', async () => {
  site.putPair();
  const stranger = site.glance.seed({ name: initramfsName, owner: 'somebody', visibility: 'public' });

  for (const checkMode of [true, false]) {
    const outcome = await site.deploy({ ipa: 'initramfs' }, { checkMode });

    expect(actionsOf(outcome)).toEqual([`${initramfsName} conflict`, `${kernelName} failed`]);
    expect(outcome.failures.join()).toContain(stranger.id);
  }
  expect(site.writes()).toEqual([]);
});

test('half a new pair is reported, and the older complete pair is kept, or deployed if the site has none', async () => {
  site.putPair(older);
  site.put({ ...agent, 'build-ipa': 'kernel', 'disk-format': 'aki' }, { content: 'kernel'.repeat(100) });

  const first = await deployPair();
  const second = await deployPair();

  expect(actionsOf(first)).toEqual([`${initramfsName} deploy`, `${kernelName} deploy`]);
  expect(first.failures).toEqual([
    expect.stringMatching(/^CC-IPA-Debian11-AMD64\.initramfs: the build of 1677628504\.897832 has no initramfs/),
  ]);
  expect(actionsOf(second)).toEqual([`${initramfsName} up_to_date`, `${kernelName} up_to_date`]);
  expect(second.failures).toHaveLength(1);
  expect(inProduction()).toEqual(['CC-IPA-0', 'CC-IPA-0']);
});

test('a pair in which both halves are labelled initramfs is distinguished by the disk format', async () => {
  const { kernel } = site.putPair({ 'build-ipa': 'initramfs' });

  await deployPair();

  expect(site.published().get(kernelName)).toMatchObject({
    disk_format: 'aki',
    properties: { 'build-ipa': 'kernel', image_tools_source: expect.stringContaining(kernel) },
  });
  expect(site.published().get(initramfsName)).toMatchObject({
    disk_format: 'ari',
    properties: { 'build-ipa': 'initramfs' },
  });
});

test('a deployment of an agent asks Ironic nothing and alters no node', async () => {
  const cloud = await startProxiedSite({ services: ['baremetal', 'inventory', 'compute'] });
  try {
    cloud.putPair();

    await cloud.deploy({ ipa: 'kernel' });

    expect(cloud.published().size).toBe(2);
    expect(Object.values(cloud.users).flatMap(({ requests }) => requests)).toEqual([]);
  } finally {
    await cloud.close();
  }
});
