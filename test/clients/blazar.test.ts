import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { getHost, listAllocations, listHosts } from '../../modules/clients/blazar/hosts.js';
import {
  createLease,
  deleteLease,
  getLease,
  listLeases,
  leasePhase,
  type LeaseRequest,
} from '../../modules/clients/blazar/leases.js';
import type { Cloud } from '../../modules/clients/keystone/cloud.js';
import type { BlazarDouble } from '../sandbox/blazar.js';
import { startSandbox, type Sandbox } from '../sandbox/sandbox.js';
import { all, cloudOf } from './cloud-of.js';

/** A moment within a minute. */
const now = Date.UTC(2025, 3, 22, 10, 0, 40);
const request: LeaseRequest = {
  name: 'CC-IPA-TEST-compute_skylake-A1B2C3',
  resourceProperties: ['==', '$node_type', 'compute_skylake'],
  start: new Date(now),
  end: new Date(now + 3_600_000),
};

let sandbox: Sandbox;
let blazar: BlazarDouble;
let cloud: Cloud;

beforeEach(async () => {
  sandbox = await startSandbox({ now: () => now, services: ['reservation'] });
  blazar = sandbox.users.reservation;
  cloud = await cloudOf(sandbox);
});

afterEach(() => sandbox.close());

describe('a lease', () => {
  test('is requested in whole minutes of UTC, with one host', async () => {
    blazar.seed({});

    const lease = await createLease(cloud, request);

    expect(lease).toMatchObject({
      name: request.name,
      projectId: cloud.projectId,
      status: 'PENDING',
      reservations: [{ status: 'pending' }],
    });
    const { path, body } = blazar.requests[0] ?? {};
    expect([path, body]).toEqual([
      '/v1/leases',
      {
        name: request.name,
        start_date: '2025-04-22 10:00',
        end_date: '2025-04-22 11:00',
        reservations: [
          {
            resource_type: 'physical:host',
            min: 1,
            max: 1,
            hypervisor_properties: '',
            resource_properties: '["==","$node_type","compute_skylake"]',
          },
        ],
        events: [],
      },
    ]);
  });

  test("begins in Blazar's current minute if it is to begin now", async () => {
    blazar.seed({});

    await createLease(cloud, { ...request, start: 'now' });

    expect(blazar.leases[0]?.start).toBe(Date.UTC(2025, 3, 22, 10, 0));
  });

  test('starts, becomes active, and is found by name and by id', async () => {
    blazar.seed({});
    const { id } = await createLease(cloud, request);

    const statuses = [await getLease(cloud, id), await getLease(cloud, id), await getLease(cloud, id)].map(
      (lease) => lease?.status,
    );

    expect(statuses).toEqual(['PENDING', 'STARTING', 'ACTIVE']);
    expect((await all(listLeases(cloud))).map((lease) => [lease.name, leasePhase(lease)])).toEqual([
      [request.name, 'active'],
    ]);
  });

  test('is gone once it is deleted, and may be deleted again', async () => {
    blazar.seed({});
    const { id } = await createLease(cloud, request);

    await deleteLease(cloud, id);
    await deleteLease(cloud, id);

    expect(await getLease(cloud, id)).toBeUndefined();
    expect(await all(listLeases(cloud))).toEqual([]);
    expect((await all(listAllocations(cloud))).length).toBe(0);
  });

  test('that is just starting cannot be deleted', async () => {
    blazar.seed({});
    const { id } = await createLease(cloud, request);
    blazar.step(blazar.leases[0]!);

    await expect(deleteLease(cloud, id)).rejects.toMatchObject({
      code: 'HTTP_ERROR',
      status: 500,
      message: expect.stringContaining('Invalid lease status'),
    });
  });

  test('is not requested twice if the answer is lost', async () => {
    blazar.seed({});
    blazar.intervene = () => ({ status: 503 });

    await expect(createLease(cloud, request)).rejects.toMatchObject({ status: 503 });

    expect(blazar.requests).toHaveLength(1);
  });
});

