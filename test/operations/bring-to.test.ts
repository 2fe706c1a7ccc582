// How a node is brought to a state, on the double of Ironic: every way, and what comes between.
import { Readable } from 'node:stream';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { openIronic, type Ironic } from '../../modules/clients/ironic/api.js';
import type { NodeDetails } from '../../modules/clients/ironic/nodes.js';
import { bringTo, untilAtRest, type Travel } from '../../modules/operations/baremetal/provision.js';
import { stepsTo, type NodeGoal } from '../../modules/policy/node-states.js';
import { cloudOf } from '../clients/cloud-of.js';
import type { Answer, Call, LoggedRequest } from '../sandbox/http-double.js';
import type { IronicDouble, StoredNode } from '../sandbox/ironic.js';
import { startSandbox, type Sandbox } from '../sandbox/sandbox.js';

let sandbox: Sandbox;
let double: IronicDouble;
let ironic: Ironic;
let seen: string[];
/** How many requests were made before the test. */
let earlier: number;
let releases: (() => void)[];

beforeAll(async () => {
  sandbox = await startSandbox({ services: ['baremetal'] });
  double = sandbox.users.baremetal;
  // The newest states are there too.
  double.minor = 112;
  ironic = await openIronic(await cloudOf(sandbox));
});

afterAll(() => sandbox.close());

beforeEach(() => {
  seen = [];
  releases = [];
  earlier = double.requests.length;
});

afterEach(() => {
  for (const release of releases) release();
  double.nodes.splice(0);
  Object.assign(double, { looks: 1, fails: {}, invalid: {}, intervene: () => undefined, spoil: () => undefined });
});

function hold(state: string): () => void {
  const release = double.hold(state);
  releases.push(release);
  return release;
}

const failed = (state: string): Partial<StoredNode> => ({ provision_state: state, target_provision_state: state === 'deploy failed' ? 'active' : 'manageable', last_error: 'an old failure' });

function bring(node: StoredNode, goal: NodeGoal, changes: Partial<Travel> = {}): Promise<NodeDetails> {
  const onState = ({ provision_state: state }: NodeDetails): void => void seen.push(state);
  return bringTo(ironic, node.uuid, goal, { timeoutSeconds: 20, intervalSeconds: 0.001, signal: new AbortController().signal, onState, ...changes });
}

const requests = (): readonly LoggedRequest[] => double.requests.slice(earlier);
const isVerb = ({ method, segments }: Call): boolean => method === 'PUT' && segments[4] === 'provision';
const verbs = (): unknown[] => requests().filter(({ path }) => path.endsWith('/states/provision')).map(({ body, status }) => [(body as { target?: string } | undefined)?.target, status]);

/** Answers so for the first requests that it is asked about. */
function first(count: number, isMeant: (call: Call) => boolean, answer: () => Answer): (call: Call) => Answer | undefined {
  let left = count;
  return (call) => (isMeant(call) && left-- > 0 ? answer() : undefined);
}

/** A connection that breaks before the answer. */
const lost = (): Answer => ({ status: 202, body: new Readable({ read() { this.destroy(new Error('lost')); } }) });

const states = ['enroll', 'manageable', 'available', 'active', 'rescue', 'error', 'clean failed', 'inspect failed', 'adopt failed', 'deploy failed', 'rescue failed', 'unrescue failed', 'service failed'];
const goals: readonly NodeGoal[] = ['enroll', 'manageable', 'available', 'active'];
const ways = states.flatMap((state) => goals.map((goal) => [state, goal] as const)).filter(([state, goal]) => stepsTo(state, goal) !== undefined);

