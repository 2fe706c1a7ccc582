// What we rely on in Ironic's nodes, asked of the real service and of the double alike.

import { randomUUID } from 'node:crypto';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { send } from './contract-requests.js';
import type { Reply } from './contract-requests.js';

export interface IronicTarget {
  readonly url: string;
  readonly token: string;
  /** An available node of fake hardware, with these settings. */
  addNode(settings: { readonly name: string; readonly driver_info: object; readonly properties: object }): Promise<string>;
  close(): Promise<void>;
}

/** Runs the contract against what `connect` gives. */
export function describeIronic(title: string, connect: () => Promise<IronicTarget>): void {
  describe(`Ironic: ${title}`, () => {
    let target: IronicTarget;

    beforeAll(async () => {
      target = await connect();
    });

    afterAll(() => target.close());

    const ask = (method: string, path: string, json?: unknown): Promise<Reply> =>
      send(method, target.url + path, { token: target.token, json, headers: { 'X-OpenStack-Ironic-API-Version': '1.82' } });

    const addNode = (): Promise<string> =>
      target.addNode({ name: `contract-${randomUUID()}`, driver_info: { deploy_kernel: 'former', ipmi_password: 'x' }, properties: { cpu_arch: 'x86_64' } });

    async function nodeOf(uuid: string): Promise<Record<string, any>> {
      return (await ask('GET', `/v1/nodes/${uuid}`)).json as Record<string, any>;
    }

    async function say(uuid: string, verb: string): Promise<Reply> {
      const answer = await ask('PUT', `/v1/nodes/${uuid}/states/provision`, { target: verb });
      for (let node = await nodeOf(uuid); node['reservation'] !== null || !/^(available|manageable|active)$/.test(node['provision_state'] as string); ) node = await nodeOf(uuid);
      return answer;
    }

    function faultIn({ json }: Reply): string {
      return (JSON.parse((json as { error_message: string }).error_message) as { faultstring: string }).faultstring;
    }

    test('tells its newest version', async () => {
      expect((await ask('GET', '/v1/')).headers.get('x-openstack-ironic-api-maximum-version')).toMatch(/^1\.\d+$/);
    });

    test('shows a node by its UUID and its name, with its secrets masked, and lists it', async () => {
      const uuid = await addNode();
      const node = await nodeOf(uuid);
      expect(node).toMatchObject({ provision_state: 'available', target_provision_state: null, instance_uuid: null, maintenance: false, driver_info: { deploy_kernel: 'former', ipmi_password: '******' } });
      expect((await nodeOf(node['name'] as string))['uuid']).toBe(uuid);
      const listed = (await ask('GET', '/v1/nodes/detail?limit=1000')).json as { nodes: { uuid: string; properties: object }[] };
      expect(listed.nodes.find((row) => row.uuid === uuid)?.properties).toMatchObject({ cpu_arch: 'x86_64' });
      expect((await ask('GET', `/v1/nodes/${randomUUID()}`)).status).toBe(404);
    });

    test('add overwrites, and only what is there can be removed', async () => {
      const uuid = await addNode();
      const add = [{ op: 'add', path: '/driver_info/deploy_kernel', value: 'wanted' }, { op: 'add', path: '/driver_info/deploy_ramdisk', value: 'wanted' }];
      expect((await ask('PATCH', `/v1/nodes/${uuid}`, add)).status).toBe(200);
      expect((await nodeOf(uuid))['driver_info']).toMatchObject({ deploy_kernel: 'wanted', deploy_ramdisk: 'wanted', ipmi_password: '******' });
      const remove = [{ op: 'remove', path: '/driver_info/deploy_ramdisk' }];
      expect((await ask('PATCH', `/v1/nodes/${uuid}`, remove)).status).toBe(200);
      const refused = await ask('PATCH', `/v1/nodes/${uuid}`, remove);
      expect([refused.status, faultIn(refused)]).toEqual([400, expect.stringMatching(/^Couldn't apply patch/)]);
    });

    test('goes by verbs, and refuses those that its state does not allow', async () => {
      const uuid = await addNode();
      const states: unknown[] = [];
      for (const verb of ['manage', 'provide', 'active']) {
        expect((await say(uuid, verb)).status).toBe(202);
        states.push((await nodeOf(uuid))['provision_state']);
      }
      expect(states).toEqual(['manageable', 'available', 'active']);
      const refused = await say(uuid, 'manage');
      expect([refused.status, faultIn(refused)]).toEqual([400, `The requested action "manage" can not be performed on node "${uuid}" while it is in state "active".`]);
    });

    test('undeploying takes all of instance_info away', async () => {
      const uuid = await addNode();
      await ask('PATCH', `/v1/nodes/${uuid}`, [{ op: 'add', path: '/instance_info/mark', value: 'ours' }]);
      await say(uuid, 'active');
      expect((await nodeOf(uuid))['instance_info']).toEqual({ mark: 'ours' });
      await say(uuid, 'deleted');
      expect(await nodeOf(uuid)).toMatchObject({ provision_state: 'available', instance_info: {} });
    });

    test('goes into maintenance for a reason, and out of it', async () => {
      const uuid = await addNode();
      expect((await ask('PUT', `/v1/nodes/${uuid}/maintenance`, { reason: 'a fan' })).status).toBe(202);
      expect(await nodeOf(uuid)).toMatchObject({ maintenance: true, maintenance_reason: 'a fan', fault: null });
      expect((await ask('DELETE', `/v1/nodes/${uuid}/maintenance`)).status).toBe(202);
      expect(await nodeOf(uuid)).toMatchObject({ maintenance: false, maintenance_reason: null });
    });
  });
}
