// What one source says of a login, still in openstacksdk's spelling: an entry of clouds.yaml, or the OS_* environment.
import { coerce } from '../../core/coercion.js';
import { InputError } from '../../core/errors.js';
import { defineFields } from '../../core/fields.js';
import { isMapping } from '../../core/mapping.js';

export type Environment = Readonly<Record<string, string | undefined>>;
export type Interface = 'public' | 'internal' | 'admin';

export interface LoginSettings {
  /** Where it came from, as it stands in "the login from …". */
  readonly source: string;
  /** What a key of `auth` is called there. */
  readonly label: (key: string) => string;
  readonly auth: Readonly<Record<string, string>>;
  readonly authType?: string | undefined;
  readonly regionName?: string | undefined;
  readonly interface?: Interface | undefined;
  readonly caCert?: string | undefined;
  readonly validateCerts?: boolean | undefined;
  readonly endpointOverrides: Readonly<Record<string, string>>;
}

const authKeys = [
  ...['auth_url', 'username', 'user_id', 'password', 'token', 'endpoint'],
  ...['project_name', 'project_id', 'user_domain_name', 'user_domain_id', 'project_domain_name', 'project_domain_id', 'domain_name', 'domain_id'],
  'system_scope',
  ...['application_credential_id', 'application_credential_name', 'application_credential_secret'],
];

/** Other spellings that openstacksdk and its forerunners took. */
const formerKeys: Readonly<Record<string, readonly string[]>> = {
  project_name: ['tenant_name'],
  project_id: ['tenant_id'],
  domain_name: ['default_domain_name'],
  domain_id: ['default_domain_id', 'default_domain'],
  token: ['auth_token'],
};

type Entry = Readonly<Record<string, unknown>>;

/** Reads one entry. Keys of `auth` may stand beside it too; unknown keys belong to other programs and are left alone. */
export function readSettings(raw: Entry, origin: Pick<LoginSettings, 'source' | 'label'>): LoginSettings {
  const entry = underscored(raw);
  if (entry.auth !== undefined && entry.auth !== null && !isMapping(entry.auth)) throw new InputError(`${origin.source}: auth must be a mapping`, 'auth');
  refuseOldIdentity(entry, origin.source);
  const texts = { ...textsOf(entry), ...firstRegion(entry) };
  const insecure = readSwitch(texts.insecure, 'insecure', origin.source);
  return {
    ...origin,
    auth: pickAuth(texts, isMapping(entry.auth) ? textsOf(underscored(entry.auth)) : {}),
    authType: texts.auth_type ?? texts.auth_plugin,
    regionName: texts.region_name,
    interface: readInterface(texts.interface ?? texts.endpoint_type, origin.source),
    caCert: texts.cacert,
    validateCerts: insecure ? false : readSwitch(texts.verify, 'verify', origin.source),
    endpointOverrides: pickOverrides(texts),
  };
}

/** The OS_* variables as an entry: OS_AUTH_URL is its `auth_url`. */
export function readEnvironment(environment: Environment): LoginSettings {
  const entry = Object.entries(environment).flatMap(([name, value]) => (name.startsWith('OS_') && value ? [[name.slice(3).toLowerCase(), value]] : []));
  return readSettings(Object.fromEntries(entry), { source: 'the OS_* environment', label: (key) => `OS_${key.toUpperCase()}` });
}

function underscored(entry: Entry): Record<string, unknown> {
  return Object.fromEntries(Object.entries(entry).map(([key, value]) => [key.replaceAll('-', '_'), value]));
}

function textsOf(entry: Entry): Record<string, string> {
  return Object.fromEntries(Object.entries(entry).flatMap(([key, value]) => (typeof value === 'string' && value !== '' ? [[key, value]] : [])));
}

/** A list of regions: names, or mappings with a name and values of their own. The first is the one that counts unless another is asked for. */
function firstRegion(entry: Entry): Record<string, string> {
  const first: unknown = Array.isArray(entry.regions) ? entry.regions[0] : undefined;
  if (typeof entry.region_name === 'string' || first === undefined) return {};
  if (typeof first === 'string') return { region_name: first };
  if (!isMapping(first) || typeof first.name !== 'string') return {};
  return { ...(isMapping(first.values) ? textsOf(underscored(first.values)) : {}), region_name: first.name };
}

function pickAuth(outer: Readonly<Record<string, string>>, inner: Readonly<Record<string, string>>): Record<string, string> {
  const found = authKeys.flatMap((key) => {
    const spellings = [key, ...(formerKeys[key] ?? [])];
    const value = spellings.map((name) => inner[name]).find(Boolean) ?? spellings.map((name) => outer[name]).find(Boolean);
    return value === undefined ? [] : [[key, value]];
  });
  return Object.fromEntries(found) as Record<string, string>;
}

function pickOverrides(texts: Readonly<Record<string, string>>): Record<string, string> {
  const ending = '_endpoint_override';
  return Object.fromEntries(Object.entries(texts).flatMap(([key, url]) => (key.endsWith(ending) ? [[key.slice(0, -ending.length), url]] : [])));
}

function refuseOldIdentity(entry: Entry, source: string): void {
  const version = entry.identity_api_version;
  if (typeof version === 'string' && version !== '' && !/^v?3(\.\d+)?$/.test(version)) {
    throw new InputError(`${source}: identity_api_version ${version} is not supported; only version 3 of Keystone's API is`, 'cloud');
  }
}

const switches = defineFields({ on: { type: 'boolean', description: 'Yes or no.' } });

function readSwitch(text: string | undefined, key: string, source: string): boolean | undefined {
  const { on } = coerce(switches, { on: text });
  if (on === undefined || typeof on === 'boolean') return on;
  throw new InputError(`${source}: ${key} must be yes or no, not "${text}"`, key);
}

function readInterface(text: string | undefined, source: string): Interface | undefined {
  const name = text?.replace(/URL$/, '');
  if (name === undefined || name === 'public' || name === 'internal' || name === 'admin') return name;
  throw new InputError(`${source}: interface must be public, internal or admin, not "${text}"`, 'interface');
}
