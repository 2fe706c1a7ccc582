// The settings of a login from one source, in openstacksdk's spelling: an entry of clouds.yaml, or
// the OS_* environment variables.
import { coerce } from '../../core/coercion.js';
import { InputError } from '../../core/errors.js';
import { defineFields } from '../../core/fields.js';
import { isMapping } from '../../core/mapping.js';
import type { Environment } from '../../core/operation.js';
import { fillPlaceholders, entryForRegion, stringsIn, underscored, type CloudEntry } from './region-entry.js';
import { pickOverrides, pickServices, readInterface, type Interface, type ServiceSettings } from './services.js';

export interface LoginSettings {
  /** Where the settings come from, to complete "the login from …". */
  readonly source: string;
  /** The name of a key of `auth` in that source. */
  readonly label: (key: string) => string;
  /** The name of the entry in clouds.yaml. */
  readonly cloudName?: string;
  readonly auth: Readonly<Record<string, string>>;
  readonly authType?: string | undefined;
  readonly regionName?: string | undefined;
  readonly interface?: Interface | undefined;
  readonly caCert?: string | undefined;
  readonly clientCert?: string | undefined;
  readonly clientKey?: string | undefined;
  readonly validateCerts?: boolean | undefined;
  readonly endpointOverrides: Readonly<Record<string, string>>;
  readonly services?: Readonly<Record<string, ServiceSettings>>;
}

const authKeys = [
  ...['auth_url', 'username', 'user_id', 'password', 'token', 'endpoint'],
  ...[
    'project_name',
    'project_id',
    'user_domain_name',
    'user_domain_id',
    'project_domain_name',
    'project_domain_id',
    'domain_name',
    'domain_id',
  ],
  'system_scope',
  ...['application_credential_id', 'application_credential_name', 'application_credential_secret'],
];

/** Keys of `auth` that would change the type of the login. */
const refusedKeys = [
  'trust_id',
  'passcode',
  'identity_provider',
  'protocol',
  'access_token',
  'auth_methods',
  'unscoped',
];

/** Other names that openstacksdk and its predecessors accepted. */
const formerKeys: Readonly<Record<string, readonly string[]>> = {
  username: ['user_name'],
  project_name: ['tenant_name'],
  project_id: ['tenant_id'],
  domain_name: ['default_domain_name'],
  domain_id: ['default_domain_id', 'default_domain'],
  token: ['auth_token'],
};

/**
 * Reads one entry for a region, by default the first of several. Keys of `auth` may also be next to
 * it; unknown keys belong to other programs and are ignored. Throws INVALID_INPUT for keys that
 * would change the login and are not supported.
 */
export function readSettings(
  raw: CloudEntry,
  origin: Pick<LoginSettings, 'source' | 'label'>,
  regionName?: string,
): LoginSettings {
  const { source } = origin;
  const entry = entryForRegion(underscored(raw), { source, regionName });
  if (entry.auth !== undefined && entry.auth !== null && !isMapping(entry.auth))
    throw new InputError(`${source}: auth must be a mapping`, 'auth');
  refuseOldIdentity(entry, source);
  const texts = stringsIn(entry);
  const format = (text: string, key: string): string => fillPlaceholders(text, texts, `${source}: ${key}`);
  const insecure = readSwitch(texts.insecure, 'insecure', source);
  const verify = readVerify(texts.verify, source);
  const auth = pickAuth(texts, isMapping(entry.auth) ? stringsIn(underscored(entry.auth)) : {}, origin);
  return {
    ...origin,
    auth: auth.auth_url ? { ...auth, auth_url: format(auth.auth_url, 'auth_url') } : auth,
    authType: authTypeOf(texts),
    regionName: texts.region_name,
    interface: readInterface(texts.interface ?? texts.endpoint_type, 'interface', source),
    caCert: texts.cacert ?? verify.path,
    clientCert: texts.cert,
    clientKey: texts.key,
    validateCerts: insecure ? false : verify.isOn,
    endpointOverrides: Object.fromEntries(
      Object.entries(pickOverrides(texts)).map(([type, url]) => [type, format(url, `${type}_endpoint_override`)]),
    ),
    services: pickServices(texts, source),
  };
}

