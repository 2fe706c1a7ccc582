// What earlier runs have left, restored before anything else is started.
import { messageOf, rethrowProgramFault } from '../core/errors.js';
import type { JournalEntry, RolloutEntry } from './journal.js';
import { restoreTest } from './restore.js';
import { restoreRollout } from './rollback.js';
import type { IpaRun } from './run.js';

export interface Leftovers {
  /** One sentence for each entry that was restored, or in check mode would be. */
  readonly restored: readonly string[];
  readonly failures: readonly string[];
  readonly warnings: readonly string[];
  /** Interrupted roll-outs, which the next push of the type continues. */
  readonly rollouts: readonly RolloutEntry[];
}

/** A roll-out that was not being rolled back is left as it is unless `restore` is requested. */
export async function restoreLeftovers(run: IpaRun): Promise<Leftovers> {
  const entries = await run.journal.read();
  const isContinued = (entry: JournalEntry): entry is RolloutEntry =>
    entry.kind === 'rollout' && !entry.isRollingBack && !run.args.restore;
  const rollouts = entries.filter(isContinued);
  const others = entries.filter((entry): entry is JournalEntry => !isContinued(entry));
  if (run.context.checkMode) {
    const restored = others.map((entry) => `${entry.name}: would be restored, from the step "${entry.step}" on`);
    return { restored, failures: [], warnings: [], rollouts };
  }
  const restored: string[] = [];
  const failures: string[] = [];
  const warnings: string[] = [];
  for (const entry of others) {
    try {
      const done = await (entry.kind === 'test' ? restoreTest(run, entry) : restoreRollout(run, entry));
      warnings.push(...done.warnings);
      if (done.text === undefined) failures.push(messageOf(done.failure));
      else restored.push(done.text);
    } catch (error) {
      rethrowProgramFault(error);
      failures.push(messageOf(error));
    }
  }
  return { restored, failures, warnings, rollouts };
}
