// A lease in Blazar for one node, so that nobody else gets it during the test.
import { getHost, listAllocations } from '../clients/blazar/hosts.js';
import { createLease, deleteLease, getLease, leasePhase, listLeases, type Lease } from '../clients/blazar/leases.js';
import { isUndecided } from '../clients/http/errors.js';
import { messageOf, OperationError } from '../core/errors.js';
import { waitFor } from '../core/waiting.js';
import type { TestEntry } from './journal.js';
import { pollInterval, type IpaRun } from './run.js';

export interface LeasedNode {
  /** The scheduler hint of the server. */
  readonly reservationId: string;
  readonly nodeUuid: string;
}

export interface LeaseOptions {
  readonly name: string;
  /** In Blazar's syntax, such as `["==", "$node_type", "compute_skylake"]`. */
  readonly resourceProperties: readonly unknown[];
  /** Called with the lease's id as soon as it is known. */
  readonly onCreated: (id: string) => Promise<void>;
}

/**
 * Creates a lease and waits until it is active. Throws NO_HOST_FREE, LEASE_FAILED, WAIT_TIMEOUT.
 */
export async function leaseNode(
  run: IpaRun,
  { name, resourceProperties, onCreated }: LeaseOptions,
): Promise<LeasedNode> {
  const { args, context, cloud } = run;
  // Should nobody delete it, it ends by itself: after all timeouts, restoring included. Blazar
  // counts in whole minutes.
  const seconds = args.schedule_timeout * 2 + args.deploy_timeout + args.clean_timeout * 3 + 600;
  const end = new Date(context.now().getTime() + seconds * 1000);
  const { id } = await createOrFind(run, { name, resourceProperties, end });
  await onCreated(id);
  const lease = await untilActive(run, id);
  const reservationId = lease.reservations[0]?.id ?? '';
  const nodeUuid = await waitFor(
    async () => {
      for await (const { hostId } of listAllocations(cloud, reservationId))
        return (await getHost(cloud, hostId))?.hypervisorHostname;
      return undefined;
    },
    {
      subject: `Blazar to report the host of lease ${name}`,
      timeoutSeconds: 60,
      ...pollInterval,
      signal: context.signal,
    },
  );
  return { reservationId, nodeUuid };
}

/** The lease may have been created although the answer was lost. */
async function createOrFind(
  { cloud }: IpaRun,
  request: { name: string; resourceProperties: readonly unknown[]; end: Date },
): Promise<Lease> {
  try {
    return await createLease(cloud, { ...request, start: 'now' });
  } catch (error) {
    if (!isUndecided(error)) throw error;
    for await (const lease of listLeases(cloud)) if (isOurLease(lease, cloud.projectId, request.name)) return lease;
    throw error;
  }
}

async function untilActive({ args, context, cloud }: IpaRun, id: string): Promise<Lease> {
  return waitFor(
    async () => {
      const lease = await getLease(cloud, id);
      const phase = lease ? leasePhase(lease) : 'over';
      if (!lease || phase === 'over' || phase === 'failed')
        throw new OperationError(
          'LEASE_FAILED',
          `lease ${id} did not become active: it is ${lease?.status ?? 'gone'}`,
          { lease: id },
        );
      return phase === 'active' ? lease : undefined;
    },
    {
      subject: `lease ${id} to become active`,
      timeoutSeconds: args.schedule_timeout,
      ...pollInterval,
      signal: context.signal,
    },
  );
}

/**
 * What a test has failed with: LEASE_FAILED if its lease has ended meanwhile. Blazar then deletes
 * the server, or the server finds no host, and neither says anything about the images.
 */
export async function blameEndedLease({ cloud }: IpaRun, { lease }: TestEntry, error: unknown): Promise<unknown> {
  if (lease?.id === undefined || !(error instanceof OperationError) || error.code === 'LEASE_FAILED') return error;
  try {
    const found = await getLease(cloud, lease.id);
    if (found && leasePhase(found) !== 'over') return error;
    const status = found?.status ?? 'gone';
    const message = `lease ${lease.id} ended before the test did (it is ${status}): ${messageOf(error)}`;
    return new OperationError('LEASE_FAILED', message, { lease: lease.id }, error);
  } catch {
    return error;
  }
}

/**
 * Throws LEASE_FAILED if the lease of a test has ended, so that Nova will never find a host for its
 * server.
 */
export async function assertLeaseLasts(run: IpaRun, entry: TestEntry): Promise<void> {
  const unscheduled = new OperationError('TEST_FAILED', `Nova finds no host for server ${entry.name}`);
  const blamed = await blameEndedLease(run, entry, unscheduled);
  if (blamed !== unscheduled) throw blamed;
}

/** Deletes the lease of an entry, by its id or else by its name, and waits until it is gone. */
export async function endLease({ cloud, graceSignal }: IpaRun, { name, lease }: TestEntry): Promise<void> {
  if (!lease) return;
  const look = async (): Promise<true | undefined> => {
    const left =
      lease.id === undefined
        ? await leasesNamed(cloud, name)
        : [await getLease(cloud, lease.id)].filter((found) => found !== undefined);
    const open = left.filter((found) => found.status !== 'TERMINATED');
    // While it is starting or ending Blazar refuses with 500; it can be deleted some seconds later.
    for (const { id } of open) await deleteLease(cloud, id).catch(ignoreUndecided);
    return open.length === 0 ? true : undefined;
  };
  await waitFor(look, {
    subject: `lease ${name} to be gone`,
    timeoutSeconds: 300,
    ...pollInterval,
    signal: graceSignal,
  });
}

async function leasesNamed(cloud: IpaRun['cloud'], name: string): Promise<Lease[]> {
  const leases: Lease[] = [];
  for await (const lease of listLeases(cloud)) if (isOurLease(lease, cloud.projectId, name)) leases.push(lease);
  return leases;
}

function isOurLease(lease: Lease, projectId: string, name: string): boolean {
  return lease.name === name && (lease.projectId === '' || lease.projectId === projectId);
}

function ignoreUndecided(error: unknown): undefined {
  if (!isUndecided(error)) throw error;
  return undefined;
}