/** Variables that also apply together with OS_CLOUD, as in openstackclient. */
const besideCloud = [
  'OS_INTERFACE',
  'OS_ENDPOINT_TYPE',
  'OS_CACERT',
  'OS_CERT',
  'OS_KEY',
  'OS_INSECURE',
  'OS_VERIFY',
  'OS_SYSTEM_SCOPE',
];

/** Reads the OS_* variables as an entry: OS_AUTH_URL is its `auth_url`. */
export function readEnvironment(environment: Environment): LoginSettings {
  const entry = Object.entries(environment).flatMap(([name, value]) =>
    name.startsWith('OS_') && value ? [[name.slice(3).toLowerCase(), value]] : [],
  );
  return readSettings(Object.fromEntries(entry), {
    source: 'the OS_* environment',
    label: (key) => `OS_${key.toUpperCase()}`,
  });
}

/** A cloud of clouds.yaml with the settings that the environment adds. */
export function withEnvironment(cloud: LoginSettings, environment: Environment): LoginSettings {
  const { auth, ...given } = readEnvironment(Object.fromEntries(besideCloud.map((name) => [name, environment[name]])));
  const { interface: side, caCert, clientCert, clientKey, validateCerts } = given;
  const present = Object.entries({ interface: side, caCert, clientCert, clientKey, validateCerts }).filter(
    ([, value]) => value !== undefined,
  );
  return { ...cloud, ...Object.fromEntries(present), auth: { ...cloud.auth, ...auth } };
}

function pickAuth(
  outer: Readonly<Record<string, string>>,
  inner: Readonly<Record<string, string>>,
  { source, label }: Pick<LoginSettings, 'source' | 'label'>,
): Record<string, string> {
  const refused = refusedKeys.find((key) => inner[key] || (source.startsWith('the OS_') && outer[key]));
  if (refused)
    throw new InputError(
      `the login from ${source} has ${label(refused)}, which is not supported: ` +
        'leave it out, or log in by password, token or application credential',
      `auth.${refused}`,
    );
  const found = authKeys.flatMap((key) => {
    const spellings = [key, ...(formerKeys[key] ?? [])];
    const value =
      spellings.map((name) => inner[name]).find(Boolean) ?? spellings.map((name) => outer[name]).find(Boolean);
    return value === undefined ? [] : [[key, value] as const];
  });
  return Object.fromEntries(found);
}

/** openstacksdk also reads `None` as `none`, a login without Keystone. */
function authTypeOf(texts: Readonly<Record<string, string>>): string | undefined {
  const type = texts.auth_type ?? texts.auth_plugin;
  return type === 'None' ? 'none' : type;
}

function refuseOldIdentity(entry: CloudEntry, source: string): void {
  const version = entry.identity_api_version;
  if (typeof version === 'string' && version !== '' && !/^v?3(\.\d+)?$/.test(version)) {
    throw new InputError(
      `${source}: identity_api_version ${version} is not supported; only version 3 of Keystone's API is supported`,
      'cloud',
    );
  }
}

const switches = defineFields({ on: { type: 'boolean', description: 'Yes or no.' } });

function switchOf(text: string | undefined): boolean | undefined | 'unknown' {
  const { on } = coerce(switches, { on: text });
  return on === undefined || typeof on === 'boolean' ? on : 'unknown';
}

function readSwitch(text: string | undefined, key: string, source: string): boolean | undefined {
  const on = switchOf(text);
  if (on !== 'unknown') return on;
  throw new InputError(`${source}: ${key} must be yes or no, not "${text}"`, key);
}

/** Yes or no, or as in requests, a file with CAs. */
function readVerify(
  text: string | undefined,
  source: string,
): { readonly isOn?: boolean | undefined; readonly path?: string } {
  const on = switchOf(text);
  if (on !== 'unknown') return { isOn: on };
  if (text && /[/~]/.test(text)) return { isOn: true, path: text };
  throw new InputError(
    `${source}: verify must be yes or no, not "${text}"; for a file with CAs, give its path, or use cacert`,
    'verify',
  );
}
