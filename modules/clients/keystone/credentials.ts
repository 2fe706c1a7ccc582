// The types of login, and how each is made from the keys of a source. Names and ids have the form
// that Keystone expects.
import { InputError } from '../../core/errors.js';
import type { LoginSettings } from './settings.js';

export type Domain = { readonly id: string } | { readonly name: string };
export type KeystoneUser = { readonly id: string } | { readonly name: string; readonly domain: Domain };
export type Project = KeystoneUser;

/** Whether a system-scoped token is required, or optional and used if the user may have one. */
export type SystemScope = 'requested' | 'optional';

export interface PasswordCredentials {
  readonly kind: 'password';
  readonly user: KeystoneUser;
  readonly password: string;
  /** Absent if only system scope is requested. */
  readonly project: Project | undefined;
  readonly systemScope: SystemScope;
}

export interface TokenCredentials {
  readonly kind: 'token';
  readonly token: string;
  /** Absent if the token is used as it is, or if system scope is requested. */
  readonly project: Project | undefined;
  readonly systemScope: SystemScope;
}

/** Bound to its project, without any other scope. */
export interface ApplicationCredentials {
  readonly kind: 'application_credential';
  readonly credential: { readonly id: string } | { readonly name: string; readonly user: KeystoneUser };
  readonly secret: string;
}

export type KeystoneCredentials = PasswordCredentials | TokenCredentials | ApplicationCredentials;

/** For a standalone Bare Metal service. */
export type StandaloneCredentials =
  | { readonly kind: 'none' }
  | { readonly kind: 'http_basic'; readonly username: string; readonly password: string };

export type Credentials = KeystoneCredentials | StandaloneCredentials;

/** The credentials in the settings. Throws INVALID_INPUT, naming what is missing. */
export function credentialsOf(settings: LoginSettings): Credentials {
  const systemScope = systemScopeOf(settings);
  const requested = systemScope === 'requested';
  switch (settings.authType ?? guessType(settings)) {
    case 'password':
    case 'v3password':
      return {
        kind: 'password',
        user: userOf(settings),
        password: requireKey(settings, 'password'),
        project: projectOf(settings) ?? (requested ? undefined : refuseMissingProject(settings)),
        systemScope,
      };
    case 'token':
    case 'v3token':
      return { kind: 'token', token: requireKey(settings, 'token'), project: projectOf(settings), systemScope };
    case 'v3applicationcredential':
      if (requested) refuseSystemScope(settings);
      return {
        kind: 'application_credential',
        credential: credentialOf(settings),
        secret: requireKey(settings, 'application_credential_secret'),
      };
    case 'none':
      return { kind: 'none' };
    case 'http_basic':
      return {
        kind: 'http_basic',
        username: requireKey(settings, 'username'),
        password: requireKey(settings, 'password'),
      };
    default:
      throw new InputError(
        `the login from ${settings.source} has auth_type "${settings.authType}", which is not supported; ` +
          'supported: password, token, v3applicationcredential, none, http_basic',
        'auth_type',
      );
  }
}

function systemScopeOf({ auth, label, source }: LoginSettings): SystemScope {
  const { system_scope: scope } = auth;
  if (scope === undefined) return 'optional';
  if (scope === 'all') return 'requested';
  throw new InputError(
    `the login from ${source} has ${label('system_scope')} "${scope}"; the only system scope is all`,
    'auth.system_scope',
  );
}

function refuseSystemScope({ label, source }: LoginSettings): never {
  const message =
    `the login from ${source} requests ${label('system_scope')} with an application credential, which Keystone ` +
    `binds to its project: log in with a password, or leave ${label('system_scope')} out`;
  throw new InputError(message, 'auth.system_scope');
}

function guessType({ auth }: LoginSettings): string {
  if (auth.application_credential_id || auth.application_credential_name || auth.application_credential_secret)
    return 'v3applicationcredential';
  return auth.token && !auth.password ? 'token' : 'password';
}

function userOf(settings: LoginSettings): KeystoneUser {
  const { auth } = settings;
  return auth.user_id
    ? { id: auth.user_id }
    : { name: requireKey(settings, 'username'), domain: domainOf(settings, 'user') };
}

function projectOf(settings: LoginSettings): Project | undefined {
  const { project_id: id, project_name: name } = settings.auth;
  if (id) return { id };
  return name ? { name, domain: domainOf(settings, 'project') } : undefined;
}

function domainOf({ auth }: LoginSettings, whose: 'user' | 'project'): Domain {
  const id = auth[`${whose}_domain_id`];
  const name = auth[`${whose}_domain_name`];
  if (id) return { id };
  if (name) return { name };
  if (auth.domain_id) return { id: auth.domain_id };
  return auth.domain_name ? { name: auth.domain_name } : { id: 'default' };
}

function credentialOf(settings: LoginSettings): ApplicationCredentials['credential'] {
  const { application_credential_id: id, application_credential_name: name } = settings.auth;
  if (id) return { id };
  return name ? { name, user: userOf(settings) } : { id: requireKey(settings, 'application_credential_id') };
}

function requireKey(settings: LoginSettings, key: string): string {
  const value = settings.auth[key];
  if (value) return value;
  throw new InputError(`the login from ${settings.source} has no ${settings.label(key)}`, `auth.${key}`);
}

function refuseMissingProject(settings: LoginSettings): never {
  const { label, source } = settings;
  throw new InputError(
    `the login from ${source} has no project: give ${label('project_name')} or ${label('project_id')}, or for ` +
      `bare metal alone ${label('system_scope')}: all`,
    'auth.project_name',
  );
}
