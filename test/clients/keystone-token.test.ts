// How long a token is used, and when it is renewed.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Readable } from 'node:stream';
import { createHttpClient, type HttpAnswer } from '../../modules/clients/http/client.js';
import { HttpError } from '../../modules/clients/http/errors.js';
import { connect, type Cloud } from '../../modules/clients/keystone/cloud.js';
import { resolveLogin, type LoginArguments } from '../../modules/clients/keystone/login.js';
import { header, startHttpDouble, type Answer, type HttpDouble } from '../sandbox/http-double.js';
import { startKeystone, type KeystoneDouble } from '../sandbox/keystone.js';

const http = createHttpClient({ validateCerts: true, timeoutSeconds: 5, signal: new AbortController().signal });
const minute = 60_000;

let clock = Date.now();
let keystone: KeystoneDouble;
/** Any service: answers with what it was asked, but only to a token that Keystone knows. */
let service: HttpDouble;

beforeEach(async () => {
  clock = Date.now();
  keystone = await startKeystone({ now: () => clock });
  service = await startHttpDouble(async (call): Promise<Answer> => {
    const body = await call.json();
    if (!keystone.identify(header(call, 'x-auth-token'))) return { status: 401, body: 'token refused' };
    return { status: 200, body: { path: `/${call.segments.join('/')}?${call.query.toString()}`, body } };
  });
  keystone.catalog = [
    { type: 'image', name: 'glance', url: `${service.url}/image/v2/` },
    { type: 'compute', name: 'nova', url: `${service.url}/v2.1` },
  ];
});

afterEach(async () => {
  await keystone.close();
  await service.close();
});

function passwordOf(overrides: Record<string, string> = {}): LoginArguments {
  return {
    auth: {
      auth_url: keystone.authUrl,
      username: 'admin',
      password: keystone.admin.password,
      project_name: 'admin',
      ...overrides,
    },
  };
}

async function open(args: LoginArguments = passwordOf()): Promise<Cloud> {
  return connect(await resolveLogin(args, {}), http, () => new Date(clock));
}

const logins = (): number =>
  keystone.requests.filter(({ method, path }) => method === 'POST' && path === '/v3/auth/tokens').length;
const pathOf = async (answer: Promise<HttpAnswer>): Promise<string> =>
  ((await (await answer).json()) as { path: string }).path;

async function issueToken(scoped: boolean): Promise<string> {
  const user = { name: 'admin', domain: { id: 'default' }, password: keystone.admin.password };
  const scope = scoped ? { scope: { project: { id: keystone.admin.project.id } } } : {};
  const body = JSON.stringify({ auth: { identity: { methods: ['password'], password: { user } }, ...scope } });
  const answer = await http({ method: 'POST', url: `${keystone.authUrl}/auth/tokens`, body });
  return answer.header('x-subject-token') ?? '';
}

describe('the token', () => {
  test.each([
    ['is kept until two minutes before its end', 3600, 57 * minute, 1],
    ['is renewed within the last two minutes', 3600, 58.5 * minute, 2],
    ['of a short life is kept for half of it', 60, 0.4 * minute, 1],
    ['of a short life is renewed in its second half', 60, 0.6 * minute, 2],
  ])('%s', async (_, lifeSeconds, later, expected) => {
    keystone.tokenSeconds = lifeSeconds;
    const cloud = await open();
    clock += later;

    await cloud.request('image', { method: 'GET', path: '/v2/images' });

    expect(logins()).toBe(expected);
  });

  test("is judged by its lifetime, not by Keystone's clock", async () => {
    const cloud = await connect(await resolveLogin(passwordOf(), {}), http, () => new Date(clock + 24 * 60 * minute));

    await cloud.request('image', { method: 'GET', path: '/v2/images' });

    expect(logins()).toBe(1);
  });

  test('is renewed once by many requests that are refused together', async () => {
    const cloud = await open();
    keystone.revokeAll();

    const paths = await Promise.all(
      [1, 2, 3, 4, 5, 6].map((n) => pathOf(cloud.request('image', { method: 'GET', path: `/v2/images/${n}` }))),
    );

    expect(paths).toContain('/image/v2/images/6?');
    expect(logins()).toBe(2);
  });

  test('is renewed for a POST of text, which is sent again', async () => {
    const cloud = await open();
    keystone.revokeAll();

    const answer = await cloud.request('image', { method: 'POST', path: '/v2/images', body: '{"name":"x"}' });

    expect(await answer.json()).toMatchObject({ body: { name: 'x' } });
  });

  test('is renewed for a stream, which the caller sends again', async () => {
    const cloud = await open();
    keystone.revokeAll();
    const put = (): Promise<HttpAnswer> =>
      cloud.request('image', { method: 'PUT', path: '/v2/images/i/file', body: Readable.from(['bytes']) });

    await expect(put()).rejects.toBeInstanceOf(HttpError);
    const again = await put();

    expect(again.status).toBe(200);
    expect(logins()).toBe(2);
  });

  test('that is refused again after its renewal is an error', async () => {
    const grumpy = await startHttpDouble(() => ({ status: 401, body: 'never' }));
    const cloud = await open({ ...passwordOf(), endpoint_override: { image: grumpy.url } });

    await expect(cloud.request('image', { method: 'GET', path: '/v2/images' })).rejects.toMatchObject({ status: 401 });

    expect([grumpy.requests.length, logins()]).toEqual([2, 2]);
    await grumpy.close();
  });

  test('can be renewed before a long upload', async () => {
    const cloud = await open();

    await cloud.renewToken();
    await cloud.request('image', { method: 'GET', path: '/v2/images' });

    expect(logins()).toBe(2);
  });

  test('that the user gave is never renewed ahead of time, and its end is reported', async () => {
    const token = await issueToken(true);
    const cloud = await open({ auth: { auth_url: keystone.url, token } });
    const before = logins();
    await cloud.renewToken();
    clock += 59 * minute;
    await cloud.request('image', { method: 'GET', path: '/v2/images' });
    expect(logins()).toBe(before);

    clock += 2 * minute;

    await expect(cloud.request('image', { method: 'GET', path: '/v2/images' })).rejects.toMatchObject({
      code: 'AUTHENTICATION_FAILED',
    });
  });
});
