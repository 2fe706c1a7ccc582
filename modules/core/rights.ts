// What a login may do: the roles of its tokens, against the rules that a service has by default. No
// API tells which rules a site has, so what follows is a prediction.
import { listSome } from './counts.js';
import { optionText } from './option-text.js';

/** A token of a login, and its roles as Keystone reports them. */
export interface Grant {
  readonly scope: 'project' | 'system';
  /** Empty for the system. */
  readonly projectId: string;
  readonly roles: readonly string[];
}

/** Something that a service permits by one of its policies, and to whom by default. */
export interface Permission {
  readonly service: string;
  readonly policies: readonly string[];
  /** Completes "may …", such as `make an image public`. */
  readonly action: string;
  /** The roles of which one is enough, the smallest first. */
  readonly project: readonly string[];
  readonly system?: readonly string[];
}

/** Who asks for it. */
export interface Rights {
  /** Undefined without Keystone: then everything is permitted. */
  readonly grants: readonly Grant[] | undefined;
  /** Where the login comes from. */
  readonly source: string;
}

/** What a run does, or would do, that requires a permission. */
export interface PermissionUse {
  readonly permission: Permission;
  /** What it is done to, such as the name of an image. */
  readonly subject: string;
}

export function isGranted({ project, system = [] }: Permission, { grants }: Rights): boolean {
  if (!grants) return true;
  // Services compare roles without regard to case.
  return grants.some(({ scope, roles }) =>
    roles.some((role) => (scope === 'project' ? project : system).includes(role.toLowerCase())),
  );
}

/** Why a request was refused, or will be: the rule, and what the login has instead. */
export function describeLack(permission: Permission, { grants = [], source }: Rights): string {
  const { service, policies, action, project, system = [] } = permission;
  const needed = [
    ...project.slice(0, 1).map((role) => `${role} in the project`),
    ...system.slice(0, 1).map((role) => `${role} on the system (${optionText('system_scope', 'all')})`),
  ];
  return (
    `by default, ${service} lets a login ${action} only with the role ${needed.join(' or ')} ` +
    `(${policies.length > 1 ? 'policies' : 'policy'} ${policies.join(', ')}); ` +
    `the login from ${source} has ${describeGrants(grants)}`
  );
}

/** Such as `admin, member in project 6a1c…, and reader on the system`. */
export function describeGrants(grants: readonly Grant[]): string {
  return grants.map(describeGrant).join(', and ') || 'no roles';
}

function describeGrant({ scope, projectId, roles }: Grant): string {
  const held = roles.length > 0 ? [...roles].sort().join(', ') : 'no role';
  return `${held} ${scope === 'system' ? 'on the system' : `in project ${projectId}`}`;
}

const maxSubjects = 5;

/** One warning for each permission that the login lacks, however many subjects it concerns. */
export function permissionWarnings(uses: readonly PermissionUse[], rights: Rights): string[] {
  const lacking = uses.filter(({ permission }) => !isGranted(permission, rights));
  return [...new Set(lacking.map(({ permission }) => permission))].map((permission) => {
    const subjects = lacking.filter((use) => use.permission === permission).map(({ subject }) => subject);
    return (
      `${listSome([...new Set(subjects)], maxSubjects)}: a run will probably be refused: ` +
      `${describeLack(permission, rights)}; ` +
      'a site may have rules of its own'
    );
  });
}
