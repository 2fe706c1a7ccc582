// Logins to the real cloud that test/cloud/up starts.
import { describe } from '@jest/globals';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createHttpClient, type HttpClient } from '../../modules/clients/http/client.js';
import { connect, type Cloud } from '../../modules/clients/keystone/cloud.js';
import { resolveLogin } from '../../modules/clients/keystone/login.js';
import type { Context } from '../../modules/core/operation.js';
import { openCloud, type ConnectionArguments } from '../../modules/runtime/connect.js';
import { loginFields } from '../../modules/runtime/login-fields.js';
import { mergeSiteYaml } from '../../modules/runtime/site-yaml.js';
import { temporaryFolder } from '../clients/temporary-folder.js';

export const state = resolve(process.env.CHAMELEON_CLOUD_STATE ?? '.cloud');
export const isUp = existsSync(join(state, 'cloud.json'));
export const facts = isUp
  ? (JSON.parse(readFileSync(join(state, 'cloud.json'), 'utf8')) as Record<string, string>)
  : {};
export const fact = (name: string): string => facts[name] ?? '';
export const cloudsFile = { OS_CLIENT_CONFIG_FILE: join(state, 'clouds.yaml') };
export const rootUrl = fact('keystone_url').replace(/\/v3$/, '');
export const admin = { auth_url: rootUrl, username: 'admin', password: fact('admin_password'), project_name: 'admin' };
export const adminProject = fact('admin_project_id');

export const folder = temporaryFolder();

export type LoginOptions = Omit<ConnectionArguments, 'timeout'>;
export type Variables = Readonly<Record<string, string>>;

export function contextWith(environment: Variables, lines: string[] = []): Context {
  return {
    checkMode: false,
    environment,
    signal: new AbortController().signal,
    now: () => new Date(),
    random: () => 0.5,
    log: (_, text) => void lines.push(text),
    progress: () => {},
  };
}

export function open(args: LoginOptions, environment: Variables = cloudsFile, lines: string[] = []): Promise<Cloud> {
  return openCloud({ timeout: 20, ...args }, contextWith(environment, lines));
}

export async function openBySiteYaml(content: string, environment: Variables): Promise<Cloud> {
  const { values } = await mergeSiteYaml(
    loginFields,
    { site_yaml: folder.write('site.yaml', content) },
    { environment },
  );
  return open(values as LoginOptions, environment);
}

/** The project that Glance takes us to be of: that of an image which is created and deleted. */
export async function projectAtGlance(cloud: Cloud): Promise<unknown> {
  const headers = { 'Content-Type': 'application/json' };
  const answer = await cloud.request('image', {
    method: 'POST',
    path: '/v2/images',
    headers,
    body: '{"name": "login test"}',
  });
  const { id, owner } = (await answer.json()) as { id: string; owner: string };
  await cloud.request('image', { method: 'DELETE', path: `/v2/images/${id}` });
  return owner;
}

/** A client that remembers the tokens it sent. */
export function watchedHttp(): { readonly http: HttpClient; readonly tokens: string[] } {
  const tokens: string[] = [];
  const client = createHttpClient({ validateCerts: true, timeoutSeconds: 20, signal: new AbortController().signal });
  const http: HttpClient = (request) => {
    const token = request.headers?.['X-Auth-Token'];
    if (token && token !== tokens.at(-1)) tokens.push(token);
    return client(request);
  };
  return { http, tokens };
}

export async function issueToken(): Promise<string> {
  const { http, tokens } = watchedHttp();
  const cloud = await connect(await resolveLogin({ auth: admin }, {}), http);
  await cloud.request('identity', { method: 'GET', path: '/v3/' });
  return tokens[0] ?? '';
}

export const describeOnCloud = isUp ? describe : describe.skip;
