import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createHttpClient } from '../../modules/clients/http/client.js';
import { discoverRoot } from '../../modules/clients/keystone/discovery.js';
import { connect, type Cloud } from '../../modules/clients/keystone/cloud.js';
import { resolveLogin } from '../../modules/clients/keystone/login.js';
import { startHttpDouble, type Answer, type HttpDouble } from '../sandbox/http-double.js';
import { startKeystone, type KeystoneDouble } from '../sandbox/keystone.js';

/**
 * As Nova answers at its root; the addresses are of the inside, as behind a proxy that ends TLS.
 */
const nova = {
  versions: [
    {
      id: 'v2.0',
      status: 'SUPPORTED',
      version: '',
      min_version: '',
      links: [{ rel: 'self', href: 'http://10.0.0.1:8774/v2/' }],
    },
    {
      id: 'v2.1',
      status: 'CURRENT',
      version: '2.96',
      min_version: '2.1',
      links: [{ rel: 'self', href: 'http://10.0.0.1:8774/v2.1/' }],
    },
  ],
};
/** As Cinder answers; older releases list v2 too. */
const cinder = {
  versions: [
    { id: 'v2.0', status: 'DEPRECATED', version: '', links: [{ rel: 'self', href: 'http://cinder/v2/' }] },
    {
      id: 'v3.0',
      status: 'CURRENT',
      version: '3.71',
      min_version: '3.0',
      links: [
        { rel: 'describedby', href: 'https://docs.openstack.org/' },
        { rel: 'self', href: 'http://cinder/v3/' },
      ],
    },
  ],
};

describe('the root of an endpoint', () => {
  test.each([
    ['compute', 'https://h/compute', nova, 'https://h/compute/v2.1'],
    ['compute', 'https://h/compute/v2/p', nova, 'https://h/compute/v2.1'],
    ['compute', 'https://h:8774/v2.1', undefined, 'https://h:8774/v2.1'],
    ['compute', 'https://h:8774/v2.1/p', undefined, 'https://h:8774/v2.1/p'],
    ['compute', 'https://h/compute', undefined, 'https://h/compute'],
    ['compute', 'https://h/compute', { versions: [] }, 'https://h/compute'],
    ['compute', 'https://h/compute', { versions: [{ id: 'v2.1' }] }, 'https://h/compute/v2.1'],
    ['compute', 'https://h/compute', { version: { id: 'v2.1', links: [] } }, 'https://h/compute/v2.1'],
    ['block-storage', 'https://h/volume', cinder, 'https://h/volume/v3/p'],
    ['block-storage', 'https://h:8776/v2/p', cinder, 'https://h:8776/v3/p'],
    ['block-storage', 'https://h:8776/v3/p', undefined, 'https://h:8776/v3/p'],
    ['block-storage', 'https://h:8776/v2/p', undefined, 'https://h:8776/v2/p'],
    ['image', 'https://h/image', undefined, 'https://h/image'],
    ['baremetal', 'https://h/baremetal', undefined, 'https://h/baremetal'],
    ['object-store', 'https://h/swift/v1/AUTH_p', undefined, 'https://h/swift/v1/AUTH_p'],
    ['unknown', 'https://h/unknown', undefined, 'https://h/unknown'],
  ])('of %s at %s', async (type, url, document, expected) => {
    expect(await discoverRoot({ type, url, projectId: 'p', read: async () => document })).toBe(expected);
  });

  test('is refused if the service has only other versions', async () => {
    const document = { versions: cinder.versions.slice(0, 1) };

    await expect(
      discoverRoot({ type: 'block-storage', url: 'https://h/volume/v2/p', projectId: 'p', read: async () => document }),
    ).rejects.toMatchObject({
      code: 'SERVICE_MISSING',
      message: 'https://h/volume offers the versions v2 of the block-storage service, but these tools use version 3',
    });
  });

  test.each([[{ versions: 'v3' }], [{ versions: [null, 1, { id: 5 }, { id: 'x' }] }], ['text'], [null], [[]]])(
    'is what the catalogue says where the document is %j',
    async (document) => {
      expect(
        await discoverRoot({ type: 'compute', url: 'https://h/compute', projectId: 'p', read: async () => document }),
      ).toBe('https://h/compute');
    },
  );
});

describe('a cloud', () => {
  const http = createHttpClient({
    validateCerts: true,
    timeoutSeconds: 5,
    firstPauseMs: 1,
    signal: new AbortController().signal,
  });
  let keystone: KeystoneDouble;
  let front: HttpDouble;

  beforeEach(async () => {
    keystone = await startKeystone();
    // All services behind one address, as devstack and kolla's single external frontend have them.
    front = await startHttpDouble((call): Answer => {
      const path = `/${call.segments.join('/')}`;
      if (path === '/compute/') return { status: 200, body: nova };
      if (path === '/volume/') return { status: 300, body: cinder };
      if (path.startsWith('/compute/v2.1/') || path.startsWith('/volume/v3/') || path.startsWith('/image/v2/'))
        return { status: 200, body: { path } };
      return { status: 404, body: 'no such thing' };
    });
  });

  afterEach(async () => {
    await keystone.close();
    await front.close();
  });

  const open = async (): Promise<Cloud> =>
    connect(
      await resolveLogin(
        {
          auth: { auth_url: keystone.url, username: 'admin', password: keystone.admin.password, project_name: 'admin' },
        },
        {},
      ),
      http,
    );
  const ask = async (cloud: Cloud, service: string, path: string): Promise<string> =>
    ((await (await cloud.request(service, { method: 'GET', path })).json()) as { path: string }).path;

  test('is discovered once for each service whose URL has no version', async () => {
    keystone.catalog = [
      { type: 'compute', name: 'nova', url: `${front.url}/compute` },
      { type: 'volumev3', name: 'cinderv3', url: `${front.url}/volume` },
      { type: 'image', name: 'glance', url: `${front.url}/image` },
    ];
    const cloud = await open();

    const paths = [
      await ask(cloud, 'compute', '/servers'),
      await ask(cloud, 'compute', '/flavors'),
      await ask(cloud, 'block-storage', '/volumes'),
      await ask(cloud, 'image', '/v2/images'),
    ];

    expect(paths).toEqual([
      '/compute/v2.1/servers',
      '/compute/v2.1/flavors',
      `/volume/v3/${cloud.projectId}/volumes`,
      '/image/v2/images',
    ]);
    expect(front.requests.map(({ path }) => path).filter((path) => path.endsWith('/'))).toEqual([
      '/compute/',
      '/volume/',
    ]);
  });

  test.each([
    ['under one type', ['volume', 'volume']],
    ['under a type of its own', ['volumev2', 'volumev3']],
    ['with the older type first', ['block-storage', 'volumev3']],
  ])('takes the newer of two versions of Cinder %s', async (_, [older, newer]) => {
    keystone.catalog = [
      { type: older!, name: 'cinderv2', url: `${front.url}/volume/v2/p` },
      { type: newer!, name: 'cinderv3', url: `${front.url}/volume/v3/p` },
    ];

    expect(await ask(await open(), 'block-storage', '/volumes')).toBe('/volume/v3/p/volumes');
  });

  test('is discovered again after the service was unavailable', async () => {
    keystone.catalog = [{ type: 'compute', name: 'nova', url: 'http://127.0.0.1:9/compute' }];
    const cloud = await open();

    await expect(ask(cloud, 'compute', '/servers')).rejects.toMatchObject({ code: 'UNREACHABLE' });
    await expect(ask(cloud, 'compute', '/servers')).rejects.toMatchObject({ code: 'UNREACHABLE' });
  });
});
