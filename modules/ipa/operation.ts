// ipa_test: put back what is left, plan, test, roll out; check mode stops behind the plan.
import validate from '#validators/ipa_test';
import { withHome } from '../clients/files/paths.js';
import { openIronic } from '../clients/ironic/api.js';
import type { Context, Operation, Outcome } from '../core/operation.js';
import { openCloud } from '../runtime/connect.js';
import { takeRunLock } from '../runtime/run-lock.js';
import { declaration } from './declaration.js';
import { openJournal } from './journal.js';
import { putBackLeftovers } from './leftovers.js';
import { planRun, type Plan } from './plan.js';
import { planRollout, rollOut } from './push.js';
import { outcomeOf } from './report.js';
import { delayed, type IpaArguments, type Run } from './run.js';
import { assertAllSeen } from './sight.js';
import { runTrial } from './trial.js';

export const ipaTest: Operation<(typeof declaration)['fields']> = { ...declaration, validate, run: testImages };

async function testImages(args: IpaArguments, context: Context): Promise<Outcome> {
  const last = delayed(context.signal);
  try {
    // What is under way when the run is interrupted may still be answered, and things be put back.
    const cloud = await openCloud(args, { ...context, signal: last.signal });
    const journal = openJournal(withHome(args.journal_dir, context.environment), cloud.identity);
    const lock = context.checkMode
      ? undefined
      : await takeRunLock({ directory: args.lock_dir, operation: declaration.name, cloud: cloud.identity, context });
    try {
      return await carryOut({
        args,
        context,
        cloud,
        ironic: await openIronic(cloud),
        journal,
        lastSignal: last.signal,
        warnings: [],
        seconds: {},
      });
    } finally {
      await lock?.release();
    }
  } finally {
    last.release();
  }
}

async function carryOut(run: Run): Promise<Outcome> {
  const { args, context } = run;
  await assertAllSeen(run);
  const leftovers = await putBackLeftovers(run);
  // No other node is risked while one is not in order.
  if (args.restore || leftovers.failures.length > 0) return outcomeOf(run, { leftovers });
  const plan = await planRun(run);
  if (context.checkMode)
    return outcomeOf(run, {
      leftovers,
      plan,
      ...(args.push ? { rollout: { nodes: await planRollout(run, plan), failures: [] } } : {}),
    });
  if (!hasTest(plan)) return outcomeOf(run, { leftovers, plan, rollout: await rollOut(run, plan, leftovers.rollouts) });
  const trial = await runTrial(run, plan);
  const rollout =
    trial.passed && trial.leftover === undefined && args.push
      ? await rollOut(run, plan, leftovers.rollouts)
      : undefined;
  return outcomeOf(run, { leftovers, plan, trial, ...(rollout ? { rollout } : {}) });
}

function hasTest(plan: Plan): plan is Plan & { readonly test: NonNullable<Plan['test']> } {
  return plan.test !== undefined;
}
