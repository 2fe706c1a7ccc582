// Kernel and initramfs go back together, and are held together.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import type { Outcome } from '../../modules/core/operation.js';
import { imageRollback } from '../../modules/images/rollback/operation.js';
import { actionsOf, initramfsName, kernelName, resultsOf, startProxiedSite, type ProxiedSite } from './objects-site.js';

// Each makes several runs; on a busy machine they take their time.
jest.setTimeout(120_000);

let site: ProxiedSite;
let lockDir: string;
const [older, newer] = ['2022-01-01 00:00:00', '2023-03-02 00:00:00'];

const deployPair = (args = {}) => site.deploy({ ipa: 'kernel', attempts: 1, ...args });
const rollback = (args = {}, signal = new AbortController().signal): Promise<Outcome> =>
  site.run(
    imageRollback,
    { image: kernelName, lock_dir: lockDir, endpoint_override: { image: site.glanceProxy.url }, ...args },
    { signal },
  );
/** The builds that users see now, kernel first. */
const inProduction = () =>
  [kernelName, initramfsName].map((name) =>
    [...site.glance.state.images.values()]
      .filter((image) => image.name === name && image.visibility === 'public')
      .map(({ properties }) => properties['build-tag']),
  );

beforeEach(async () => {
  site = await startProxiedSite();
  lockDir = mkdtempSync(join(tmpdir(), 'rollback-lock-'));
  site.putPair({ 'build-timestamp': older, 'build-tag': 'CC-IPA-0' });
  await deployPair();
  site.putPair({ 'build-timestamp': newer, 'build-tag': 'CC-IPA-1' });
  await deployPair();
});

afterEach(async () => {
  rmSync(lockDir, { recursive: true });
  await site.close();
});

test.each([
  ['the kernel', kernelName],
  ['the initramfs', initramfsName],
  ['the agent', 'CC-IPA-Debian11-AMD64'],
])('by the name of %s both go back, and are held', async (_, image) => {
  const back = await rollback({ image });

  expect(actionsOf(back)).toEqual([`${initramfsName} rollback`, `${kernelName} rollback`]);
  expect(inProduction()).toEqual([['CC-IPA-0'], ['CC-IPA-0']]);
  const night = await deployPair();
  expect(night).toMatchObject({ changed: false, failures: [] });
  expect(actionsOf(night)).toEqual([`${initramfsName} held`, `${kernelName} held`]);
  expect(await rollback({ image })).toMatchObject({ changed: false });
});

test.each([
  [1, 'rollback'],
  [1, 'deploy'],
  [2, 'deploy'],
  [3, 'rollback'],
  [3, 'deploy'],
] as const)('killed after write %i of 4, both are put right by the next %s', async (nth, next) => {
  const killed = new AbortController();
  site.glanceProxy.addFault({ method: 'PATCH', nth, answered: () => killed.abort(new Error('killed')) });
  await rollback({}, killed.signal).catch(() => undefined);
  site.glanceProxy.clearFaults();

  const outcome = await (next === 'rollback' ? rollback() : deployPair());

  expect(outcome.failures).toEqual([]);
  expect(inProduction()).toEqual([['CC-IPA-0'], ['CC-IPA-0']]);
  expect(actionsOf(await deployPair())).toEqual([`${initramfsName} held`, `${kernelName} held`]);
});

test.each([
  ['the kernel', kernelName],
  ['the initramfs', initramfsName],
])('where the present image of %s cannot be archived, none is missing, and the next run finishes', async (_, half) => {
  const present = [...site.glance.state.images.values()].find(
    (image) => image.name === half && image.visibility === 'public',
  );
  site.glanceProxy.addFault({ method: 'PATCH', path: new RegExp(present?.id ?? ''), status: 403 });

  const refused = await rollback();
  const between = inProduction();
  site.glanceProxy.clearFaults();
  const next = await rollback();

  expect(refused.failures.length).toBeGreaterThan(0);
  for (const builds of between) expect(builds.length).toBeGreaterThan(0);
  expect(next.failures).toEqual([]);
  expect(inProduction()).toEqual([['CC-IPA-0'], ['CC-IPA-0']]);
});

test('neither goes back where the other half of the build is gone', async () => {
  const images = [...site.glance.state.images.values()];
  const half = images.find(({ name, properties }) => name !== initramfsName && properties['build-ipa'] === 'initramfs');
  site.glance.state.images.delete(half?.id ?? '');

  await expect(rollback()).rejects.toMatchObject({
    code: 'ROLLBACK_REFUSED',
    message: expect.stringContaining(`goes back only together with ${initramfsName} of the same build`),
  });
  expect(inProduction()).toEqual([['CC-IPA-1'], ['CC-IPA-1']]);
});

test('a pin of one half keeps both at its build, as long as the store has it and afterwards', async () => {
  const pins = { [kernelName]: older };

  const pinned = await deployPair({ pins });
  const next = await deployPair({ pins });

  expect(actionsOf(pinned)).toEqual([`${initramfsName} deploy`, `${kernelName} deploy`]);
  expect(inProduction()).toEqual([['CC-IPA-0'], ['CC-IPA-0']]);
  expect(next).toMatchObject({ changed: false });
  expect(resultsOf(next)).toMatchObject([
    { action: 'held', reason: expect.stringContaining('to which pins keeps it') },
    { action: 'held' },
  ]);
});
