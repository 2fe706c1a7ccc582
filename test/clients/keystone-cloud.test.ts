import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { connect } from '../../modules/clients/keystone/cloud.js';
import { resolveLogin } from '../../modules/clients/keystone/login.js';
import { startHttpDouble, type Answer } from '../sandbox/http-double.js';
import { http, pathOf, startKeystoneSite, type KeystoneSite } from './keystone-site.js';
import { temporaryFolder } from './temporary-folder.js';

let site: KeystoneSite;
beforeEach(async () => {
  site = await startKeystoneSite();
});
afterEach(() => site.close());

describe('logging in', () => {
  test('by password, in one request', async () => {
    const cloud = await site.open();

    expect(cloud.projectId).toBe(site.keystone.admin.project.id);
    expect(cloud.identity).toBe(`${site.keystone.url} ${site.keystone.admin.project.id} RegionOne`);
    expect(site.keystone.requests).toHaveLength(1);
  });

  test('by user id and project id', async () => {
    const { admin } = site.keystone;

    const cloud = await site.open(
      site.passwordOf({ username: '', user_id: admin.id, project_name: '', project_id: admin.project.id }),
    );

    expect(cloud.projectId).toBe(admin.project.id);
  });

  test('by application credential, which has a project of its own', async () => {
    const { id, secret } = site.keystone.demo.applicationCredential;

    const cloud = await site.open({
      auth: {
        auth_url: site.keystone.url,
        application_credential_id: id,
        application_credential_secret: secret,
        project_name: 'ignored',
      },
    });

    expect(cloud.projectId).toBe(site.keystone.demo.project.id);
  });

  test.each([[true], [false]])('by a token that belongs to a project, the project named: %s', async (named) => {
    const auth = {
      auth_url: site.keystone.url,
      token: await site.issueToken(true),
      ...(named ? { project_name: 'admin' } : {}),
    };

    const cloud = await site.open({ auth });

    expect(await pathOf(cloud.request('image', { method: 'GET', path: '/v2/images' }))).toBe('/image/v2/images?');
  });

  test('refuses a token that belongs to no project', async () => {
    await expect(
      site.open({ auth: { auth_url: site.keystone.url, token: await site.issueToken(false) } }),
    ).rejects.toMatchObject({
      code: 'NO_PROJECT',
      message:
        `${site.keystone.url} accepted a token, but the token has no project: ` +
        'give auth.project_name or auth.project_id (login from the option auth)',
    });
  });
});

describe('the name of the site', () => {
  test.each([
    ['its region', { region_name: 'CHI@UC' }, 'CHI@UC'],
    ['the host of its auth URL, if no region tells it from others', { region_name: 'RegionOne' }, '127.0.0.1'],
  ])('is %s', async (_, args, expected) => {
    expect((await site.open({ ...site.passwordOf(), ...args })).siteName).toBe(expected);
  });

  test('is that of its entry in clouds.yaml before any other', async () => {
    const folder = temporaryFolder();
    const clouds = { 'chi.tacc': { ...site.passwordOf(), region_name: 'CHI@TACC' } };
    const environment = { OS_CLIENT_CONFIG_FILE: folder.write('clouds.yaml', JSON.stringify({ clouds })) };

    const cloud = await connect(await resolveLogin({ cloud: 'chi.tacc' }, environment), http);

    expect(cloud.siteName).toBe('chi.tacc');
    folder.remove();
  });
});