describe('the way', () => {
  test.each(ways)('from %s to %s is gone by its verbs, each said once', async (state, goal) => {
    const node = double.seed(/failed$|error/.test(state) ? failed(state) : { provision_state: state });

    const arrived = await bring(node, goal);

    expect(arrived).toMatchObject({ uuid: node.uuid, provision_state: goal, target_provision_state: null, reservation: null });
    expect(verbs()).toEqual(stepsTo(state, goal)!.map(({ verb }) => [verb, 202]));
  });

  test.each(states.filter((state) => state !== 'enroll'))('from %s back to enroll there is none, and nothing is said', async (state) => {
    const node = double.seed({ provision_state: state, name: 'rack3-07' });

    await expect(bring(node, 'enroll')).rejects.toMatchObject({ code: 'NO_WAY', message: `node rack3-07 is in state ${state}: no verb leads from there to enroll` });
    expect(verbs()).toEqual([]);
  });

  test('leads through every state, which are told as they come', async () => {
    const node = double.seed({ provision_state: 'enroll' });

    await bring(node, 'active');

    expect(seen).toEqual(['enroll', 'verifying', 'manageable', 'cleaning', 'available', 'deploying', 'active']);
  });

  test('is found too where states come and go between two looks', async () => {
    double.looks = 0;
    const node = double.seed({ provision_state: 'active', automated_clean: false });

    await bring(node, 'manageable');

    expect(seen).toEqual(['active', 'available', 'manageable']);
  });

  test('of a node that is there already is empty, also where an old error is left', async () => {
    const node = double.seed({ provision_state: 'available', last_error: 'an old failure' });

    expect(await bring(node, 'available')).toMatchObject({ last_error: 'an old failure' });
    expect(verbs()).toEqual([]);
  });

  test('goes through the ramdisk, which is waited for', async () => {
    const release = hold('wait call-back');
    const node = double.seed({});
    const arrival = bring(node, 'active', { onState: ({ provision_state: state }) => void (state === 'wait call-back' && release()) });

    expect(await arrival).toMatchObject({ provision_state: 'active' });
    expect(verbs()).toEqual([['active', 202]]);
  });

  test('tells a verb what it is to be told besides', async () => {
    const node = double.seed({ provision_state: 'manageable' });

    await bring(node, 'active', { bodyOf: (verb) => (verb === 'active' ? { configdrive: 'c' } : {}) });

    expect(requests().filter(({ method }) => method === 'PUT').map(({ body }) => body)).toEqual([{ target: 'provide' }, { target: 'active', configdrive: 'c' }]);
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
  ])('of %s is told with the reason, and no further verb is said', async (what, fields, goal, to, state) => {
    double.fails = { [what]: 'the cable is cut' };
    const node = double.seed({ name: 'rack3-07', ...fields });

    await expect(bring(node, goal)).rejects.toMatchObject({
      code: 'NODE_FAILED',
      message: expect.stringMatching(new RegExp(`^node rack3-07 did not become ${to} after \\w+, it is in state ${state}: the cable is cut$`)),
      facts: { node: node.uuid, provision_state: state, last_error: 'the cable is cut' },
    });
    expect(verbs()).toHaveLength(1);
  });

  test('of one node is not that of another', async () => {
    double.fails = { 'rack3-07/active': 'the cable is cut' };
    const [one, other] = [double.seed({ name: 'rack3-07' }), double.seed({ name: 'rack3-08' })];

    const outcomes = await Promise.allSettled([bring(one, 'active'), bring(other, 'active')]);

    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
  });

  test('that a controller explains is told: the node stays enrolled', async () => {
    const node = double.seed({ provision_state: 'enroll', driver: 'ipmi', power_interface: 'ipmitool' });

    await expect(bring(node, 'available')).rejects.toMatchObject({ code: 'NODE_FAILED', message: expect.stringContaining("['ipmi_address']") });
  });

  test('that the API foresees is its own error, and is not tried again', async () => {
    double.invalid = { power: 'no password' };
    const node = double.seed({});

    await expect(bring(node, 'active')).rejects.toThrow(/Failed to validate deploy or power info.*no password/);
    expect(verbs()).toEqual([['active', 400]]);
  });

  test('that was there before is gone on from', async () => {
    const node = double.seed({ ...failed('deploy failed'), automated_clean: false });

    expect(await bring(node, 'active')).toMatchObject({ provision_state: 'active' });
  });
});

describe('a lock', () => {
  test('of another operation is waited for before a verb is said', async () => {
    const node = double.seed({ provision_state: 'manageable' });
    double.lock(node.uuid, 4);

    await bring(node, 'available');

    expect(verbs()).toEqual([['provide', 202]]);
  });

  test('that comes between the look and the verb is waited for, and the verb said again', async () => {
    const node = double.seed({ provision_state: 'manageable' });
    double.intervene = first(1, isVerb, () => {
      double.lock(node.uuid, 3);
      return { status: 409, body: { error_message: JSON.stringify({ faultcode: 'Client', faultstring: `Node ${node.uuid} is locked by host conductor-2, please retry after the current operation is completed.`, debuginfo: null }) } };
    });

    expect(await bring(node, 'available')).toMatchObject({ provision_state: 'available' });
    expect(verbs().map((verb) => (verb as unknown[])[1])).toEqual([409, 202]);
  });

  test('that stays is told with who holds it', async () => {
    const node = double.seed({ provision_state: 'manageable', name: 'rack3-07', reservation: 'conductor-2' });

    await expect(bring(node, 'available', { timeoutSeconds: 0.1 })).rejects.toMatchObject({ code: 'WAIT_TIMEOUT', message: expect.stringMatching(/ to become available after 0\.1 s: it is in state manageable, held by conductor-2$/) });
    expect(verbs()).toEqual([]);
  });

  test('is over when a node is said to be at rest', async () => {
    const node = double.seed({ provision_state: 'active' });
    double.lock(node.uuid, 3);

    expect(await untilAtRest(ironic, node.uuid, { timeoutSeconds: 20, intervalSeconds: 0.001, signal: new AbortController().signal })).toMatchObject({ reservation: null });
  });
});

