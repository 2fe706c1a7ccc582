// How the double of Ironic speaks: versions, errors, logins (ironic/api/controllers/base.py,
// api/middleware/parsable_error.py, common/auth_basic.py).

import { Refusal, header } from './http-double.js';
import type { Answer, Call } from './http-double.js';
import type { Identity } from './keystone.js';

export interface Login {
  /** Knows Keystone's tokens. Without it, and without `basic`, everybody may do everything. */
  readonly identify?: (token: string | undefined) => Identity | undefined;
  /** The one who may log in by HTTP's own means. */
  readonly basic?: { readonly username: string; readonly password: string };
}

/** Who asks: an admin, or somebody who sees only what is the project's. */
export interface Asker {
  readonly isAdmin: boolean;
  /** Whether all nodes are shown, and may be changed: to a reader and to a member of the system. */
  readonly seesAll: boolean;
  readonly changesAll: boolean;
  /** Null where there are no projects, and for a token of the whole system. */
  readonly project: string | null;
  /** Whether what is the project's may be changed. */
  readonly isProjectAdmin: boolean;
}

/** The body of each refusal is JSON in a string in JSON. */
export function refusal(status: number, faultstring: string): Refusal {
  return wrapped(status, { faultcode: status < 500 ? 'Client' : 'Server', faultstring, debuginfo: null });
}

/** What comes from below the controllers has another form. */
export function plainRefusal(status: number, title: string, description: string): Refusal {
  return wrapped(status, { code: status, title, description });
}

function wrapped(status: number, content: object): Refusal {
  return new Refusal({ status, body: { error_message: JSON.stringify(content) } });
}

/** The minor version that a request speaks: 1 unless it says more. */
export function minorOf(call: Call, newest: number): number {
  const asked = header(call, 'x-openstack-ironic-api-version') ?? '1.1';
  if (asked === 'latest') return newest;
  const minor = Number(/^1\.(\d+)$/.exec(asked)?.[1]);
  if (Number.isNaN(minor)) throw refusal(406, 'Invalid value for X-OpenStack-Ironic-API-Version header');
  if (minor >= 1 && minor <= newest) return minor;
  const text =
    `Version ${asked} was requested but the minor version is not supported by this service. ` +
    `The supported version range is: [1.1, 1.${newest}].`;
  throw call.segments[1] === '' ? refusal(406, text) : plainRefusal(406, 'Not Acceptable', text);
}

/** Every answer tells which versions there are. */
export function withVersions({ headers, ...answer }: Answer, newest: number, spoken?: number): Answer {
  const versions = {
    'X-OpenStack-Ironic-API-Minimum-Version': '1.1',
    'X-OpenStack-Ironic-API-Maximum-Version': `1.${newest}`,
  };
  return {
    ...answer,
    headers: {
      ...versions,
      ...(spoken === undefined ? {} : { 'X-OpenStack-Ironic-API-Version': `1.${spoken}` }),
      ...headers,
    },
  };
}

/** Whoever it is where nobody has to tell. */
export const nobody: Asker = {
  isAdmin: true,
  seesAll: true,
  changesAll: true,
  project: null,
  isProjectAdmin: false,
};

/**
 * Throws where the login is missing or wrong. With `enforcesScope` an admin of a project is one of
 * its nodes only (ironic/common/policy.py).
 */
export function askerOf({ identify, basic }: Login, call: Call, enforcesScope: boolean): Asker {
  if (basic) return checkBasic(basic, call);
  if (!identify) return nobody;
  const identity = identify(header(call, 'x-auth-token'));
  if (identity?.systemRoles) return ofSystem(identity.systemRoles);
  if (identity?.project === undefined) {
    throw new Refusal({
      status: 401,
      body: {
        error: { code: 401, title: 'Unauthorized', message: 'The request you have made requires authentication.' },
      },
    });
  }
  const isAdmin = identity.isAdmin && !enforcesScope;
  return {
    isAdmin,
    seesAll: isAdmin,
    changesAll: isAdmin,
    project: identity.project.id,
    isProjectAdmin: identity.isAdmin,
  };
}

function ofSystem(roles: readonly string[]): Asker {
  const isAdmin = roles.includes('admin');
  const changesAll = isAdmin || roles.includes('member');
  return { isAdmin, seesAll: changesAll || roles.includes('reader'), changesAll, project: null, isProjectAdmin: false };
}

function checkBasic({ username, password }: NonNullable<Login['basic']>, call: Call): Asker {
  const given = header(call, 'authorization');
  if (given === `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`) return nobody;
  const message = given === undefined ? 'Authorization required' : 'Incorrect username or password';
  throw new Refusal({
    status: 401,
    headers: { 'WWW-Authenticate': 'Basic realm="Baremetal API"' },
    body: { error: { message, code: 401 } },
  });
}

/** `GET /` and `GET /v1/`, which everybody may ask. */
export function versionDocument(call: Call, newest: number): Answer {
  const version = {
    id: 'v1',
    links: [{ href: `${call.url}/v1/`, rel: 'self' }],
    status: 'CURRENT',
    min_version: '1.1',
    version: `1.${newest}`,
  };
  const isRoot = call.segments[0] === '';
  return {
    status: 200,
    body: isRoot
      ? { name: 'OpenStack Ironic API', default_version: version, versions: [version] }
      : { id: 'v1', links: version.links, version },
  };
}

export function isUuid(text: unknown): text is string {
  return typeof text === 'string' && /^[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}$/i.test(text);
}

/** oslo_utils.strutils.bool_from_string, strict. */
export function booleanOf(name: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  const text = String(value).toLowerCase();
  if (['1', 't', 'true', 'on', 'y', 'yes'].includes(text)) return true;
  if (['0', 'f', 'false', 'off', 'n', 'no'].includes(text)) return false;
  throw refusal(
    400,
    `Invalid ${name}: Unrecognized value '${String(value)}', acceptable values are: ` +
      "'0', '1', 'f', 'false', 'n', 'no', 'off', 'on', 't', 'true', 'y', 'yes'",
  );
}

/** A value as Python prints it in a message. */
export function inPython(value: unknown): string {
  if (value === null || value === undefined) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'string') return `'${value}'`;
  if (Array.isArray(value)) return `[${value.map(inPython).join(', ')}]`;
  if (typeof value === 'object')
    return `{${Object.entries(value)
      .map(([key, inner]) => `'${key}': ${inPython(inner)}`)
      .join(', ')}}`;
  return String(value);
}

/** Times as the API tells them: whole seconds, in UTC. */
export function timeOf(milliseconds: number): string {
  return `${new Date(milliseconds).toISOString().slice(0, 19)}+00:00`;
}
