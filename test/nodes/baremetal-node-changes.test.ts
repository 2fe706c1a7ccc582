// Changes of nodes that exist: lost answers, states that change, traits, and parents of them.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Answer } from '../sandbox/http-double.js';
import type { StoredNode } from '../sandbox/ironic.js';
import { startNodeSite, type NodeSite } from './baremetal-site.js';
import { first } from './bring-to-site.js';

const badGateway = (): Answer => ({ status: 502, body: '<html>Bad Gateway</html>' });

let site: NodeSite;
let node: StoredNode;
beforeEach(async () => {
  site = await startNodeSite();
  node = site.ironic.seed({ name: 'n1', provision_state: 'manageable', description: 'old', extra: { a: 1 } });
});
afterEach(() => site.close());

/** The paths of each PATCH of a node. */
const patched = (): string[][] =>
  site.ironic.requests
    .filter(({ method }) => method === 'PATCH')
    .map(({ body }) => ((body ?? []) as { path: string }[]).map(({ path }) => path));

describe('a change whose answer is lost', () => {
  const task = { name: 'n1', description: '', resource_class: 'big', extra: { b: 2 } };

  test('is not sent again if it was made, as Ironic refuses to remove what is gone', async () => {
    const lose = first(1, ({ method }) => method === 'PATCH', badGateway);
    site.ironic.spoil = (call) => lose(call);

    expect(await site.node(task)).toMatchObject({ changed: true, failures: [] });

    expect(node).toMatchObject({ description: null, resource_class: 'big', extra: { a: 1, b: 2 } });
    expect(patched()).toHaveLength(1);
  });

  test('is sent again if it was not made', async () => {
    site.ironic.intervene = first(1, ({ method }) => method === 'PATCH', badGateway);

    expect(await site.node(task)).toMatchObject({ changed: true, failures: [] });

    expect(node).toMatchObject({ description: null, resource_class: 'big', extra: { a: 1, b: 2 } });
    expect(patched()).toHaveLength(2);
  });

  test('is completed if another run has made a part of it', async () => {
    const lose = first(1, ({ method }) => method === 'PATCH', badGateway);
    site.ironic.intervene = (call) => {
      const answer = lose(call);
      if (answer) Object.assign(node, { description: null, resource_class: 'big' });
      return answer;
    };

    expect(await site.node(task)).toMatchObject({ changed: true, failures: [] });

    expect(node).toMatchObject({ description: null, resource_class: 'big', extra: { a: 1, b: 2 } });
    expect(patched().at(-1)).toEqual(['/extra/b']);
  });

  test('and stays lost fails after some attempts', async () => {
    site.ironic.intervene = ({ method }) => (method === 'PATCH' ? badGateway() : undefined);

    await expect(site.node(task)).rejects.toThrow('502');

    expect(patched()).toHaveLength(4);
    expect(node.description).toBe('old');
  });
});

test('a node that is changing its state is changed when that has ended', async () => {
  Object.assign(node, { provision_state: 'cleaning', target_provision_state: 'available' });
  let looks = 0;
  site.ironic.intervene = ({ method }) => {
    if (method === 'PATCH') expect(node.provision_state).toBe('available');
    else if (++looks === 4) Object.assign(node, { provision_state: 'available', target_provision_state: null });
    return undefined;
  };

  expect(await site.node({ name: 'n1', description: 'new' })).toMatchObject({ changed: true });

  expect(node.description).toBe('new');
});

test('a node that is found by its UUID is renamed', async () => {
  expect(await site.node({ uuid: node.uuid, name: 'n2' })).toMatchObject({ changed: true });

  expect(node.name).toBe('n2');
});

describe('traits', () => {
  test('are added once, and only the given ones stay if they are purged', async () => {
    node.traits = ['CUSTOM_A'];

    expect(await site.node({ name: 'n1', traits: ['CUSTOM_B'] })).toMatchObject({ changed: true });
    expect(node.traits).toEqual(['CUSTOM_A', 'CUSTOM_B']);
    expect(await site.node({ name: 'n1', traits: ['CUSTOM_B'] })).toMatchObject({ changed: false });
    await site.node({ name: 'n1', traits: ['CUSTOM_B'], purge: ['traits'] });
    expect(node.traits).toEqual(['CUSTOM_B']);
  });

  test('whose answer is lost are set again', async () => {
    site.ironic.intervene = first(1, ({ segments }) => segments.at(-1) === 'traits', badGateway);

    expect(await site.node({ name: 'n1', traits: ['CUSTOM_B'] })).toMatchObject({ changed: true, failures: [] });

    expect(node.traits).toEqual(['CUSTOM_B']);
  });

  test('of a table may be separated by spaces, commas and semicolons', async () => {
    await site.enroll({
      nodes: [{ name: 'n1', driver: 'fake-hardware', traits: 'CUSTOM_A; CUSTOM_B,CUSTOM_C' }],
      state: 'enroll',
    });

    expect(node.traits).toEqual(['CUSTOM_A', 'CUSTOM_B', 'CUSTOM_C']);
  });
});

test.each([{}, { ports: [{ mac: '52:54:00:00:00:01' }] }])(
  'a node without a name, given %j, is created once although the first answer is lost',
  async (given) => {
    const lose = first(1, ({ method }) => method === 'POST', badGateway);
    site.ironic.spoil = (call) => lose(call);

    expect(await site.node({ driver: 'fake-hardware', ...given })).toMatchObject({ changed: true });

    expect(site.ironic.nodes).toHaveLength(2);
  },
);

test('a node that stays locked is reported with what was to be done, and not changed', async () => {
  site.ironic.lock('n1', 1000);

  await expect(site.node({ name: 'n1', description: 'new', lock_timeout: 1 })).rejects.toMatchObject({
    code: 'NODE_LOCKED',
    message: expect.stringMatching(
      /changing node \S+: the node stayed locked for 1 s: .*is locked by host conductor-2/,
    ),
  });
  expect(node.description).toBe('old');
});

test('a node that cannot be deleted is reported by its name, and stays', async () => {
  site.ironic.intervene = ({ method }) =>
    method === 'DELETE' ? { status: 400, body: { error_message: 'it is protected' } } : undefined;

  await expect(site.node({ name: 'n1', state: 'absent' })).rejects.toThrow(/n1.*it is protected/);

  expect(site.ironic.nodes).toHaveLength(1);
});

test('nodes that have not begun when the run is interrupted are reported as not started', async () => {
  const interruption = new AbortController();
  site.ironic.intervene = ({ method }) => {
    if (method === 'POST') interruption.abort(new Error('interrupted'));
    return undefined;
  };

  const outcome = await site.enroll(
    { nodes: ['n2', 'n3', 'n4'].map((name) => ({ name, driver: 'fake-hardware' })), state: 'enroll', concurrency: 1 },
    { signal: interruption.signal },
  );

  expect(outcome.failures).toContainEqual(expect.stringContaining('n4: not started: interrupted'));
  expect(site.ironic.nodes.map(({ name }) => name)).not.toContain('n4');
});
