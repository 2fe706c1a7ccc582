// baremetal_node, baremetal_port and baremetal_enroll against the double: what the real Ironic does
// not do on demand.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { startNodeSite, type NodeSite } from './baremetal-site.js';

let site: NodeSite;
beforeEach(async () => {
  site = await startNodeSite();
});
afterEach(() => site.close());

const mac = '52:54:00:00:00:01';

describe('a node', () => {
  test('is created once, brought to its state, and not changed by a second run', async () => {
    const task = {
      name: 'n1',
      driver: 'fake-hardware',
      driver_info: { ipmi_password: 'p' },
      properties: { cpus: 4 },
      ports: [{ mac }],
      state: 'available',
    };

    const first = await site.node(task);
    const writes = site.nodeWrites().length;
    const second = await site.node(task);

    expect(first).toMatchObject({ changed: true, values: { action: 'create', provision_state: 'available' } });
    expect(second).toMatchObject({ changed: false, values: { action: 'up_to_date' }, differences: [] });
    expect(site.nodeWrites()).toHaveLength(writes);
  });

  test.each(['private', 'shared'])('is not given a %s image of another project', async (visibility) => {
    const [kernel, ramdisk] = [site.glance.seed({ owner: 'stranger', visibility }), site.glance.seed({})];
    const driver_info = { deploy_kernel: kernel.id, deploy_ramdisk: ramdisk.id };

    await expect(site.node({ name: 'n1', driver: 'fake-hardware', driver_info })).rejects.toThrow(
      `${kernel.id} is a ${visibility} image of another project (stranger)`,
    );
    expect(site.nodeWrites()).toEqual([]);
  });

  test('is not written to in check mode', async () => {
    const outcome = await site.node(
      { name: 'n1', driver: 'fake-hardware', ports: [{ mac }], state: 'active' },
      { checkMode: true },
    );

    expect(outcome).toMatchObject({ changed: true, values: { action: 'create' } });
    expect(site.nodeWrites()).toEqual([]);
  });

  test.each([
    ['with an instance', { instance_uuid: '11111111-2222-4333-8444-555555555555' }],
    ['deployed without one', { provision_state: 'active' }],
    ['whose deployment failed', { provision_state: 'deploy failed', target_provision_state: 'active' }],
  ])('%s is in use and left alone, unless forced', async (_, state) => {
    site.ironic.seed({ name: 'n1', ...state });

    for (const given of [{ description: 'x' }, { state: 'absent' }, { state: 'manageable' }, { ports: [{ mac }] }]) {
      await expect(site.node({ name: 'n1', ...given })).rejects.toMatchObject({
        code: 'CHANGE_REFUSED',
        message: expect.stringContaining('in use'),
      });
    }
    expect(site.nodeWrites()).toEqual([]);
    expect(await site.node({ name: 'n1', description: 'x', force_in_use: true })).toMatchObject({ changed: true });
  });

  test.each(['clean failed', 'inspect failed', 'adopt failed'])('is taken out of "%s"', async (provision_state) => {
    site.ironic.seed({
      name: 'n1',
      provision_state,
      target_provision_state: provision_state === 'clean failed' ? 'available' : 'manageable',
    });

    expect(await site.node({ name: 'n1', state: 'available' })).toMatchObject({
      changed: true,
      values: { provision_state: 'available' },
    });
  });

  test.each<[string, string, Readonly<Record<string, unknown>>]>([
    ['clean failure', 'clean failed', {}],
    // As a run before has left it.
    ['clean failure', 'available', {}],
    ['rescue abort failure', 'rescue failed', { force_in_use: true }],
    ['service failure', 'service failed', { force_in_use: true }],
  ])('leaves maintenance that Ironic itself has set for a %s, out of "%s"', async (fault, provision_state, more) => {
    const node = site.ironic.seed({
      name: 'n1',
      provision_state,
      maintenance: true,
      maintenance_reason: 'it said so',
      fault,
    });

    expect(await site.node({ name: 'n1', state: 'available', ...more }, { checkMode: true })).toMatchObject({
      changed: true,
      differences: [{ before: { maintenance: true }, after: { maintenance: false } }],
    });
    expect(await site.node({ name: 'n1', state: 'available', ...more })).toMatchObject({
      changed: true,
      values: { provision_state: 'available' },
      warnings: [],
    });
    expect(node).toMatchObject({ maintenance: false, fault: null });
    expect(await site.node({ name: 'n1', state: 'available', ...more })).toMatchObject({
      changed: false,
      warnings: [],
    });
  });

  test('that is enrolled again also leaves maintenance before it is cleaned, since maintenance stops cleaning', async () => {
    const node = site.ironic.seed({
      name: 'n1',
      provision_state: 'clean failed',
      target_provision_state: 'available',
      maintenance: true,
      fault: 'clean failure',
    });
    const seen: unknown[] = [];
    site.ironic.intervene = () => void seen.push([node.provision_state, node.maintenance]);

    expect(await site.enroll({ nodes: [{ name: 'n1', driver: 'fake-hardware' }], state: 'available' })).toMatchObject({
      changed: true,
      failures: [],
      warnings: [],
    });

    expect(seen).toContainEqual(['cleaning', false]);
    expect(seen).not.toContainEqual(['cleaning', true]);
  });

  test.each<[string, Readonly<Record<string, unknown>>, Readonly<Record<string, unknown>>]>([
    ['of a power failure', { provision_state: 'available', fault: 'power failure' }, { state: 'available' }],
    [
      'on the way to manageable only',
      { provision_state: 'clean failed', fault: 'clean failure' },
      { state: 'manageable' },
    ],
    ['of a node that is in use', { provision_state: 'active', fault: 'service failure' }, { state: 'active' }],
  ])('maintenance by Ironic itself %s stays, with a warning', async (_, fields, given) => {
    const node = site.ironic.seed({ name: 'n1', maintenance: true, maintenance_reason: 'it said so', ...fields });

    const { warnings } = await site.node({ name: 'n1', ...given });

    expect(warnings).toEqual([
      expect.stringMatching(/Ironic itself detected a \w+ failure: it said so; .*maintenance: false$/),
    ]);
    expect(node).toMatchObject({ maintenance: true });
    expect((await site.node({ name: 'n1', ...given, maintenance: true })).warnings).toEqual([]);
  });

  test('gets its parent by name or UUID, and is not changed again', async () => {
    site.ironic.minor = 96;
    const parent = site.ironic.seed({ name: 'chassis-1' });

    for (const parent_node of ['chassis-1', parent.uuid]) {
      const name = `child-${parent_node.slice(0, 7)}`;
      expect(await site.node({ name, driver: 'fake-hardware', parent_node })).toMatchObject({ changed: true });
      expect(site.ironic.nodes.find((node) => node.name === name)).toMatchObject({ parent_node: parent.uuid });
      expect(await site.node({ name, parent_node })).toMatchObject({ changed: false });
    }
  });

  test('whose parent does not exist, or is hidden, is refused before it is created or changed', async () => {
    site.ironic.minor = 96;
    site.ironic.seed({ name: 'n1' });

    for (const name of ['n1', 'n2']) {
      await expect(site.node({ name, driver: 'fake-hardware', parent_node: 'nobody' })).rejects.toMatchObject({
        code: 'CHANGE_REFUSED',
        message: expect.stringMatching(/parent_node: there is no node "nobody", or this login cannot see it/),
      });
    }
    expect(site.nodeWrites()).toEqual([]);
  });

  test('maintenance set by an operator is kept', async () => {
    const node = site.ironic.seed({
      name: 'n1',
      provision_state: 'inspect failed',
      maintenance: true,
      maintenance_reason: 'a fan',
    });

    expect(await site.node({ name: 'n1', state: 'available' })).toMatchObject({ changed: true, warnings: [] });
    expect(node).toMatchObject({ provision_state: 'available', maintenance: true, maintenance_reason: 'a fan' });
  });

  test('whose lock and last error a policy hides is not taken for locked', async () => {
    site.ironic.spoil = (call, answer) => {
      if (call.method !== 'GET' || call.segments[1] !== 'nodes' || call.segments[2] === undefined) return undefined;
      return {
        ...answer,
        body: {
          ...(answer.body as object),
          reservation: '** Redacted - requires baremetal:node:get:reservation permission. **',
          last_error: '** Value Redacted - Requires baremetal:node:get:last_error permission. **',
        },
      };
    };
    site.ironic.seed({ name: 'n1', provision_state: 'manageable' });

    expect(await site.node({ name: 'n1', state: 'available', state_timeout: 20 })).toMatchObject({
      changed: true,
      values: { provision_state: 'available' },
    });
  });

  test.each(['clean failed', 'inspect failed', 'adopt failed', 'enroll', 'manageable'])(
    'is deleted out of "%s"',
    async (provision_state) => {
      site.ironic.seed({ name: 'n1', provision_state });

      expect(await site.node({ name: 'n1', state: 'absent' })).toMatchObject({
        changed: true,
        values: { action: 'delete' },
      });
      expect(site.ironic.nodes).toEqual([]);
    },
  );

  test('that fails while its state changes reports last_error, and that it was changed', async () => {
    site.ironic.fails = { 'clean wait': 'the disk is on fire', provide: 'the disk is on fire' };

    const outcome = await site.node({ name: 'n1', driver: 'fake-hardware', state: 'available' });

    expect(outcome).toMatchObject({
      changed: true,
      failures: [expect.stringContaining('the disk is on fire')],
      values: { action: 'failed', error_code: 'NODE_FAILED' },
    });
  });

  test('that is locked is waited for', async () => {
    site.ironic.seed({ name: 'n1', provision_state: 'manageable' });
    site.ironic.lock('n1', 2);

    expect(await site.node({ name: 'n1', description: 'x' })).toMatchObject({ changed: true });
  });

  test('that another run has created and advanced meanwhile is continued with', async () => {
    site.ironic.intervene = ({ method, segments }) => {
      if (method !== 'POST' || segments[1] !== 'nodes') return undefined;
      site.ironic.intervene = () => undefined;
      site.ironic.seed({ name: 'n1', driver: 'fake-hardware', provision_state: 'manageable' });
      return undefined;
    };

    expect(await site.node({ name: 'n1', driver: 'fake-hardware', state: 'available' })).toMatchObject({
      changed: true,
      values: { provision_state: 'available' },
    });
    expect(site.ironic.nodes).toHaveLength(1);
  });
});
