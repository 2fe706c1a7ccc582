// What comes between a node and the state that it is brought to, on the double of Ironic: locks,
// lost answers, time, and others.
import { describe, expect, test } from '@jest/globals';
import type { NodeDetails } from '../../modules/clients/ironic/nodes.js';
import { waitUntilStable } from '../../modules/nodes/provision.js';
import type { Answer } from '../sandbox/http-double.js';
import { first, isVerb, lost, patience, useNodes } from './bring-to-site.js';

const site = useNodes();

describe('a lock', () => {
  test('of another operation is waited for before a verb is requested', async () => {
    const node = site.double.seed({ provision_state: 'manageable' });
    site.double.lock(node.uuid, 4);

    await site.bring(node, 'available');

    expect(site.verbs()).toEqual([['provide', 202]]);
  });

  test('that appears between the read and the verb is waited for, and the verb repeated', async () => {
    const node = site.double.seed({ provision_state: 'manageable' });
    site.double.intervene = first(1, isVerb, () => {
      site.double.lock(node.uuid, 3);
      return {
        status: 409,
        body: {
          error_message: JSON.stringify({
            faultcode: 'Client',
            faultstring:
              `Node ${node.uuid} is locked by host conductor-2, please retry after the current operation is ` +
              'completed.',
            debuginfo: null,
          }),
        },
      };
    });

    expect(await site.bring(node, 'available')).toMatchObject({ provision_state: 'available' });
    expect(site.verbs().map(([, status]) => status)).toEqual([409, 202]);
  });

  test('that stays is reported with its holder', async () => {
    const node = site.double.seed({ provision_state: 'manageable', name: 'rack3-07', reservation: 'conductor-2' });

    await expect(site.bring(node, 'available', { timeoutSeconds: 0.1 })).rejects.toMatchObject({
      code: 'WAIT_TIMEOUT',
      message: expect.stringMatching(
        / to become available after 0\.1 s: it is in state manageable, held by conductor-2$/,
      ),
    });
    expect(site.verbs()).toEqual([]);
  });

  test('ends when a node reports a stable state', async () => {
    const node = site.double.seed({ provision_state: 'active' });
    site.double.lock(node.uuid, 3);

    expect(
      await waitUntilStable(site.ironic, node.uuid, { ...patience, signal: new AbortController().signal }),
    ).toMatchObject({ reservation: null });
  });
});

describe('an answer', () => {
  test.each<[string, () => Answer]>([
    ['is lost', lost],
    ['is a 502 of a proxy', () => ({ status: 502, body: '<html>Bad Gateway</html>' })],
    ['is a 504 of a proxy', () => ({ status: 504 })],
    ['is a 500', () => ({ status: 500, body: { error_message: 'oops' } })],
  ])('that %s although the verb was taken does no harm', async (_, answer) => {
    const node = site.double.seed({ provision_state: 'enroll' });
    const spoil = first(1, isVerb, answer);
    site.double.spoil = (call) => spoil(call);

    expect(await site.bring(node, 'available')).toMatchObject({ provision_state: 'available' });
    expect(site.verbs().map(([verb]) => verb)).toEqual(['manage', 'provide']);
  });

  test('that is lost with the verb makes it repeat the verb', async () => {
    const node = site.double.seed({ provision_state: 'manageable' });
    site.double.intervene = first(2, isVerb, lost);

    expect(await site.bring(node, 'available')).toMatchObject({ provision_state: 'available' });
    expect(site.verbs()).toHaveLength(3);
  });

  test('that is always 503 ends it', async () => {
    const node = site.double.seed({ provision_state: 'manageable' });
    site.double.intervene = (call) =>
      isVerb(call) ? { status: 503, body: { error_message: 'no free worker' } } : undefined;

    await expect(site.bring(node, 'available')).rejects.toThrow(/503.*no free worker/);
    expect(node.provision_state).toBe('manageable');
    expect(site.verbs()).toHaveLength(5);
  });

  test('to a read that fails for a moment is requested again', async () => {
    const node = site.double.seed({ provision_state: 'manageable' });
    site.double.intervene = first(
      2,
      ({ method, segments }) => method === 'GET' && segments[2] === node.uuid,
      () => ({ status: 503 }),
    );

    expect(await site.bring(node, 'available')).toMatchObject({ provision_state: 'available' });
  });
});

describe('the time limit', () => {
  test('is reported with the state when it is exceeded', async () => {
    site.hold('cleaning');
    const node = site.double.seed({ provision_state: 'manageable', name: 'rack3-07' });

    await expect(site.bring(node, 'available', { timeoutSeconds: 0.1 })).rejects.toMatchObject({
      code: 'WAIT_TIMEOUT',
      message:
        'gave up waiting for node rack3-07 to become available after 0.1 s: ' +
        'it is in state cleaning, held by conductor-1',
    });
  });

  test('is cut short by a signal', async () => {
    const stop = new AbortController();
    site.hold('cleaning');
    const node = site.double.seed({ provision_state: 'manageable' });

    await expect(
      site.bring(node, 'available', {
        signal: stop.signal,
        onState: ({ provision_state: state }) => state === 'cleaning' && stop.abort(new Error('stopped')),
      }),
    ).rejects.toThrow('stopped');
  });
});

describe('another run', () => {
  test('that requests the same verb first does no harm', async () => {
    const node = site.double.seed({ provision_state: 'manageable' });
    site.double.intervene = first(1, isVerb, () => {
      Object.assign(node, { provision_state: 'available' });
      return {
        status: 400,
        body: {
          error_message: JSON.stringify({
            faultstring:
              `The requested action "provide" can not be performed on node "${node.uuid}" while it is in state ` +
              '"available".',
          }),
        },
      };
    });

    expect(await site.bring(node, 'active')).toMatchObject({ provision_state: 'active' });
    expect(site.verbs()).toEqual([
      [undefined, 400],
      ['active', 202],
    ]);
  });

  test('that brings the node to another state is followed', async () => {
    const node = site.double.seed({ provision_state: 'manageable' });
    let isTaken = false;
    const onState = ({ provision_state: state }: NodeDetails): void => {
      if (state !== 'cleaning' || isTaken) return;
      isTaken = true;
      Object.assign(node, { provision_state: 'manageable', target_provision_state: null, reservation: null });
    };

    expect(await site.bring(node, 'available', { onState })).toMatchObject({ provision_state: 'available' });
    expect(site.verbs()).toEqual([
      ['provide', 202],
      ['provide', 202],
    ]);
  });

  test('that has already begun with the node is waited for', async () => {
    const node = site.double.seed({ provision_state: 'manageable' });
    const other = site.bring(node, 'active');

    expect(await site.bring(node, 'active')).toMatchObject({ provision_state: 'active' });
    await other;
    expect(site.verbs().filter(([, status]) => status === 202)).toHaveLength(2);
  });

  test('that deletes the node meanwhile is reported', async () => {
    const node = site.double.seed({ provision_state: 'manageable' });
    const onState = ({ provision_state: state }: NodeDetails): void =>
      void (state === 'cleaning' && site.double.nodes.splice(0));

    await expect(site.bring(node, 'available', { onState })).rejects.toMatchObject({
      code: 'NODE_GONE',
      message: `node ${node.uuid} does not exist any more`,
    });
  });
});
