// How long a token is used, and when it is renewed.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Readable } from 'node:stream';
import type { HttpAnswer } from '../../modules/clients/http/client.js';
import { HttpError } from '../../modules/clients/http/errors.js';
import { connect } from '../../modules/clients/keystone/cloud.js';
import { resolveLogin } from '../../modules/clients/keystone/login.js';
import { startHttpDouble } from '../sandbox/http-double.js';
import { http, pathOf, startKeystoneSite, type KeystoneSite } from './keystone-site.js';

const minute = 60_000;

let site: KeystoneSite;
beforeEach(async () => {
  site = await startKeystoneSite();
});
afterEach(() => site.close());

describe('the token', () => {
  test.each([
    ['is kept until two minutes before its end', 3600, 57 * minute, 1],
    ['is renewed within the last two minutes', 3600, 58.5 * minute, 2],
    ['of a short life is kept for half of it', 60, 0.4 * minute, 1],
    ['of a short life is renewed in its second half', 60, 0.6 * minute, 2],
  ])('%s', async (_, lifeSeconds, later, expected) => {
    site.keystone.tokenSeconds = lifeSeconds;
    const cloud = await site.open();
    site.clock += later;

    await cloud.request('image', { method: 'GET', path: '/v2/images' });

    expect(site.logins()).toBe(expected);
  });

  test("is judged by its lifetime, not by Keystone's clock", async () => {
    const cloud = await connect(
      await resolveLogin(site.passwordOf(), {}),
      http,
      () => new Date(site.clock + 24 * 60 * minute),
    );

    await cloud.request('image', { method: 'GET', path: '/v2/images' });

    expect(site.logins()).toBe(1);
  });

  test('is renewed once by many requests that are refused together', async () => {
    const cloud = await site.open();
    site.keystone.revokeAll();

    const paths = await Promise.all(
      [1, 2, 3, 4, 5, 6].map((n) => pathOf(cloud.request('image', { method: 'GET', path: `/v2/images/${n}` }))),
    );

    expect(paths).toContain('/image/v2/images/6?');
    expect(site.logins()).toBe(2);
  });

  test('is renewed for a POST of text, which is sent again', async () => {
    const cloud = await site.open();
    site.keystone.revokeAll();

    const answer = await cloud.request('image', { method: 'POST', path: '/v2/images', body: '{"name":"x"}' });

    expect(await answer.json()).toMatchObject({ body: { name: 'x' } });
  });

  test('is renewed for a stream, which the caller sends again', async () => {
    const cloud = await site.open();
    site.keystone.revokeAll();
    const put = (): Promise<HttpAnswer> =>
      cloud.request('image', { method: 'PUT', path: '/v2/images/i/file', body: Readable.from(['bytes']) });

    await expect(put()).rejects.toBeInstanceOf(HttpError);
    const again = await put();

    expect(again.status).toBe(200);
    expect(site.logins()).toBe(2);
  });

  test('that is refused again after its renewal is an error', async () => {
    const grumpy = await startHttpDouble(() => ({ status: 401, body: 'never' }));
    const cloud = await site.open({ ...site.passwordOf(), endpoint_override: { image: grumpy.url } });

    await expect(cloud.request('image', { method: 'GET', path: '/v2/images' })).rejects.toMatchObject({ status: 401 });

    expect([grumpy.requests.length, site.logins()]).toEqual([2, 2]);
    await grumpy.close();
  });

  test.each([
    ['is not renewed before a long upload while nearly all of its life is left', 2 * minute, 1],
    ['is renewed before a long upload', 4 * minute, 2],
  ])('%s', async (_, later, expected) => {
    const cloud = await site.open();
    site.clock += later;

    await cloud.renewToken();
    await cloud.request('image', { method: 'GET', path: '/v2/images' });

    expect(site.logins()).toBe(expected);
  });

  test('that the user gave is never renewed ahead of time, and its end is reported', async () => {
    const token = await site.issueToken(true);
    const cloud = await site.open({ auth: { auth_url: site.keystone.url, token } });
    const before = site.logins();
    await cloud.renewToken();
    site.clock += 59 * minute;
    await cloud.request('image', { method: 'GET', path: '/v2/images' });
    expect(site.logins()).toBe(before);

    site.clock += 2 * minute;

    await expect(cloud.request('image', { method: 'GET', path: '/v2/images' })).rejects.toMatchObject({
      code: 'AUTHENTICATION_FAILED',
    });
  });
});
