// What a test and a roll-out of images require of the services by default.
import type { PermissionUse } from '../../core/rights.js';
import { testPermissions } from '../../images/policy/test-permissions.js';
import { permissionsOn, type NodeRealm } from '../../nodes/policy/node-permissions.js';
import { nodeTitle } from '../../nodes/policy/provision-states.js';
import type { TestableNode } from './node-choice.js';
import type { IpaPlan } from './test-plan.js';

/** `nodes`: those that a roll-out would change. */
export function usesOfIpaTest(
  { test }: Pick<IpaPlan, 'test'>,
  nodes: readonly TestableNode[],
  realm: NodeRealm,
): PermissionUse[] {
  const changed = [...(test?.candidates ?? []), ...nodes].map((node) => ({
    permission: permissionsOn(node.record ?? {}, realm).change,
    subject: `node ${nodeTitle(node)}`,
  }));
  if (test?.deployment.by !== 'nova') return changed;
  const { createServer, chooseNode, lease } = testPermissions;
  const needed = test.resourceProperties ? [lease, createServer] : [createServer, chooseNode];
  return [...changed, ...needed.map((permission) => ({ permission, subject: 'the test' }))];
}