describe('an answer', () => {
  test.each<[string, () => Answer]>([
    ['is lost', lost],
    ['is a 502 of a proxy', () => ({ status: 502, body: '<html>Bad Gateway</html>' })],
    ['is a 504 of a proxy', () => ({ status: 504 })],
    ['is a 500', () => ({ status: 500, body: { error_message: 'oops' } })],
  ])('that %s although the verb was taken does no harm', async (_, answer) => {
    const node = double.seed({ provision_state: 'enroll' });
    const spoil = first(1, isVerb, answer);
    double.spoil = (call) => spoil(call);

    expect(await bring(node, 'available')).toMatchObject({ provision_state: 'available' });
    expect(verbs().map((verb) => (verb as unknown[])[0])).toEqual(['manage', 'provide']);
  });

  test('that is lost with the verb has it said again', async () => {
    const node = double.seed({ provision_state: 'manageable' });
    double.intervene = first(2, isVerb, lost);

    expect(await bring(node, 'available')).toMatchObject({ provision_state: 'available' });
    expect(verbs()).toHaveLength(3);
  });

  test('that is a 503 each time ends it', async () => {
    const node = double.seed({ provision_state: 'manageable' });
    double.intervene = (call) => (isVerb(call) ? { status: 503, body: { error_message: 'no free worker' } } : undefined);

    await expect(bring(node, 'available')).rejects.toThrow(/503.*no free worker/);
    expect(node.provision_state).toBe('manageable');
    expect(verbs()).toHaveLength(5);
  });

  test('to a look that fails for a moment is asked for again', async () => {
    const node = double.seed({ provision_state: 'manageable' });
    double.intervene = first(2, ({ method, segments }) => method === 'GET' && segments[2] === node.uuid, () => ({ status: 503 }));

    expect(await bring(node, 'available')).toMatchObject({ provision_state: 'available' });
  });
});

describe('time', () => {
  test('that is up is told with the state', async () => {
    hold('cleaning');
    const node = double.seed({ provision_state: 'manageable', name: 'rack3-07' });

    await expect(bring(node, 'available', { timeoutSeconds: 0.1 })).rejects.toMatchObject({ code: 'WAIT_TIMEOUT', message: 'gave up waiting for node rack3-07 to become available after 0.1 s: it is in state cleaning, held by conductor-1' });
  });

  test('is cut short by a signal', async () => {
    const stop = new AbortController();
    hold('cleaning');
    const node = double.seed({ provision_state: 'manageable' });

    await expect(bring(node, 'available', { signal: stop.signal, onState: ({ provision_state: state }) => state === 'cleaning' && stop.abort(new Error('stopped')) })).rejects.toThrow('stopped');
  });
});

describe('somebody else', () => {
  test('who says the same verb first is no harm', async () => {
    const node = double.seed({ provision_state: 'manageable' });
    double.intervene = first(1, isVerb, () => {
      Object.assign(node, { provision_state: 'available' });
      return { status: 400, body: { error_message: JSON.stringify({ faultstring: `The requested action "provide" can not be performed on node "${node.uuid}" while it is in state "available".` }) } };
    });

    expect(await bring(node, 'active')).toMatchObject({ provision_state: 'active' });
    expect(verbs()).toEqual([[undefined, 400], ['active', 202]]);
  });

  test('who takes the node elsewhere on the way is gone after', async () => {
    const node = double.seed({ provision_state: 'manageable' });
    let isTaken = false;
    const onState = ({ provision_state: state }: NodeDetails): void => {
      if (state !== 'cleaning' || isTaken) return;
      isTaken = true;
      Object.assign(node, { provision_state: 'manageable', target_provision_state: null, reservation: null });
    };

    expect(await bring(node, 'available', { onState })).toMatchObject({ provision_state: 'available' });
    expect(verbs()).toEqual([['provide', 202], ['provide', 202]]);
  });

  test('who has set out with the node already is waited for', async () => {
    const node = double.seed({ provision_state: 'manageable' });
    const other = bring(node, 'active');

    expect(await bring(node, 'active')).toMatchObject({ provision_state: 'active' });
    await other;
    expect(verbs().filter((verb) => (verb as unknown[])[1] === 202)).toHaveLength(2);
  });

  test('who deletes the node on the way is told of', async () => {
    const node = double.seed({ provision_state: 'manageable' });
    const onState = ({ provision_state: state }: NodeDetails): void => void (state === 'cleaning' && double.nodes.splice(0));

    await expect(bring(node, 'available', { onState })).rejects.toMatchObject({ code: 'NODE_GONE', message: `node ${node.uuid} does not exist any more` });
  });
});
