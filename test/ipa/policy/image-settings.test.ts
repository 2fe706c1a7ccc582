import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  hasSettings,
  ipaImageKeys,
  nextSyncStep,
  presentSettings,
  settingsFor,
  settingsPatch,
  type ImageSettings,
} from '../../../modules/ipa/policy/image-settings.js';

const deployKeys = ipaImageKeys(false);

const value = fc.constantFrom('one', 'two', 'glance://one', null);
const settings: fc.Arbitrary<ImageSettings> = fc.record({
  deploy_kernel: value,
  deploy_ramdisk: value,
  rescue_kernel: value,
});

function applied(info: Readonly<Record<string, unknown>>, wanted: ImageSettings): Record<string, unknown> {
  const changed: Record<string, unknown> = { ...info };
  for (const { op, path, ...rest } of settingsPatch(info, wanted)) {
    const key = path.slice('/driver_info/'.length);
    // What Ironic refuses.
    if (op === 'remove' && !(key in changed)) throw new Error(`${key} is not there`);
    if (op === 'remove') delete changed[key];
    else changed[key] = rest.value;
  }
  return changed;
}

test('the patch leads to the desired settings, back to the former ones, and is then empty', () => {
  const info = settings.map((given) => ({
    other: 'x',
    ...Object.fromEntries(Object.entries(given).filter(([, image]) => image !== null)),
  }));
  fc.assert(
    fc.property(info, settings, (before, wanted) => {
      const keys = Object.keys(wanted);
      const former = presentSettings(before, keys) as ImageSettings;
      const changed = applied(before, wanted);
      expect(hasSettings(changed, wanted)).toBe(true);
      expect(settingsPatch(changed, wanted)).toEqual([]);
      const back = applied(changed, former);
      expect(hasSettings(back, former)).toBe(true);
      expect(back['other']).toBe('x');
    }),
  );
});

test('both halves are set, optionally also for rescue', () => {
  expect(settingsFor({ kernel: 'k', initramfs: 'i' }, true)).toEqual({
    deploy_kernel: 'k',
    deploy_ramdisk: 'i',
    rescue_kernel: 'k',
    rescue_ramdisk: 'i',
  });
  expect(presentSettings({ deploy_kernel: 'k' }, deployKeys)).toEqual({ deploy_kernel: 'k', deploy_ramdisk: null });
  expect(presentSettings({ deploy_kernel: '******' }, deployKeys)).toBeUndefined();
  expect(presentSettings({ deploy_kernel: 7 }, deployKeys)).toBeUndefined();
});

test.each([
  ['has finished', 'done', '', 'settled', 'request'],
  ['is running', 'waiting', '', 'wait', 'wait'],
  ['is deferred', 'waiting', 'Node is locked.', 'settled', 'wait'],
  ['has failed', 'failed', 'no answer', 'request', 'request'],
] as const)('a worker of Doni that %s', (_, state, reason, withImages, withoutImages) => {
  const stepFor = (hasImages: boolean): string => nextSyncStep({ state, reason }, { hasImages, isRequested: false });

  expect([stepFor(true), stepFor(false)]).toEqual([withImages, withoutImages]);
});

test('a worker of Doni that fails again after a request is not asked again', () => {
  expect(nextSyncStep({ state: 'failed', reason: 'x' }, { hasImages: true, isRequested: true })).toBe('settled');
});
