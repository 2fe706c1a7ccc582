// What a test of IPA images requires of Nova, Blazar and Ironic by default, for what runs it and for
// the check beforehand.
import type { Permission } from '../../core/rights.js';

export const testPermissions = {
  createServer: {
    service: 'Nova',
    policies: ['os_compute_api:servers:create'],
    action: 'create servers',
    project: ['member', 'admin'],
  },
  chooseNode: {
    service: 'Nova',
    policies: ['compute:servers:create:requested_destination'],
    action: 'create a server on a given node, which a test without a lease does',
    project: ['admin'],
  },
  lease: { service: 'Blazar', policies: ['blazar:leases:post'], action: 'lease a node', project: ['member', 'admin'] },
} satisfies Record<string, Permission>;

/** The roles on the system that may change nodes. */
export const memberOnSystem = ['member', 'manager', 'admin', 'service'];

/** For nodes that are not the project's: its roles count only under the former rules. */
export const changeNodes: Permission = {
  service: 'Ironic',
  policies: ['baremetal:node:update', 'baremetal:node:set_provision_state'],
  action: 'change nodes and their states',
  project: [],
  system: memberOnSystem,
};

export const changeNodesByFormerRules: Permission = { ...changeNodes, project: ['admin'] };

/** The API version of 2024.1, since which only the new rules hold by default. */
const minorOfNewRules = 88;

/** Whether the former rules of Ironic hold too, unless the site has set enforce_new_defaults. */
export function hasFormerRules(minor: number): boolean {
  return minor < minorOfNewRules;
}
