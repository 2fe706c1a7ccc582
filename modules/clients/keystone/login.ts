// Decides how to log in: explicit arguments first (site.yaml has been merged into them), then the
// OS_* environment variables.
import { optionText } from '../../core/option-text.js';
import { InputError } from '../../core/errors.js';
import { withHome } from '../files/paths.js';
import { withoutCredentials } from '../../core/urls.js';
import { findCloud } from './clouds-yaml.js';
import { credentialsOf, type Credentials } from './credentials.js';
import { nameInCatalogue, type Interface, type ServiceSettings } from './services.js';
import { readEnvironment, withEnvironment, type LoginSettings } from './settings.js';
import type { Environment } from '../../core/operation.js';

export interface Login {
  /** Keystone's URL without `/v3`; for a standalone service its own URL. */
  readonly authUrl: string;
  readonly credentials: Credentials;
  readonly regionName: string | undefined;
  readonly interface: Interface;
  readonly caCert: string | undefined;
  /** PEM files with the client certificate and its key, which may be in the same file. */
  readonly clientCert: string | undefined;
  readonly clientKey: string | undefined;
  readonly validateCerts: boolean;
  /** Service type, in the catalogue's spelling, to URL. */
  readonly endpointOverrides: Readonly<Record<string, string>>;
  readonly services: Readonly<Record<string, ServiceSettings>>;
  /** Where the login comes from, to complete "the login from …". */
  readonly source: string;
  /** The name of its entry in clouds.yaml, if it comes from one. */
  readonly cloudName?: string;
}

/** The part of an operation's arguments that concerns the login. */
export interface LoginArguments {
  readonly cloud?: string;
  readonly auth?: Readonly<Record<string, string | undefined>>;
  readonly auth_type?: string;
  readonly system_scope?: 'all';
  readonly region_name?: string;
  readonly interface?: Interface;
  readonly ca_cert?: string;
  readonly validate_certs?: boolean;
  readonly endpoint_override?: Readonly<Record<string, string>>;
  /** Only used to say in messages where `auth` may come from. */
  readonly site_yaml?: string;
}

/** Resolves the login. Throws INVALID_INPUT if there is none, or if part of it is missing. */
export async function resolveLogin(args: LoginArguments, given: Environment): Promise<Login> {
  const environment = withoutReturns(given);
  const found = await findSettings(args, environment);
  const auth = args.system_scope ? { ...found.auth, system_scope: args.system_scope } : found.auth;
  const settings: LoginSettings = { ...found, auth, authType: args.auth_type ?? found.authType };
  const credentials = credentialsOf(settings);
  const standalone = credentials.kind === 'none' || credentials.kind === 'http_basic';
  const ownUrl: Record<string, string> =
    standalone && settings.auth.endpoint ? { baremetal: settings.auth.endpoint } : {};
  const endpointOverrides = overridesOf({ ...ownUrl, ...found.endpointOverrides }, args.endpoint_override);
  const caCert = args.ca_cert ?? found.caCert;
  return {
    authUrl: standalone ? standaloneUrl(settings, endpointOverrides) : keystoneUrl(settings),
    credentials,
    regionName: args.region_name || found.regionName,
    interface: args.interface ?? found.interface ?? 'public',
    caCert: caCert && withHome(caCert, environment),
    clientCert: found.clientCert && withHome(found.clientCert, environment),
    clientKey: found.clientKey && withHome(found.clientKey, environment),
    validateCerts: args.validate_certs ?? found.validateCerts ?? true,
    endpointOverrides,
    services: found.services ?? {},
    source: settings.source,
    ...(found.cloudName === undefined ? {} : { cloudName: found.cloudName }),
  };
}

/** Removes the carriage returns with which an openrc written on Windows ends every value. */
function withoutReturns(environment: Environment): Environment {
  return Object.fromEntries(
    Object.entries(environment).map(([name, value]) => [
      name,
      name.startsWith('OS_') ? value?.replace(/\r+$/, '') : value,
    ]),
  );
}

