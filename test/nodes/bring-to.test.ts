// How a node is brought to a state, on the double of Ironic: every way, and what it ends in.
import { describe, expect, test } from '@jest/globals';
import { stepsTo, type NodeGoal } from '../../modules/nodes/policy/provision-states.js';
import type { StoredNode } from '../sandbox/ironic.js';
import { useNodes } from './bring-to-site.js';

const site = useNodes();

const failed = (state: string): Partial<StoredNode> => ({
  provision_state: state,
  target_provision_state: state === 'deploy failed' ? 'active' : 'manageable',
  last_error: 'an old failure',
});

const states = [
  'enroll',
  'manageable',
  'available',
  'active',
  'rescue',
  'error',
  'clean failed',
  'inspect failed',
  'adopt failed',
  'deploy failed',
  'rescue failed',
  'unrescue failed',
  'service failed',
];
const goals: readonly NodeGoal[] = ['enroll', 'manageable', 'available', 'active'];
/** What the site's double speaks. */
const newest = 112;
const ways = states
  .flatMap((state) => goals.map((goal) => [state, goal] as const))
  .filter(([state, goal]) => stepsTo(state, goal, newest) !== undefined);

describe('the way', () => {
  test.each(ways)('from %s to %s is gone by its verbs, each said once', async (state, goal) => {
    const node = site.double.seed(/failed$|error/.test(state) ? failed(state) : { provision_state: state });

    const arrived = await site.bring(node, goal);

    expect(arrived).toMatchObject({
      uuid: node.uuid,
      provision_state: goal,
      target_provision_state: null,
      reservation: null,
    });
    expect(site.verbs()).toEqual(stepsTo(state, goal, newest)!.map(({ verb }) => [verb, 202]));
  });

  test.each(states.filter((state) => state !== 'enroll'))(
    'from %s back to enroll there is none, and nothing is said',
    async (state) => {
      const node = site.double.seed({ provision_state: state, name: 'rack3-07' });

      await expect(site.bring(node, 'enroll')).rejects.toMatchObject({
        code: 'NO_WAY',
        message: expect.stringMatching(
          new RegExp(`^node rack3-07 is in state ${state}: no verb leads from there to enroll`),
        ),
      });
      expect(site.verbs()).toEqual([]);
    },
  );

  test('leads through every state, which are reported as they come', async () => {
    const node = site.double.seed({ provision_state: 'enroll' });

    await site.bring(node, 'active');

    expect(site.seen).toEqual(['enroll', 'verifying', 'manageable', 'cleaning', 'available', 'deploying', 'active']);
  });

  test('is also found if states come and go between two requests', async () => {
    site.double.looks = 0;
    const node = site.double.seed({ provision_state: 'active', automated_clean: false });

    await site.bring(node, 'manageable');

    expect(site.seen).toEqual(['active', 'available', 'manageable']);
  });

  test('of a node that is already there is empty, even if an old error is left', async () => {
    const node = site.double.seed({ provision_state: 'available', last_error: 'an old failure' });

    expect(await site.bring(node, 'available')).toMatchObject({ last_error: 'an old failure' });
    expect(site.verbs()).toEqual([]);
  });

  test('goes through the ramdisk, which is waited for', async () => {
    const release = site.hold('wait call-back');
    const node = site.double.seed({});
    const arrival = site.bring(node, 'active', {
      onState: ({ provision_state: state }) => void (state === 'wait call-back' && release()),
    });

    expect(await arrival).toMatchObject({ provision_state: 'active' });
    expect(site.verbs()).toEqual([['active', 202]]);
  });

  test('sends a verb with its body', async () => {
    const node = site.double.seed({ provision_state: 'manageable' });

    await site.bring(node, 'active', { bodyOf: (verb) => (verb === 'active' ? { configdrive: 'c' } : {}) });

    expect(
      site
        .requests()
        .filter(({ method }) => method === 'PUT')
        .map(({ body }) => body),
    ).toEqual([{ target: 'provide' }, { target: 'active', configdrive: 'c' }]);
  });
});

describe('a failure', () => {
  test.each<[string, Partial<StoredNode>, NodeGoal, string, string]>([
    ['manage', { provision_state: 'enroll' }, 'available', 'manageable', 'enroll'],
    ['provide', { provision_state: 'manageable' }, 'active', 'available', 'clean failed'],
    ['clean wait', { provision_state: 'manageable' }, 'active', 'available', 'clean failed'],
    ['active', {}, 'active', 'active', 'deploy failed'],
    ['wait call-back', {}, 'active', 'active', 'deploy failed'],
    ['deleted', { provision_state: 'active' }, 'available', 'available', 'error'],
    ['cleaning', { provision_state: 'active' }, 'manageable', 'available', 'clean failed'],
    ['unrescue', { provision_state: 'rescue' }, 'active', 'active', 'unrescue failed'],
  ])('of %s is reported with the reason, and no further verb is requested', async (what, fields, goal, to, state) => {
    site.double.fails = { [what]: 'the cable is cut' };
    const node = site.double.seed({ name: 'rack3-07', ...fields });

    await expect(site.bring(node, goal)).rejects.toMatchObject({
      code: 'NODE_FAILED',
      message: expect.stringMatching(
        new RegExp(
          `^node rack3-07 did not become ${to}(?: after (?!${to})\\w+)?, it is in state ${state}: the cable is cut$`,
        ),
      ),
      facts: { node: node.uuid, provision_state: state, last_error: 'the cable is cut' },
    });
    expect(site.verbs()).toHaveLength(1);
  });

  test('of one node is not that of another', async () => {
    site.double.fails = { 'rack3-07/active': 'the cable is cut' };
    const [one, other] = [site.double.seed({ name: 'rack3-07' }), site.double.seed({ name: 'rack3-08' })];

    const outcomes = await Promise.allSettled([site.bring(one, 'active'), site.bring(other, 'active')]);

    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
  });

  test('that the BMC explains is reported: the node stays enrolled', async () => {
    const node = site.double.seed({ provision_state: 'enroll', driver: 'ipmi', power_interface: 'ipmitool' });

    await expect(site.bring(node, 'available')).rejects.toMatchObject({
      code: 'NODE_FAILED',
      message: expect.stringContaining("['ipmi_address']"),
    });
  });

  test('that the API foresees is its own error, and is not tried again', async () => {
    site.double.invalid = { power: 'no password' };
    const node = site.double.seed({});

    await expect(site.bring(node, 'active')).rejects.toThrow(/Failed to validate deploy or power info.*no password/);
    expect(site.verbs()).toEqual([['active', 400]]);
  });

  test('that existed before is where it continues', async () => {
    const node = site.double.seed({ ...failed('deploy failed'), automated_clean: false });

    expect(await site.bring(node, 'active')).toMatchObject({ provision_state: 'active' });
  });
});
