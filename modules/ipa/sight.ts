// Whether a run may begin: only a login that is shown every node knows what became of them.
import { seesAllNodes } from '../clients/ironic/visibility.js';
import { OperationError } from '../core/errors.js';
import type { Run } from './run.js';

/**
 * Throws NODES_HIDDEN, with the role or scope that helps, before anything is touched. A node that is hidden would be left out of a roll-out,
 * and what an earlier run has left on it would be taken for gone.
 */
export async function assertAllSeen({ cloud }: Run): Promise<void> {
  const { seen, why } = await seesAllNodes(cloud);
  if (!seen) throw new OperationError('NODES_HIDDEN', `no node was touched: ${why}`);
}