async function findSettings(args: LoginArguments, environment: Environment): Promise<LoginSettings> {
  const named = async (name: string): Promise<LoginSettings> => ({
    ...withEnvironment(
      await findCloud(name, environment, args.region_name || environment.OS_REGION_NAME || undefined),
      environment,
    ),
    cloudName: name,
  });
  if (args.cloud) {
    const cloud = await named(args.cloud);
    return args.auth
      ? { ...cloud, auth: override(cloud.auth, presentIn(args.auth)), source: `${cloud.source} and the option auth` }
      : cloud;
  }
  if (args.auth || (args.auth_type === 'none' && args.endpoint_override)) {
    const source = args.site_yaml ? `the options and ${args.site_yaml}` : 'the option auth';
    return { source, label: (key) => `auth.${key}`, auth: presentIn(args.auth ?? {}), endpointOverrides: {} };
  }
  // In openstacksdk, the variables themselves are a cloud of this name.
  if (environment.OS_CLOUD && environment.OS_CLOUD !== (environment.OS_CLOUD_NAME || 'envvars'))
    return named(environment.OS_CLOUD);
  const settings = readEnvironment(environment);
  const isStandalone = settings.authType === 'none' || settings.authType === 'http_basic';
  if (settings.auth.auth_url || settings.auth.endpoint || (isStandalone && settings.endpointOverrides.baremetal))
    return settings;
  throw new InputError(
    `there is no login: give ${optionText('cloud')} (a name in clouds.yaml), or ${optionText('auth')}, or ` +
      `${optionText('site_yaml')} with image_store_cloud or ` +
      'auth_url, or set OS_CLOUD, or OS_AUTH_URL and the variables that belong to it',
  );
}

function presentIn(auth: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(Object.entries(auth).filter((entry): entry is [string, string] => Boolean(entry[1])));
}

/** A given name also overrides the cloud's id, and vice versa. */
function override(
  cloud: Readonly<Record<string, string>>,
  given: Readonly<Record<string, string>>,
): Record<string, string> {
  const counterpart = (key: string): string =>
    key === 'username'
      ? 'user_id'
      : key === 'user_id'
        ? 'username'
        : key.endsWith('_id')
          ? key.replace(/_id$/, '_name')
          : key.replace(/_name$/, '_id');
  const displaced = new Set(Object.keys(given).map(counterpart));
  return { ...Object.fromEntries(Object.entries(cloud).filter(([key]) => !displaced.has(key))), ...given };
}

function overridesOf(
  found: Readonly<Record<string, string>>,
  given: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const entries = Object.entries({ ...hyphenated(found), ...hyphenated(given) });
  for (const [type, url] of entries) assertUrl(url, `endpoint_override.${type}`);
  return Object.fromEntries(entries);
}

function hyphenated(overrides: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(overrides).map(([type, url]) => [nameInCatalogue(type), url]));
}

function keystoneUrl(settings: LoginSettings): string {
  const { auth_url: url } = settings.auth;
  if (!url)
    throw new InputError(`the login from ${settings.source} has no ${settings.label('auth_url')}`, 'auth.auth_url');
  assertUrl(url, settings.label('auth_url'));
  return url
    .replace(/\/+$/, '')
    .replace(/\/v(2\.0|3)$/, '')
    .replace(/\/+$/, '');
}

function standaloneUrl(settings: LoginSettings, overrides: Readonly<Record<string, string>>): string {
  const url = overrides.baremetal ?? Object.values(overrides)[0];
  if (!url) {
    const field = settings.label('endpoint');
    throw new InputError(
      `the login from ${settings.source} bypasses Keystone (auth_type ${settings.authType}), so it needs ` +
        `${field} or endpoint_override`,
      'auth.endpoint',
    );
  }
  return url;
}

function assertUrl(url: string, label: string): void {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed && (parsed.username || parsed.password))
    throw new InputError(`${label} must not contain a user or a password`, label);
  if (parsed && /^https?:$/.test(parsed.protocol)) return;
  throw new InputError(`${label}: "${withoutCredentials(url)}" is not an http or https URL`, label);
}
