// Nodes that use images, in an Ironic of any age, and in one that shows a project only its own.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { age, clean, resultOf, seedOld, startOldSite } from './image-clean-site.js';
import type { TestSite } from './site.js';

let site: TestSite;

beforeEach(async () => {
  site = await startOldSite();
});

afterEach(() => site.close());

test.each([82, 83, 96])('a node with a parent is found in an Ironic that speaks 1.%i', async (minor) => {
  const image = seedOld(site);
  site.users.baremetal.minor = minor;
  const { uuid } = site.users.baremetal.seed({ name: 'parent' });
  site.users.baremetal.seed({
    name: 'child',
    driver_info: { deploy_kernel: image.id },
    ...(minor >= 83 ? { parent_node: uuid } : {}),
  });

  expect(resultOf(await clean(site), image)?.reason).toBe(`used by node child (driver_info deploy_kernel); ${age}`);
});

test('owner and lessee are requested only if Ironic has them', async () => {
  seedOld(site);
  const fieldsAt = async (minor: number): Promise<string | null | undefined> => {
    site.users.baremetal.minor = minor;
    await clean(site, {}, { checkMode: true });
    return site.users.baremetal.requests
      .findLast(
        ({ path, query }) =>
          path === '/v1/nodes' && query.has('driver_info') === false && query.get('fields')?.includes('driver_info'),
      )
      ?.query.get('fields');
  };

  expect(await fieldsAt(11)).toBe('uuid,name,driver_info,instance_info');
  expect(await fieldsAt(50)).toBe('uuid,name,owner,driver_info,instance_info');
  expect(await fieldsAt(82)).toBe('uuid,name,owner,lessee,driver_info,instance_info');
});

describe('an Ironic that shows a project only its own nodes', () => {
  const uses: readonly (readonly [string, (id: string) => object])[] = [
    ['instance_info', (image_source) => ({ instance_info: { image_source } })],
    ['driver_info', (deploy_kernel) => ({ driver_info: { deploy_kernel } })],
  ];

  test.each(uses)(
    'is asked with a token of the whole system, and the node without an owner is seen in its %s',
    async (_, use) => {
      const image = seedOld(site);
      site.users.baremetal.enforcesScope = true;
      site.users.baremetal.seed({ name: 'rack3', owner: null, ...use(image.id) });

      expect(resultOf(await clean(site), image)).toMatchObject({
        action: 'skip',
        reason: expect.stringContaining('used by node rack3'),
      });
      expect(site.writes()).toEqual([]);
    },
  );

  test.each(uses)('refuses a login that cannot have one, and nothing is deleted: %s', async (_, use) => {
    const image = seedOld(site);
    site.users.baremetal.enforcesScope = true;
    site.users.baremetal.seed({ name: 'rack3', owner: null, ...use(image.id) });
    const { id, secret } = site.keystone.admin.applicationCredential;
    const login = {
      auth_type: 'v3applicationcredential',
      auth: { auth_url: site.auth.auth_url, application_credential_id: id, application_credential_secret: secret },
    };

    await expect(clean(site, login)).rejects.toMatchObject({
      code: 'USE_UNKNOWN',
      message: expect.stringContaining('a system-scoped token is needed'),
    });
    expect(site.writes()).toEqual([]);
  });
});
