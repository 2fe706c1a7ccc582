// ipa_test: restore leftovers, plan, test, roll out; check mode stops after the plan.
import validate from '#validators/ipa_test';
import { withHome } from '../clients/files/paths.js';
import { openIronic } from '../clients/ironic/api.js';
import { seesAllNodes } from '../clients/ironic/visibility.js';
import { permissionWarnings } from '../core/rights.js';
import { OperationError } from '../core/errors.js';
import type { Context, Operation, Outcome } from '../core/operation.js';
import { withGrace } from '../core/interruption.js';
import { openCloud } from '../runtime/connect.js';
import { takeRunLock } from '../runtime/run-lock.js';
import { ipaTestDeclaration } from './declaration.js';
import { openJournal } from './journal.js';
import { restoreLeftovers } from './leftovers.js';
import { usesOfIpaTest } from './policy/ipa-permissions.js';
import type { RolloutResult } from './policy/rollout.js';
import type { IpaPlan } from './policy/test-plan.js';
import { planIpaTest } from './plan.js';
import { ipaTestOutcome } from './report.js';
import { planRollout, rollOut } from './rollout.js';
import type { IpaArguments, IpaRun } from './run.js';
import { runTrial } from './trial.js';

export const ipaTest: Operation<(typeof ipaTestDeclaration)['fields']> = {
  ...ipaTestDeclaration,
  validate,
  run: testImages,
};

async function testImages(args: IpaArguments, context: Context): Promise<Outcome> {
  const grace = withGrace(context.signal);
  try {
    // A request that is in progress when the run is interrupted may still be answered, and
    // everything be restored.
    const cloud = await openCloud(args, { ...context, signal: grace.signal });
    const journal = openJournal(withHome(args.journal_dir, context.environment), cloud.identity);
    const lock = context.checkMode
      ? undefined
      : await takeRunLock({
          directory: args.lock_dir,
          operation: ipaTestDeclaration.name,
          cloud: cloud.identity,
          context,
        });
    try {
      const ironic = await openIronic(cloud);
      return await carryOut({ args, context, cloud, ironic, journal, graceSignal: grace.signal });
    } finally {
      await lock?.release();
    }
  } finally {
    grace.release();
  }
}

async function carryOut(run: IpaRun): Promise<Outcome> {
  const { args, context } = run;
  await assertAllNodesVisible(run);
  const leftovers = await restoreLeftovers(run);
  // No other node is put at risk while one is not restored.
  if (args.restore || leftovers.failures.length > 0) return ipaTestOutcome(run, { leftovers });
  const plan = await planIpaTest(run);
  if (context.checkMode) {
    const rollout = args.push ? { nodes: await planRollout(run, plan), failures: [], warnings: [] } : undefined;
    const outcome = ipaTestOutcome(run, { leftovers, plan, rollout });
    return {
      ...outcome,
      warnings: [...outcome.warnings, ...(await deniedTestWarnings(run, plan, rollout?.nodes ?? []))],
    };
  }
  const trial = plan.test && (await runTrial(run, plan, plan.test));
  const mayRollOut = trial ? trial.passed && trial.leftover === undefined && args.push : true;
  const rollout = mayRollOut ? await rollOut(run, plan, leftovers.rollouts) : undefined;
  return ipaTestOutcome(run, { leftovers, plan, trial, rollout });
}

/** What the login lacks for the test and for the nodes that the roll-out would change. */
async function deniedTestWarnings({ cloud, ironic }: IpaRun, plan: IpaPlan, rollout: readonly RolloutResult[]) {
  const updated = new Set(rollout.filter(({ result }) => result === 'update').map(({ uuid }) => uuid));
  const uses = usesOfIpaTest(
    plan,
    plan.nodes.filter(({ uuid }) => updated.has(uuid)),
    { projectId: cloud.projectId, minor: ironic.minor },
  );
  const onNodes = uses.filter(({ permission }) => permission.service === 'Ironic');
  const others = uses.filter((use) => !onNodes.includes(use));
  return [
    ...permissionWarnings(onNodes, await cloud.rights('baremetal')),
    ...(others.length > 0 ? permissionWarnings(others, await cloud.rights('compute')) : []),
  ];
}

/**
 * Throws NODES_HIDDEN, with the role or scope that the login lacks. A hidden node would be missing
 * from a roll-out, and one that an earlier run has left would be taken for deleted.
 */
async function assertAllNodesVisible({ cloud }: IpaRun): Promise<void> {
  const { seen, why } = await seesAllNodes(cloud);
  if (!seen) throw new OperationError('NODES_HIDDEN', `no node was touched: ${why}`);
}
