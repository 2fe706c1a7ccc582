// Nodes that are inspected on their way, on the double of Ironic.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { startNodeSite, type NodeSite } from './baremetal-site.js';
import type { Finding } from '../sandbox/ironic-inspection.js';

let site: NodeSite;
beforeEach(async () => {
  site = await startNodeSite();
});
afterEach(() => site.close());

const [first, second] = ['52:54:00:ab:cd:01', '52:54:00:ab:cd:02'] as const;
const finding: Finding = {
  properties: { cpu_arch: 'x86_64', memory_mb: 1024, capabilities: 'boot_mode:bios' },
  ports: [first.toUpperCase(), second],
  inventory: {
    inventory: {
      cpu: { count: 2, architecture: 'x86_64' },
      memory: { physical_mb: 1024 },
      disks: [{ size: 5 * 2 ** 30 }],
      interfaces: [{ mac_address: first }, { mac_address: second }],
    },
    plugin_data: {},
  },
};
const node = {
  name: 'n1',
  driver: 'fake-hardware',
  properties: { memory_mb: 2048, capabilities: { boot_mode: 'uefi' } },
  ports: [{ address: first }],
  state: 'available',
  inspect: true,
};
const found = {
  source: 'inventory',
  cpu_arch: 'x86_64',
  cpus: 2,
  memory_mb: 1024,
  local_gb: 5,
  ports: [first, second],
};

const verbs = (): unknown[] =>
  site.ironic.requests
    .filter(({ path }) => path.endsWith('/states/provision'))
    .map(({ body }) => (body as { target: string }).target);
const portsOf = (): string[] => site.ironic.ports.map(({ address }) => String(address)).sort();

describe('a new node', () => {
  beforeEach(() => {
    site.ironic.finds = { n1: finding };
  });

  test('is inspected once before it leaves manageable, and a second run changes nothing', async () => {
    const outcome = await site.node(node);

    expect(outcome).toMatchObject({ changed: true, failures: [], values: { action: 'create', inspection: found } });
    expect(outcome.differences[0]?.after).toMatchObject({ inspection: 'finished', provision_state: 'available' });
    expect(verbs()).toEqual(['manage', 'inspect', 'provide']);
    const before = site.nodeWrites().length;
    expect(await site.node(node)).toMatchObject({
      changed: false,
      warnings: [],
      values: { action: 'up_to_date', inspection: { ...found, unnamed_ports: [second] } },
    });
    expect(site.nodeWrites()).toHaveLength(before);
  });

  test('keeps what is given, has the rest as found, and no port twice', async () => {
    const { warnings } = await site.node(node);

    expect(site.ironic.nodes[0]).toMatchObject({
      properties: { cpu_arch: 'x86_64', memory_mb: 2048, capabilities: 'boot_mode:uefi' },
    });
    expect(portsOf()).toEqual([first, second]);
    expect(warnings).toEqual([
      'properties.memory_mb: inspection found 1024, and the given 2048 is kept',
      expect.stringMatching(`^it also has the port ${second}, which the request does not name; they are kept`),
    ]);
  });

  test('has found ports deleted that are neither named nor kept, in the same run', async () => {
    await site.node({ ...node, purge: ['ports', 'properties'] });

    expect(portsOf()).toEqual([first]);
    expect(site.ironic.nodes[0]?.properties).toEqual({ memory_mb: 2048, capabilities: 'boot_mode:uefi' });
    expect(await site.node({ ...node, purge: ['ports', 'properties'] })).toMatchObject({ changed: false });
  });

  test('is not given the ports again that inspection has created, in whatever spelling', async () => {
    await site.node({ ...node, ports: undefined });
    expect(portsOf()).toEqual([first, second]);

    const outcome = await site.node({
      ...node,
      ports: [{ mac: first.toUpperCase() }, { mac: second.replaceAll(':', '-') }],
    });

    expect(outcome).toMatchObject({ changed: false, warnings: [] });
  });

  test('is planned with its inspection, and nothing is sent', async () => {
    const planned = await site.node(node, { checkMode: true });

    expect(planned.values).toMatchObject({ action: 'create' });
    expect(planned.differences[0]?.after).toMatchObject({ inspection: 'finished' });
    expect(site.nodeWrites()).toEqual([]);
  });

  test('waits for its ramdisk, and shows the states', async () => {
    site.ironic.waits = { 'inspect wait': 2 };

    await site.node({ ...node, state: 'manageable' });

    expect(verbs()).toEqual(['manage', 'inspect']);
    expect(site.progress.map(({ stage }) => stage)).toEqual(expect.arrayContaining(['inspecting', 'inspect wait']));
  });

  test('shows its findings in the table', async () => {
    const { table } = await site.node(node);

    expect(table.columns).toEqual(['NODE', 'ACTION', 'STATE', 'UUID', 'FOUND', 'REASON']);
    expect(table.rows[0]).toContain('x86_64, 2 CPUs, 1024 MB, 5 GB, 2 ports');
  });
});

