// What a test and a roll-out of images require of the services by default.
import type { Permission, PermissionUse } from '../../core/rights.js';
import { permissionsOn, type NodeRealm } from '../../nodes/policy/node-permissions.js';
import { nodeTitle } from '../../nodes/policy/provision-states.js';
import type { TestableNode } from './node-choice.js';
import type { IpaPlan } from './test-plan.js';

const createServer: Permission = {
  service: 'Nova',
  policies: ['os_compute_api:servers:create'],
  action: 'create servers',
  project: ['member', 'admin'],
};

const chooseNode: Permission = {
  service: 'Nova',
  policies: ['compute:servers:create:requested_destination'],
  action: 'create a server on a given node, which a test without a lease does',
  project: ['admin'],
};

const lease: Permission = {
  service: 'Blazar',
  policies: ['blazar:leases:post'],
  action: 'lease a node',
  project: ['member', 'admin'],
};

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
  const needed = test.resourceProperties ? [lease, createServer] : [createServer, chooseNode];
  return [...changed, ...needed.map((permission) => ({ permission, subject: 'the test' }))];
}
