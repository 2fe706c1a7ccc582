// The roll-out: how many nodes are changed at a time, and where it stops.
import { afterEach, expect, test } from '@jest/globals';
import type { Outcome } from '../../modules/core/operation.js';
import type { StoredNode } from '../sandbox/ironic.js';
import { former, startIpaSite, theirs, type IpaTestSite } from './ipa-test-site.js';

const pushOnly = { deployer: 'ironic', push: true, test: false } as const;

let site: IpaTestSite;

afterEach(async () => {
  await site.close();
});

function kernelsOf(nodes: readonly StoredNode[]): unknown[] {
  return nodes.map(({ driver_info: info }) => info['deploy_kernel']);
}

function counted({ values }: Outcome): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { result } of values.nodes as { result: string }[]) counts[result] = (counts[result] ?? 0) + 1;
  return counts;
}

function patched(): string[] {
  return site.users.baremetal.requests.filter(({ method }) => method === 'PATCH').map(({ path }) => path);
}

/**
 * Nodes that are in use until each of them was looked at for the second time, so that all become
 * free while they are waited for.
 */
async function openWaiting(count: number): Promise<StoredNode[]> {
  site = await startIpaSite(['baremetal']);
  const nodes = Array.from({ length: count }, (_, index) =>
    site.addNode({
      name: `rack1-${index}`,
      provision_state: 'active',
      instance_uuid: theirs.replace('5a', `a${index}`),
    }),
  );
  const looks = new Map<string, number>();
  site.users.baremetal.intervene = ({ method, segments: [, , uuid = ''] }) => {
    if (method !== 'GET') return undefined;
    looks.set(uuid, (looks.get(uuid) ?? 0) + 1);
    const node = nodes.find((one) => one.uuid === uuid);
    if (node && looks.get(uuid) === 2) Object.assign(node, { provision_state: 'available', instance_uuid: null });
    return undefined;
  };
  return nodes;
}

/** Refuses changes of these nodes. */
function refuse(nodes: readonly StoredNode[]): void {
  const { intervene } = site.users.baremetal;
  site.users.baremetal.intervene = (call) =>
    call.method === 'PATCH' && nodes.some(({ uuid }) => uuid === call.segments[2])
      ? { status: 400, body: { error_message: 'refused' } }
      : intervene(call);
}

test.each([
  [0, 1, 1],
  [1, 1, 2],
  [2, 1, 3],
  [0, 2, 2],
])(
  'nodes that were waited for: with max_failures %i and batch_size %i, at most %i are tried',
  async (maxFailures, batchSize, most) => {
    const nodes = await openWaiting(6);
    refuse(nodes);

    const outcome = await site.test({
      ...pushOnly,
      in_use: 'wait',
      batch_size: batchSize,
      max_failures: maxFailures,
      in_use_timeout: 20,
    });

    expect(patched().length).toBeGreaterThan(maxFailures);
    expect(patched().length).toBeLessThanOrEqual(most);
    expect(outcome.failures[0]).toMatch(
      new RegExp(`^the roll-out was stopped because \\d nodes? failed and max_failures is ${maxFailures}$`),
    );
    expect(counted(outcome)).toEqual({ failed: patched().length, skipped: 6 - patched().length });
    expect(site.journal()).toEqual([]);
  },
);

test('nodes that were waited for and changed before it stopped are rolled back', async () => {
  const nodes = await openWaiting(4);
  let patches = 0;
  const { intervene } = site.users.baremetal;
  site.users.baremetal.intervene = (call) =>
    call.method === 'PATCH' && ++patches === 3 ? { status: 400, body: { error_message: 'refused' } } : intervene(call);

  const outcome = await site.test({ ...pushOnly, in_use: 'wait', batch_size: 1, in_use_timeout: 20 });

  expect(counted(outcome)).toEqual({ failed: 1, 'rolled back': 2, skipped: 1 });
  expect([kernelsOf(nodes), site.journal()]).toEqual([nodes.map(() => former.deploy_kernel), []]);
});

test('at most batch_size nodes are changed at a time, including those that were waited for', async () => {
  const nodes = await openWaiting(6);
  let open = 0;
  let most = 0;
  const { intervene } = site.users.baremetal;
  site.users.baremetal.intervene = (call) => {
    if (call.method === 'PATCH') most = Math.max(most, ++open);
    // The node is read back when it was changed.
    else if (
      call.method === 'GET' &&
      kernelsOf(nodes.filter(({ uuid }) => uuid === call.segments[2]))[0] === site.kernel.id
    )
      open -= 1;
    return intervene(call);
  };

  const outcome = await site.test({ ...pushOnly, in_use: 'wait', batch_size: 2, in_use_timeout: 20 });

  expect([counted(outcome), kernelsOf(nodes)]).toEqual([{ updated: 6 }, nodes.map(() => site.kernel.id)]);
  expect(most).toBeLessThanOrEqual(2);
});

test('a node that is in use again before its turn is waited for again', async () => {
  const nodes = await openWaiting(1);
  const [node] = nodes as [StoredNode];
  const { intervene } = site.users.baremetal;
  let looks = 0;
  site.users.baremetal.intervene = (call) => {
    const answer = intervene(call);
    if (call.method !== 'GET' || call.segments[2] !== node.uuid) return answer;
    looks += 1;
    if (looks === 3) Object.assign(node, { provision_state: 'active', instance_uuid: theirs });
    if (looks === 6) Object.assign(node, { provision_state: 'available', instance_uuid: null });
    if ([3, 4, 5].includes(looks)) expect(patched()).toEqual([]);
    return answer;
  };

  expect(counted(await site.test({ ...pushOnly, in_use: 'wait', in_use_timeout: 20 }))).toEqual({ updated: 1 });
  expect(looks).toBeGreaterThan(6);
});

test('a fault of the program is not a failure of a node: it is thrown as it is, and the journal stays', async () => {
  site = await startIpaSite(['baremetal']);
  site.addNode();
  site.progress.push = () => {
    throw new TypeError('progress is no function');
  };

  await expect(site.test(pushOnly)).rejects.toThrow(TypeError);

  expect(site.journal()).toHaveLength(1);
});
