// What we rely on in Blazar, asked of the real service and of the double alike.

import { randomUUID } from 'node:crypto';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { send, waitFor } from './contract-requests.js';
import type { Reply } from './contract-requests.js';

export interface BlazarTarget {
  /** With the version. */
  readonly url: string;
  readonly admin: { readonly token: string; readonly projectId: string };
  /** Without the role admin. */
  readonly demo: { readonly token: string };
  /** The node type of the hosts, which no other host has. */
  readonly nodeType: string;
  /** UUIDs of the nodes that are hosts, two of them. */
  readonly nodes: readonly string[];
  close(): Promise<void>;
}

/** Seconds that a step of a lease may take: Blazar looks every ten. */
const patience = 60;

interface Asking {
  readonly json?: unknown;
  readonly token?: string;
}

/** Runs the contract against what `connect` gives. */
export function describeBlazar(name: string, connect: () => Promise<BlazarTarget>): void {
  describe(`Blazar: ${name}`, () => {
    const run = `contract-${randomUUID()}`;
    const made: string[] = [];
    let target: BlazarTarget | undefined;

    beforeAll(async () => {
      target = await connect();
    }, 300_000);

    afterAll(async () => {
      for (const id of made) await end(id);
      await target?.close();
    }, 300_000);

    const facts = (): BlazarTarget => target!;

    function ask(method: string, path: string, { json, token = facts().admin.token }: Asking = {}): Promise<Reply> {
      return send(method, facts().url + path, { token, json });
    }

    const minuteIn = (minutes: number): string =>
      new Date(Date.now() + minutes * 60_000).toISOString().slice(0, 16).replace('T', ' ');

    function wishFor(changes: object = {}, reservation: object = {}): object {
      const properties = JSON.stringify(['==', '$node_type', facts().nodeType]);
      return {
        name: run,
        start_date: 'now',
        end_date: minuteIn(30),
        events: [],
        reservations: [
          {
            resource_type: 'physical:host',
            min: 1,
            max: 1,
            hypervisor_properties: '',
            resource_properties: properties,
            ...reservation,
          },
        ],
        ...changes,
      };
    }

    async function lease(changes: object = {}): Promise<{ id: string; reservation: string }> {
      const { status, text, json } = await ask('POST', '/leases', { json: wishFor(changes) });
      expect([status, text]).toEqual([201, expect.anything()]);
      made.push(json.lease.id as string);
      return { id: json.lease.id as string, reservation: json.lease.reservations[0].id as string };
    }

    const show = async (id: string): Promise<any> => (await ask('GET', `/leases/${id}`)).json.lease;

    const untilActive = (id: string): Promise<any> =>
      waitFor(
        `lease ${id} to be active`,
        () => show(id),
        ({ status }) => status === 'ACTIVE',
        patience,
      );

    /** One that is just starting or ending is refused. */
    async function end(id: string): Promise<void> {
      await waitFor(
        `lease ${id} to be gone`,
        async () => {
          await ask('DELETE', `/leases/${id}`);
          return ask('GET', `/leases/${id}`);
        },
        ({ status }) => status === 404,
        patience,
      );
    }

    /** Nodes of the hosts that the reservation has. */
    async function nodesOf(reservation: string): Promise<string[]> {
      const { json } = await ask('GET', `/os-hosts/allocations?reservation_id=${reservation}`);
      const held = (json.allocations as any[]).filter(({ reservations }) =>
        (reservations as { id: string }[]).some(({ id }) => id === reservation),
      );
      return Promise.all(
        held.map(async ({ resource_id: id }) => (await ask('GET', `/os-hosts/${id}`)).json.host.hypervisor_hostname),
      );
    }

    const refused = ({ status, json }: Reply): [number, string] => [status, json.error_message as string];

    test('a request without a token gets 401, and one without the admin role gets no hosts', async () => {
      expect((await send('GET', `${facts().url}/leases`)).status).toBe(401);
      expect((await ask('GET', '/os-hosts', { token: facts().demo.token })).status).toBe(403);
    });

    test('hosts have the UUIDs of their nodes and their own properties', async () => {
      const { status, json } = await ask('GET', '/os-hosts');

      const ours = (json.hosts as any[]).filter(({ node_type: type }) => type === facts().nodeType);
      expect(status).toBe(200);
      expect(ours.map(({ hypervisor_hostname: node }) => node as string).sort()).toEqual([...facts().nodes].sort());
      for (const host of ours) {
        expect(host).toMatchObject({ id: expect.any(String), node_name: expect.any(String), reservable: true });
        expect((await ask('GET', `/os-hosts/${host.id}`)).json.host).toMatchObject({ id: host.id });
      }
    });

    test('what does not exist is not found', async () => {
      expect(refused(await ask('GET', '/os-hosts/987654'))).toEqual([404, expect.stringContaining('987654')]);
      const id = randomUUID();
      expect(refused(await ask('GET', `/leases/${id}`))).toEqual([404, expect.stringContaining(id)]);
      expect((await ask('DELETE', `/leases/${id}`)).status).toBe(404);
    });

    test('a lease begins within seconds, has a host as requested, and is gone once it is deleted', async () => {
      const { id, reservation } = await lease();

      const active = await untilActive(id);

      expect(active).toMatchObject({
        id,
        name: run,
        project_id: facts().admin.projectId,
        status: 'ACTIVE',
        reservations: [{ id: reservation, status: 'active' }],
      });
      expect(facts().nodes).toEqual(expect.arrayContaining(await nodesOf(reservation)));
      expect(await nodesOf(reservation)).toHaveLength(1);
      expect((await ask('GET', '/leases')).json.leases).toContainEqual(expect.objectContaining({ id, name: run }));
      expect([200, 204]).toContain((await ask('DELETE', `/leases/${id}`)).status);
      expect((await ask('GET', `/leases/${id}`)).status).toBe(404);
      expect(await nodesOf(reservation)).toEqual([]);
    });

    test('no host is leased twice, and a lack of hosts is reported as 500 with a sentence', async () => {
      const [one, other] = [await lease(), await lease()];
      for (const { id } of [one, other]) await untilActive(id);

      const third = refused(await ask('POST', '/leases', { json: wishFor() }));

      expect([await nodesOf(one.reservation), await nodesOf(other.reservation)].flat().sort()).toEqual(
        [...facts().nodes].sort(),
      );
      expect(third).toEqual([500, expect.stringMatching(/not enough (hosts|resources) available/i)]);
      for (const { id } of [one, other]) await end(id);
    });

    test('a future lease holds its host, and can be deleted before it begins', async () => {
      const { id, reservation } = await lease({ start_date: minuteIn(10) });

      expect(await show(id)).toMatchObject({ status: 'PENDING', reservations: [{ status: 'pending' }] });
      expect(await nodesOf(reservation)).toHaveLength(1);
      await end(id);
    });

    test('a user who is not an admin is not shown leases of other projects', async () => {
      const { id } = await lease({ start_date: minuteIn(10) });
      const { token } = facts().demo;

      expect((await ask('GET', '/leases', { token })).json.leases).toEqual([]);
      await end(id);
    });

    test.each<[string, object, object, number, RegExp]>([
      ['no name', { name: undefined }, {}, 400, /missing parameter name/i],
      ['no end', { end_date: undefined }, {}, 400, /missing parameter end_date/i],
      ['a start that is over', { start_date: minuteIn(-5) }, {}, 400, /start date must be later than current date/i],
      [
        'an end before the start',
        { start_date: minuteIn(20), end_date: minuteIn(10) },
        {},
        400,
        /end date must be later/i,
      ],
      ['no date', { end_date: 'soon' }, {}, 400, /soon/],
      ['no least number', {}, { min: undefined }, 400, /missing parameter min/i],
      ['no host', {}, { min: 0, max: 0 }, 400, /malformed parameter min/i],
      ['a wish that is no JSON', {}, { resource_properties: 'anything' }, 400, /malformed requirements/i],
      [
        'a type of node that there is not',
        {},
        { resource_properties: '["==", "$node_type", "none"]' },
        500,
        /not enough/i,
      ],
    ])('a lease with %s is refused', async (_, changes, reservation, status, message) => {
      expect(refused(await ask('POST', '/leases', { json: wishFor(changes, reservation) }))).toEqual([
        status,
        expect.stringMatching(message),
      ]);
    });
  });
}