describe('a login that fails', () => {
  test('reports user, URL and source, and no password', async () => {
    const error = await site.open(site.passwordOf({ password: 'hunter2' })).catch((thrown: Error) => thrown);

    expect(error).toMatchObject({
      code: 'AUTHENTICATION_FAILED',
      message:
        `${site.keystone.url} refused the login of user "admin" in domain "default" for project "admin" in domain ` +
        '"default" (login from the option auth): check user, password, project and their domains',
      facts: { url: site.keystone.url, source: 'the option auth' },
    });
    expect(JSON.stringify(error)).not.toContain('hunter2');
  });

  test('names the application credential', async () => {
    const auth = {
      auth_url: site.keystone.url,
      application_credential_id: 'c1',
      application_credential_secret: 'hunter2',
    };

    await expect(site.open({ auth })).rejects.toThrow(
      'refused the login of application credential c1 (login from the option auth): check id and secret',
    );
  });

  test('distinguishes an expired token from a wrong URL, although Keystone answers 404', async () => {
    await expect(
      site.open({ auth: { auth_url: site.keystone.url, token: 'old', project_name: 'admin' } }),
    ).rejects.toMatchObject({
      code: 'AUTHENTICATION_FAILED',
      message: expect.stringContaining(
        'refused the login of a token for project "admin" in domain "default" (login from the option auth): ' +
          'check that the token has not expired',
      ),
    });
    await expect(
      site.open({ auth: { auth_url: `${site.keystone.url}/elsewhere`, token: 'old', project_name: 'admin' } }),
    ).rejects.toMatchObject({ code: 'NOT_KEYSTONE' });
    await expect(site.open({ auth: { auth_url: site.keystone.url, token: 'old' } })).rejects.toMatchObject({
      code: 'AUTHENTICATION_FAILED',
    });
  });

  const strangers: readonly [string, Answer, string][] = [
    ['404', { status: 404, body: '<h1>Not found</h1>' }, 'it answered 404; auth_url must be the URL of Keystone'],
    ['405', { status: 405 }, 'it answered 405'],
    ['200 and HTML', { status: 200, body: '<html>Horizon</html>' }, 'it answered 200'],
    ['201 and no token', { status: 201, body: {} }, 'it returned no valid token'],
    [
      '201 and no JSON',
      { status: 201, headers: { 'X-Subject-Token': 't' }, body: 'hello' },
      'it returned no valid token',
    ],
    [
      '201 and a catalogue of another form',
      {
        status: 201,
        headers: { 'X-Subject-Token': 't' },
        body: {
          token: {
            issued_at: '2026-01-01T00:00:00.000000Z',
            expires_at: '2026-01-02T00:00:00.000000Z',
            project: { id: 'p', name: 'p' },
            catalog: [{ type: 'image' }],
          },
        },
      },
      'it returned no valid token',
    ],
    [
      'a redirect',
      { status: 301, headers: { Location: 'https://key/v3/auth/tokens' } },
      'it redirects to https://key/v3/auth/tokens',
    ],
  ];

  test.each(strangers)('reports that %s is not a Keystone', async (_, answer, reason) => {
    const stranger = await startHttpDouble(() => answer);

    const error = await site
      .open(site.passwordOf({ auth_url: `${stranger.url}/identity/v3/` }))
      .catch((thrown: Error) => thrown);

    expect(error).toMatchObject({
      code: 'NOT_KEYSTONE',
      message: expect.stringContaining(`${stranger.url}/identity/v3 is not a Keystone v3: `),
    });
    expect(error).toMatchObject({ message: expect.stringContaining(reason) });
    expect(stranger.requests[0]).toMatchObject({ method: 'POST', path: '/identity/v3/auth/tokens' });
    await stranger.close();
  });

  test('is repeated after 503, since a second token does no harm', async () => {
    let first = true;
    const busy = await startHttpDouble(async (call) => {
      if (first) return ((first = false), { status: 503 });
      const answer = await http({
        method: 'POST',
        url: `${site.keystone.authUrl}/auth/tokens`,
        body: JSON.stringify(await call.json()),
      });
      return {
        status: 201,
        headers: { 'X-Subject-Token': answer.header('x-subject-token') },
        body: await answer.text(),
      };
    });

    await site.open(site.passwordOf({ auth_url: busy.url }));

    expect(busy.requests.map(({ status }) => status)).toEqual([503, 201]);
    await busy.close();
  });
});

describe('requests', () => {
  test('go to the service with the token, the version once', async () => {
    const cloud = await site.open();

    expect(await pathOf(cloud.request('image', { method: 'GET', path: '/v2/images?limit=1' }))).toBe(
      '/image/v2/images?limit=1',
    );
    expect(await pathOf(cloud.request('compute', { method: 'GET', path: '/servers' }))).toBe('/v2.1/servers?');
    expect(site.logins()).toBe(1);
  });

  test('follow a complete URL of the API, but never to another host', async () => {
    const cloud = await site.open();

    const path = await pathOf(
      cloud.request('compute', { method: 'GET', path: 'https://elsewhere.example/v2.1/servers?marker=x' }),
    );

    expect(path).toBe('/v2.1/servers?marker=x');
  });

  test('to a missing service report which services exist', async () => {
    const cloud = await site.open();

    await expect(cloud.request('reservation', { method: 'GET', path: '/leases' })).rejects.toMatchObject({
      code: 'SERVICE_MISSING',
      message:
        `${site.keystone.url} has no reservation service with a public endpoint; its catalogue has compute (RegionOne: ` +
        'admin, internal, public), identity (RegionOne: admin, internal, public), image (RegionOne: ' +
        'admin, internal, public)',
    });
    expect([cloud.hasService('image'), cloud.hasService('reservation')]).toEqual([true, false]);
  });

  test('to a standalone service carry no token', async () => {
    const ironic = await startHttpDouble((call) => ({
      status: 200,
      body: { path: call.headers.authorization ?? 'none' },
    }));
    const basic = await site.open({
      auth_type: 'http_basic',
      auth: { endpoint: `${ironic.url}/v1`, username: 'u', password: 'p' },
    });
    const none = await site.open({ auth_type: 'none', endpoint_override: { baremetal: ironic.url } });

    expect(await pathOf(basic.request('baremetal', { method: 'GET', path: '/v1/nodes' }))).toBe('Basic dTpw');
    expect(await pathOf(none.request('baremetal', { method: 'GET', path: '/v1/nodes' }))).toBe('none');
    expect([basic.projectId, basic.hasService('baremetal'), basic.hasService('image')]).toEqual(['', true, false]);
    await expect(basic.request('image', { method: 'GET', path: '/v2/images' })).rejects.toThrow('has no image service');
    expect(ironic.requests.map(({ path }) => path)).toEqual(['/v1/nodes', '/v1/nodes']);
    await ironic.close();
  });

  test('that a standalone service refuses are not repeated', async () => {
    const ironic = await startHttpDouble(() => ({ status: 401 }));
    const cloud = await site.open({
      auth_type: 'http_basic',
      auth: { endpoint: ironic.url, username: 'u', password: 'p' },
    });

    await expect(cloud.request('baremetal', { method: 'GET', path: '/v1/nodes' })).rejects.toMatchObject({
      status: 401,
    });

    expect(ironic.requests).toHaveLength(1);
    await ironic.close();
  });
});
