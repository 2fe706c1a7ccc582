// What we rely on in Nova and Neutron for booting servers, asked of the real services and of the
// doubles alike.

import { randomUUID } from 'node:crypto';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { send, waitFor } from './contract-requests.js';
import type { Reply } from './contract-requests.js';

export interface NovaTarget {
  /** With the version, as in the catalogue. */
  readonly url: string;
  readonly networkUrl: string;
  readonly admin: { readonly token: string; readonly projectId: string };
  /** Without the role admin. */
  readonly demo: { readonly token: string };
  /** An image that servers boot from. */
  readonly imageId: string;
  readonly flavor: { readonly id: string; readonly name: string };
  /** The id of a flavor for which no hypervisor is large enough. */
  readonly oversizedFlavorId: string;
  /** A hypervisor for several servers. */
  readonly hypervisor: string;
  /** Whether its scheduler has the filter of Blazar, which looks for the host of a lease. */
  readonly hasLeaseFilter: boolean;
  close(): Promise<void>;
}

/** Seconds that a server may take where many boot at a time. */
const patience = 60;

interface Asking {
  readonly version?: string;
  readonly json?: unknown;
  readonly token?: string;
}

/** Runs the contract against what `connect` gives. */
export function describeNova(name: string, connect: () => Promise<NovaTarget>): void {
  describe(`Nova: ${name}`, () => {
    const run = `contract-${randomUUID()}`;
    const booted: string[] = [];
    let target: NovaTarget | undefined;

    beforeAll(async () => {
      target = await connect();
    });

    afterAll(async () => {
      if (target === undefined) return;
      for (const id of booted) {
        await ask('DELETE', `/servers/${id}`);
        await awaitEnd(id);
      }
      await target.close();
    });

    const facts = (): NovaTarget => target!;

    function ask(
      method: string,
      path: string,
      { version = '2.1', json, token = facts().admin.token }: Asking = {},
    ): Promise<Reply> {
      return send(method, facts().url + path, {
        token,
        json,
        headers: { 'OpenStack-API-Version': `compute ${version}` },
      });
    }

    const requestOf = (changes: object = {}): object => ({
      name: run,
      imageRef: facts().imageId,
      flavorRef: facts().flavor.id,
      networks: 'none',
      ...changes,
    });

    async function boot(changes: object = {}, beside: object = {}): Promise<string> {
      const reply = await ask('POST', '/servers', { version: '2.74', json: { server: requestOf(changes), ...beside } });
      expect(reply.status).toBe(202);
      const id = reply.json.server.id as string;
      booted.push(id);
      return id;
    }

    function settle(id: string): Promise<Reply> {
      return waitFor(
        `server ${id}`,
        () => ask('GET', `/servers/${id}`, { version: '2.69' }),
        ({ json }) => json.server.status !== 'BUILD' && json.server['OS-EXT-STS:task_state'] === null,
        patience,
      );
    }

    async function awaitEnd(id: string): Promise<void> {
      await waitFor(
        `server ${id} to go`,
        () => ask('GET', `/servers/${id}`),
        ({ status }) => status === 404,
        patience,
      );
    }

    async function listed(query: string): Promise<string[]> {
      const reply = await ask('GET', `/servers/detail?${query}`, { version: '2.69' });
      return (reply.json.servers as { id: string }[]).map(({ id }) => id);
    }

    test('a server boots on the named hypervisor, is found, and is deleted', async () => {
      const name = `${run}.named`;
      const id = await boot({ name, hypervisor_hostname: facts().hypervisor });
      const begun = (await ask('GET', `/servers/${id}`, { version: '2.69' })).json.server;
      expect(['BUILD', 'ACTIVE']).toContain(begun.status);

      const { json } = await settle(id);

      expect(json.server).toMatchObject({
        name,
        status: 'ACTIVE',
        tenant_id: facts().admin.projectId,
        'OS-EXT-STS:task_state': null,
        'OS-EXT-SRV-ATTR:hypervisor_hostname': facts().hypervisor,
        'OS-EXT-SRV-ATTR:instance_name': expect.stringMatching(/^instance-/),
      });
      expect(json.server).not.toHaveProperty('fault');
      // The name is an expression.
      expect(await listed(`name=${encodeURIComponent(`^${run}.na`)}&soft_deleted=true`)).toEqual([id]);
      expect(await listed(`name=${encodeURIComponent(`^${run}.x`)}`)).toEqual([]);
      expect(await listed(`all_tenants=1&name=${run}.named&node=${facts().hypervisor}`)).toEqual([id]);
      expect(await listed(`all_tenants=1&name=${run}.named&node=elsewhere`)).toEqual([]);
      expect((await ask('DELETE', `/servers/${id}`)).status).toBe(204);
      await awaitEnd(id);
      expect((await ask('DELETE', `/servers/${id}`)).status).toBe(404);
    });

    test('a server whose flavor fits nowhere ends in ERROR with the reason, and can be deleted by force', async () => {
      const id = await boot({ flavorRef: facts().oversizedFlavorId });

      const { json } = await settle(id);

      expect(json.server).toMatchObject({
        status: 'ERROR',
        fault: { code: 500, message: expect.stringContaining('No valid host was found.') },
        'OS-EXT-SRV-ATTR:hypervisor_hostname': null,
      });
      expect((await ask('POST', `/servers/${id}/action`, { json: { forceDelete: null } })).status).toBe(202);
      await awaitEnd(id);
    });

    test('a server that is being deleted may be deleted again', async () => {
      const id = await boot();

      expect((await ask('DELETE', `/servers/${id}`)).status).toBe(204);
      expect([204, 404]).toContain((await ask('DELETE', `/servers/${id}`)).status);
    });

    test('scheduler hints are next to the server in the request', async () => {
      const id = await boot(
        { hypervisor_hostname: facts().hypervisor },
        { 'os:scheduler_hints': { reservation: randomUUID() } },
      );

      // There is no such lease.
      expect((await settle(id)).json.server.status).toBe(facts().hasLeaseFilter ? 'ERROR' : 'ACTIVE');
    });

    test.each<[string, () => object, RegExp]>([
      ['an unknown hypervisor', () => ({ hypervisor_hostname: 'nowhere' }), /^Compute host nowhere could not be found/],
      [
        'two ways of choosing',
        () => ({ hypervisor_hostname: facts().hypervisor, availability_zone: `nova:${facts().hypervisor}` }),
        /mutually exclusive/,
      ],
      ['an unknown zone', () => ({ availability_zone: 'elsewhere' }), /availability zone is not available/],
      ['an unknown flavor', () => ({ flavorRef: 'nothing' }), /^Flavor nothing could not be found/],
      ['an unknown image', () => ({ imageRef: randomUUID() }), /^Can not find requested image/],
      ['an image that is no UUID', () => ({ imageRef: 'nothing' }), /imageRef/],
      ['an unknown key pair', () => ({ key_name: 'nothing' }), /^Invalid key_name provided/],
      ['no networks', () => ({ networks: undefined }), /'networks' is a required property/],
    ])('%s is refused with 400', async (_, changes, message) => {
      const reply = await ask('POST', '/servers', { version: '2.74', json: { server: requestOf(changes()) } });

      expect([reply.status, reply.json.badRequest?.message]).toEqual([400, expect.stringMatching(message)]);
    });

    test('older versions support neither the choice of a hypervisor nor servers without networks', async () => {
      const chosen = await ask('POST', '/servers', {
        version: '2.73',
        json: { server: requestOf({ hypervisor_hostname: facts().hypervisor }) },
      });
      const networkless = await ask('POST', '/servers', { version: '2.36', json: { server: requestOf() } });

      expect([chosen.status, chosen.text]).toEqual([400, expect.stringContaining('hypervisor_hostname')]);
      expect([networkless.status, networkless.text]).toEqual([400, expect.stringContaining('networks')]);
    });

    test('an unsupported version is refused, naming the supported one', async () => {
      const reply = await ask('GET', '/flavors?limit=1', { version: '2.999' });

      expect(reply.status).toBe(406);
      expect(reply.json.computeFault.message).toMatch(
        /^Version 2\.999 is not supported by the API\. Minimum is 2\.1 and maximum is 2\.\d+\.$/,
      );
    });

    test('only admins choose the hypervisor', async () => {
      const json = { server: requestOf({ hypervisor_hostname: facts().hypervisor }) };

      expect((await ask('POST', '/servers', { version: '2.74', json, token: facts().demo.token })).status).toBe(403);
    });

    test('hypervisors are shown only to admins, each with its type', async () => {
      const { status, json } = await ask('GET', '/os-hypervisors/detail?limit=1000', { version: '2.53' });

      expect(status).toBe(200);
      expect(json.hypervisors).toContainEqual(
        expect.objectContaining({
          id: expect.any(String),
          hypervisor_hostname: facts().hypervisor,
          hypervisor_type: 'fake',
        }),
      );
      expect(
        (await ask('GET', '/os-hypervisors/detail?limit=1000', { version: '2.53', token: facts().demo.token })).status,
      ).toBe(403);
    });

    test('a server that does not exist gets 404', async () => {
      const id = randomUUID();

      const replies = [
        await ask('GET', `/servers/${id}`),
        await ask('DELETE', `/servers/${id}`),
        await ask('POST', `/servers/${id}/action`, { json: { forceDelete: null } }),
      ];

      expect(replies.map(({ status }) => status)).toEqual([404, 404, 404]);
    });

    test('flavors are shown by id only, and listed page by page', async () => {
      const { flavor } = facts();

      expect((await ask('GET', `/flavors/${flavor.id}`)).json.flavor).toMatchObject(flavor);
      expect((await ask('GET', `/flavors/${flavor.name}`)).status).toBe(404);
      const page = (await ask('GET', '/flavors?is_public=None&limit=1')).json;
      expect(page.flavors).toEqual([expect.objectContaining({ id: expect.any(String), name: expect.any(String) })]);
      expect(page.flavors_links).toEqual([
        { rel: 'next', href: expect.stringContaining(`marker=${page.flavors[0].id}`) },
      ]);
    });

    test('a key pair that does not exist gets 404', async () => {
      expect((await ask('GET', '/os-keypairs/nothing')).status).toBe(404);
    });

    test('networks are listed by id and by name', async () => {
      const list = (query: string): Promise<Reply> =>
        send('GET', `${facts().networkUrl}/v2.0/networks?fields=id&fields=name&${query}`, {
          token: facts().admin.token,
        });

      const replies = [await list(`id=${run}`), await list(`name=${run}`)];

      expect(replies.map(({ status, json }) => [status, json])).toEqual([
        [200, { networks: [] }],
        [200, { networks: [] }],
      ]);
    });
  });
}