describe('refusals', () => {
  test.each([
    ['no host is of the type', { node_type: 'gpu_v100' }],
    ['there is no host at all', undefined],
  ])('%s', async (_, host) => {
    if (host !== undefined) blazar.seed(host);

    await expect(createLease(cloud, request)).rejects.toMatchObject({
      code: 'NO_HOST_FREE',
      message: expect.stringContaining('compute_skylake'),
    });
  });

  test('the only host is leased for a part of the time, but free behind it', async () => {
    blazar.seed({});
    await createLease(cloud, { ...request, start: new Date(now + 1_800_000) });

    await expect(createLease(cloud, request)).rejects.toMatchObject({ code: 'NO_HOST_FREE' });
    const later = { ...request, start: request.end, end: new Date(now + 7_200_000) };
    await expect(createLease(cloud, later)).resolves.toMatchObject({ status: 'PENDING' });
  });

  test.each<[string, Partial<LeaseRequest>, string]>([
    ['a start that is over', { start: new Date(now - 60_000) }, 'Start date must be later than current date'],
    ['an end before the start', { end: new Date(now - 3_600_000) }, 'End date must be later than start date'],
    ['properties that are none', { resourceProperties: ['==', 'node_type', 'x'] }, 'Malformed requirements'],
  ])('%s', async (_, changes, message) => {
    blazar.seed({});

    await expect(createLease(cloud, { ...request, ...changes })).rejects.toMatchObject({
      code: 'HTTP_ERROR',
      status: 400,
      message: expect.stringContaining(message),
    });
  });

  test('another fault of Blazar is not mistaken for a lack of hosts', async () => {
    blazar.intervene = () => ({
      status: 500,
      body: { error_code: 500, error_message: 'Internal Server Error', error_name: 'INTERNAL_SERVER_ERROR' },
    });

    await expect(createLease(cloud, request)).rejects.toMatchObject({ code: 'HTTP_ERROR' });
  });

  test('an answer without a lease', async () => {
    blazar.intervene = () => ({ status: 201, body: {} });

    await expect(createLease(cloud, request)).rejects.toMatchObject({ code: 'UNEXPECTED_ANSWER' });
  });
});

describe('hosts', () => {
  test('are those of a reservation, which a lease keeps until its end', async () => {
    const { uuid } = sandbox.users.baremetal.seed({ name: 'rack3-07' });
    blazar.seed({ node_type: 'gpu_v100' });
    blazar.seed({ hypervisor_hostname: 'other' });
    const { reservations } = await createLease(cloud, {
      ...request,
      resourceProperties: ['and', ['==', '$node_type', 'gpu_v100'], ['==', '$uid', uuid]],
    });
    await createLease(cloud, request);
    const reservationId = reservations[0]?.id ?? '';

    const allocations = await all(listAllocations(cloud, reservationId));

    expect(allocations).toEqual([{ hostId: '1', reservationId }]);
    expect(await getHost(cloud, '1')).toEqual({
      id: '1',
      hypervisorHostname: uuid,
      nodeType: 'gpu_v100',
    });
    expect(await all(listAllocations(cloud))).toHaveLength(2);
  });

  test('are filtered here if Blazar does not support the filter', async () => {
    blazar.intervene = () => ({
      status: 200,
      body: {
        allocations: [
          {
            resource_id: '1',
            reservations: [
              { id: 'ours', lease_id: 'l1' },
              { id: 'theirs', lease_id: 'l2' },
            ],
          },
          { resource_id: '2', reservations: [{ id: 'theirs', lease_id: 'l2' }] },
        ],
      },
    });

    expect(await all(listAllocations(cloud, 'ours'))).toEqual([{ hostId: '1', reservationId: 'ours' }]);
  });

  test('are listed, and one that does not exist is undefined', async () => {
    blazar.seed({});

    expect(await all(listHosts(cloud))).toMatchObject([{ id: '1' }]);
    expect(await getHost(cloud, '9')).toBeUndefined();
  });
});

test.each([
  ['PENDING', 'coming'],
  ['STARTING', 'coming'],
  ['ACTIVE', 'active'],
  ['TERMINATING', 'over'],
  ['TERMINATED', 'over'],
  ['DELETING', 'over'],
  ['ERROR', 'failed'],
] as const)('a lease that is %s is %s', (status, phase) => {
  expect(leasePhase({ id: '', name: '', projectId: '', status, reservations: [] })).toBe(phase);
});

test('the double starts and ends leases as configured', async () => {
  blazar.lifecycle = 'manual';
  blazar.startsAs = 'ERROR';
  blazar.seed({});
  const { id } = await createLease(cloud, request);

  expect([(await getLease(cloud, id))?.status, (await getLease(cloud, id))?.status]).toEqual(['PENDING', 'PENDING']);
  const lease = blazar.leases[0]!;
  blazar.step(lease);
  blazar.step(lease);
  expect((await getLease(cloud, id))?.status).toBe('ERROR');
});
