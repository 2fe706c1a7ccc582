// What Ironic permits to whom by default (ironic/common/policy.py). Until 2023.2 the former rules
// hold too, unless the site has set enforce_new_defaults: the admin of any project may do all.
import { isGranted, type Permission, type Rights } from '../../core/rights.js';
import {
  changeNodes,
  changeNodesByFormerRules,
  hasFormerRules,
  memberOnSystem,
} from '../../images/policy/test-permissions.js';
import type { Values } from './node-differences.js';
import type { NodePlan } from './node-plan.js';
import type { PortPlan } from './port-plan.js';

const service = 'Ironic';
const manager = ['manager', 'admin', 'service'];
const adminOnSystem = ['admin', 'service'];

const create: Permission = {
  service,
  policies: ['baremetal:node:create', 'baremetal:node:create:self_owned_node'],
  action: 'create nodes',
  project: ['admin', 'service'],
  system: adminOnSystem,
};

type NodePermissions = Readonly<Record<'change' | 'details' | 'ports' | 'remove', Permission>>;

/** For nodes of the login's own project. */
const ofProject: NodePermissions = {
  change: { ...changeNodes, action: "change its project's nodes and their states", project: memberOnSystem },
  details: {
    service,
    policies: ['baremetal:node:traits:set', 'baremetal:port:update', 'baremetal:portgroup:update'],
    action: "change traits and ports of its project's nodes",
    project: manager,
    system: memberOnSystem,
  },
  ports: {
    service,
    policies: ['baremetal:port:create', 'baremetal:port:delete', 'baremetal:portgroup:create'],
    action: "create and delete ports of its project's nodes",
    project: manager,
    system: adminOnSystem,
  },
  remove: {
    service,
    policies: ['baremetal:node:delete', 'baremetal:node:delete:self_owned_node'],
    action: "delete its project's nodes",
    project: ['admin'],
    system: ['admin'],
  },
};

/** For all others, the roles in the project count only under the former rules. */
const ofOthers: NodePermissions = {
  change: changeNodes,
  details: { ...ofProject.details, action: 'change traits and ports of nodes', project: [] },
  ports: { ...ofProject.ports, action: 'create and delete ports', project: [] },
  remove: { ...ofProject.remove, action: 'delete nodes', project: [] },
};

const underFormerRules: NodePermissions = {
  change: changeNodesByFormerRules,
  details: { ...ofOthers.details, project: ['admin'] },
  ports: { ...ofOthers.ports, project: ['admin'] },
  remove: { ...ofOthers.remove, project: ['admin'] },
};

/** Whose a node is, and what decides about it. */
export interface NodeRealm {
  /** The project of the login. */
  readonly projectId: string;
  readonly minor: number;
}

/** What may be permitted on this node, as Ironic returns it. */
export function permissionsOn({ owner, lessee }: Values, { projectId, minor }: NodeRealm): NodePermissions {
  if (projectId !== '' && [owner, lessee].includes(projectId)) return ofProject;
  return hasFormerRules(minor) ? underFormerRules : ofOthers;
}

/**
 * What a plan for a node requires. `record`: the node as Ironic returns it; undefined for a new
 * one, of which whoever may create it may do the rest.
 */
export function permissionsForNode(plan: NodePlan, record: Values | undefined, realm: NodeRealm): Permission[] {
  if (record === undefined) return plan.isNew ? [create] : [];
  const { change, details } = permissionsOn(record, realm);
  const { now, later, maintenance, inspects, changesState, traits, portGroups, ports } = plan;
  const writes = now.length > 0 || later.length > 0 || maintenance !== undefined || inspects || changesState;
  const changesDetails = traits !== undefined || portGroups.some(({ isNew }) => !isNew);
  return unique([
    ...(writes ? [change] : []),
    ...(changesDetails ? [details] : []),
    ...(portGroups.some(({ isNew }) => isNew) ? [permissionsOn(record, realm).ports] : []),
    ...ports.flatMap((port) => permissionsForPort(port, record, realm)),
  ]);
}

export function permissionsForPort({ action }: PortPlan, record: Values, realm: NodeRealm): Permission[] {
  const { details, ports } = permissionsOn(record, realm);
  return [action === 'change' ? details : ports];
}

function unique(permissions: readonly Permission[]): Permission[] {
  return [...new Set(permissions)];
}

/**
 * Which other nodes a refusal concerns too: those that do not exist yet, or all. Undefined if it
 * says nothing about them, such as that of a node of another project, or of a port alone.
 */
export function refusedToo(requires: readonly Permission[], rights: Rights): 'new' | 'all' | undefined {
  if (requires.includes(create)) return 'new';
  const ofAll: readonly Permission[] = [ofProject.change, underFormerRules.change];
  return requires.some((permission) => ofAll.includes(permission) && !isGranted(permission, rights))
    ? 'all'
    : undefined;
}