describe('a failed inspection', () => {
  test('is reported with the last error, and the next run inspects again', async () => {
    site.ironic.fails = { 'n1/inspecting': 'no answer from the ramdisk' };

    const outcome = await site.node(node);

    expect(outcome.failures).toEqual([
      'node n1 did not become manageable after inspect, it is in state inspect failed: no answer from the ramdisk',
    ]);
    expect(outcome.values).toMatchObject({
      action: 'failed',
      error_code: 'NODE_FAILED',
      provision_state: 'inspect failed',
    });
    expect(outcome.values).not.toHaveProperty('inspection');
    site.ironic.fails = {};
    const next = await site.node(node);
    expect(next).toMatchObject({ changed: true, failures: [], values: { inspection: { source: 'properties' } } });
    expect(next.differences[0]?.before).toMatchObject({ inspection: 'failed' });
    expect(verbs()).toEqual(['manage', 'inspect', 'inspect', 'provide']);
  });

  test('that takes too long is told with the state, and the next run waits for it', async () => {
    const release = site.ironic.hold('inspect wait');

    expect((await site.node({ ...node, state_timeout: 1 })).failures).toEqual([
      expect.stringMatching(/gave up waiting for node n1 .* after 1 s: it is in state inspect wait/),
    ]);
    release();
    expect(await site.node(node)).toMatchObject({ changed: true, values: { provision_state: 'available' } });
    expect(verbs()).toEqual(['manage', 'inspect', 'provide']);
  });

  test('that somebody has put away is not taken for a success', async () => {
    site.ironic.intervene = ({ method, segments }) => {
      const [seeded] = site.ironic.nodes;
      // As if the node were put away between two looks.
      if (method === 'GET' && segments[2] !== undefined && seeded?.provision_state === 'inspecting')
        Object.assign(seeded, { provision_state: 'manageable', reservation: null, last_error: 'no answer' });
      return undefined;
    };

    expect((await site.node(node)).failures).toEqual([
      'node n1 is manageable again, but its inspection did not finish: no answer',
    ]);
  });
});

describe('a node', () => {
  test('whose interface inspects nothing is refused before anything is sent', async () => {
    const refused = { ...node, driver: 'ipmi', driver_info: { ipmi_address: '10.0.0.1' } };

    await expect(site.node(refused)).rejects.toMatchObject({
      code: 'CHANGE_REFUSED',
      message: expect.stringMatching(/the inspect interface of the node is no-inspect.*enabled_inspect_interfaces/),
    });
    expect(site.nodeWrites()).toEqual([]);
  });

  test('whose interface no list of drivers tells is refused before its state changes', async () => {
    site.ironic.intervene = ({ segments }) => (segments[1] === 'drivers' ? { status: 404 } : undefined);

    const outcome = await site.node({ ...node, driver: 'ipmi', driver_info: { ipmi_address: '10.0.0.1' } });

    expect(outcome.failures).toEqual([expect.stringContaining('no-inspect')]);
    expect(verbs()).toEqual([]);
  });

  test('that is available is not taken back, and a warning says so', async () => {
    site.ironic.seed({ name: 'n1', provision_state: 'available' });

    const outcome = await site.node({ name: 'n1', state: 'available', inspect: true });

    expect(outcome).toMatchObject({ changed: false, warnings: [expect.stringContaining('never been inspected')] });
    expect(site.nodeWrites()).toEqual([]);
    await site.node({ name: 'n1', state: 'manageable', inspect: true });
    expect(verbs()).toEqual(['manage', 'inspect']);
  });

  test('that another run makes available meanwhile is not taken back either', async () => {
    site.ironic.seed({ name: 'n1', provision_state: 'manageable' });
    site.ironic.intervene = ({ method, segments }) => {
      const [seeded] = site.ironic.nodes;
      if (method === 'PUT' && segments[4] === 'provision' && seeded?.provision_state === 'manageable')
        Object.assign(seeded, { provision_state: 'available' });
      return undefined;
    };

    const outcome = await site.node({ name: 'n1', state: 'available', inspect: true });

    expect(outcome.failures).toEqual([]);
    expect(verbs()).toEqual(['inspect']);
  });

  test('whose inventory cannot be read is none the worse', async () => {
    site.ironic.intervene = ({ segments }) => (segments[3] === 'inventory' ? { status: 500 } : undefined);

    expect(await site.node({ ...node, ports: undefined })).toMatchObject({
      failures: [],
      values: { provision_state: 'available', inspection: { source: 'properties' } },
      warnings: expect.arrayContaining([expect.stringContaining('what the inspection found could not be read')]),
    });
  });

  test.each([[undefined], ['enroll']])('that is to be inspected needs a state beyond %s', async (state) => {
    await expect(site.node({ ...node, state })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringMatching(/^inspect: a node is inspected on its way to manageable, available or active/),
    });
    expect(site.ironic.requests).toEqual([]);
  });
});

describe('an inventory', () => {
  const nodes = Array.from({ length: 9 }, (_, index) => ({
    name: `n${index}`,
    driver: 'fake-hardware',
    ports: [`52:54:00:00:01:0${index}`],
  }));

  test('has its nodes inspected, but for those that say otherwise', async () => {
    site.ironic.finds = { n0: finding };
    const given = { nodes: nodes.map((each, index) => (index < 2 ? each : { ...each, inspect: 'no' })), inspect: true };

    const outcome = await site.enroll(given);

    const results = outcome.values.nodes as { name: string; inspection?: object }[];
    expect(results.map(({ inspection }) => inspection !== undefined)).toEqual(nodes.map((_, index) => index < 2));
    expect(results[0]?.inspection).toMatchObject({ ...found, unnamed_ports: [first, second] });
    expect(outcome.table.columns).toContain('FOUND');
    expect(await site.enroll(given)).toMatchObject({ changed: false });
  });

  test('with a node to be inspected may be enrolled first, and the wish for all may not', async () => {
    const [one] = nodes;

    expect(await site.enroll({ nodes: [{ ...one, inspect: true }], state: 'enroll' })).toMatchObject({ failures: [] });
    expect(verbs()).toEqual([]);
    await expect(site.enroll({ nodes, inspect: true, state: 'enroll' })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    });
  });
});
