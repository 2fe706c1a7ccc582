// What earlier runs have left, put back before anything else is begun.
import { messageOf, OperationError, rethrowProgramFault } from '../core/errors.js';
import type { JournalEntry, RolloutEntry } from './journal.js';
import { undo } from './push.js';
import { restoreTest } from './restore.js';
import type { Run } from './run.js';

export interface Leftovers {
  /** One sentence for each entry that was put back, or in check mode would be. */
  readonly restored: readonly string[];
  readonly failures: readonly string[];
  /** Roll-outs that were broken off, and that the next push of the type goes on with. */
  readonly rollouts: readonly RolloutEntry[];
}

/** A roll-out that was just going forward is left as it is unless `restore` asks for it. */
export async function putBackLeftovers(run: Run): Promise<Leftovers> {
  const entries = await run.journal.read();
  const isLeft = (entry: JournalEntry): entry is RolloutEntry =>
    entry.kind === 'rollout' && !entry.isRollingBack && !run.args.restore;
  const [rollouts, others] = [entries.filter(isLeft), entries.filter((entry) => !isLeft(entry))];
  if (run.context.checkMode)
    return {
      restored: others.map((entry) => `${entry.name}: to be put back, from the step "${entry.step}" on`),
      failures: [],
      rollouts,
    };
  const restored: string[] = [];
  const failures: string[] = [];
  for (const entry of others) {
    try {
      restored.push(await putBack(run, entry));
    } catch (error) {
      rethrowProgramFault(error);
      failures.push(messageOf(error));
    }
  }
  return { restored, failures, rollouts };
}

async function putBack(run: Run, entry: JournalEntry): Promise<string> {
  if (entry.kind === 'test') return restoreTest(run, entry);
  const results = await undo(run, entry);
  const failed = results.filter(({ result }) => result === 'failed');
  if (failed.length > 0)
    throw new OperationError(
      'RESTORE_INCOMPLETE',
      `${entry.name}: ${failed.map(({ name, uuid, reason }) => `node ${name || uuid}: ${reason}`).join('; ')}; what is left stands in ${run.journal.pathOf(entry)}`,
    );
  return `${entry.name}: ${results.length} nodes have their former images`;
}
