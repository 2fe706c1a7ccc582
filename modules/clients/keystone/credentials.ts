// The kinds of login, and how each is made of the keys that a source gave. Names and ids are shaped as Keystone takes them.
import { InputError } from '../../core/errors.js';
import type { LoginSettings } from './settings.js';

export type Domain = { readonly id: string } | { readonly name: string };
export type User = { readonly id: string } | { readonly name: string; readonly domain: Domain };
export type Project = User;

export interface PasswordCredentials {
  readonly kind: 'password';
  readonly user: User;
  readonly password: string;
  readonly project: Project;
}

export interface TokenCredentials {
  readonly kind: 'token';
  readonly token: string;
  /** Absent: the token must already belong to a project. */
  readonly project: Project | undefined;
}

/** Belongs to a project of its own. */
export interface ApplicationCredentials {
  readonly kind: 'application_credential';
  readonly credential: { readonly id: string } | { readonly name: string; readonly user: User };
  readonly secret: string;
}

export type KeystoneCredentials = PasswordCredentials | TokenCredentials | ApplicationCredentials;

/** For a Bare Metal service that stands alone. */
export type StandaloneCredentials = { readonly kind: 'none' } | { readonly kind: 'http_basic'; readonly username: string; readonly password: string };

export type Credentials = KeystoneCredentials | StandaloneCredentials;

/** Makes the credentials that the settings mean. Throws INVALID_INPUT, naming the piece that is missing. */
export function credentialsOf(settings: LoginSettings): Credentials {
  switch (settings.authType ?? guessType(settings)) {
    case 'password':
    case 'v3password':
      return { kind: 'password', user: userOf(settings), password: need(settings, 'password'), project: projectOf(settings) ?? needProject(settings) };
    case 'token':
    case 'v3token':
      return { kind: 'token', token: need(settings, 'token'), project: projectOf(settings) };
    case 'v3applicationcredential':
      return { kind: 'application_credential', credential: credentialOf(settings), secret: need(settings, 'application_credential_secret') };
    case 'none':
      return { kind: 'none' };
    case 'http_basic':
      return { kind: 'http_basic', username: need(settings, 'username'), password: need(settings, 'password') };
    default:
      throw new InputError(
        `the login from ${settings.source} has auth_type "${settings.authType}", which is not supported; supported: password, token, v3applicationcredential, none, http_basic`,
        'auth_type',
      );
  }
}

function guessType({ auth }: LoginSettings): string {
  if (auth.application_credential_id || auth.application_credential_name || auth.application_credential_secret) return 'v3applicationcredential';
  return auth.token && !auth.password ? 'token' : 'password';
}

function userOf(settings: LoginSettings): User {
  const { auth } = settings;
  return auth.user_id ? { id: auth.user_id } : { name: need(settings, 'username'), domain: domainOf(settings, 'user') };
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
  return name ? { name, user: userOf(settings) } : { id: need(settings, 'application_credential_id') };
}

function need(settings: LoginSettings, key: string): string {
  const value = settings.auth[key];
  if (value) return value;
  throw new InputError(`the login from ${settings.source} has no ${settings.label(key)}`, `auth.${key}`);
}

function needProject(settings: LoginSettings): never {
  const { label, source } = settings;
  throw new InputError(`the login from ${source} has no project: give ${label('project_name')} or ${label('project_id')}`, 'auth.project_name');
}
