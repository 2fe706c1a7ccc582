// The cleaner and Cinder. The test cloud has its API and no backend, so what cinder-volume would write into a volume's rows is written here.
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { expect, test } from '@jest/globals';
import { send } from '../sandbox/contract-requests.js';
import { fact } from './cloud.js';
import { bootServer } from './compute.js';
import type { Arguments } from './executable.js';
import { actionsOf, openOldSite, sql } from './image-clean-site.js';
import { withSite, type Site } from './site.js';

const due = '19 months old, deleted at 18';

interface Wish {
  readonly name: string;
  /** The image that it is made from. */
  readonly image: string;
  /** The server that it is attached to. */
  readonly server?: string;
}

/** A volume of the site's project. When the test is over it is gone. */
async function makeVolume(site: Site, { name, image, server }: Wish): Promise<string> {
  const { status, json } = await send('POST', `${fact(site.cloud, 'cinder_url')}/volumes`, {
    token: site.project.token,
    json: { volume: { name, size: 1 } },
  });
  expect(status).toBe(202);
  const { id } = json.volume as { id: string };
  site.afterwards(() => removeVolume(id));
  const state = server === undefined ? 'available' : 'in-use';
  sql('cinder', `UPDATE volumes SET status = '${state}', bootable = 1 WHERE id = '${id}'`);
  sql(
    'cinder',
    `INSERT INTO volume_glance_metadata (created_at, deleted, volume_id, \`key\`, value) VALUES (NOW(), 0, '${id}', 'image_id', '${image}')`,
  );
  if (server !== undefined)
    sql(
      'cinder',
      `INSERT INTO volume_attachment (created_at, deleted, id, volume_id, instance_uuid, attach_status, attach_mode)
       VALUES (NOW(), 0, '${randomUUID()}', '${id}', '${server}', 'attached', 'rw')`,
    );
  return id;
}

function removeVolume(id: string): void {
  for (const table of ['volume_glance_metadata', 'volume_attachment'])
    sql('cinder', `UPDATE ${table} SET deleted = 1 WHERE volume_id = '${id}'`);
  sql('cinder', `UPDATE volumes SET deleted = 1, status = 'deleted' WHERE id = '${id}'`);
}

const withCinder = (site: Site): Arguments => ({
  endpoint_override: { image: site.glanceProxy.url, 'block-storage': fact(site.cloud, 'cinder_url') },
});

test.concurrent(
  'spares the image of a server that boots from a volume, for which Nova knows no image, and deletes it when the volume is gone',
  withSite(async (site) => {
    const old = await openOldSite(site);
    const image = await old.seed(19);
    const server = await bootServer(site, 'web-root', image.id);
    sql('nova', `UPDATE instances SET image_ref = '' WHERE uuid = '${server.id}'`);
    const volume = await makeVolume(site, { name: 'root', image: image.id, server: server.id });

    const spared = await old.clean(withCinder(site));

    expect(spared).toMatchObject({ changed: false, sources: ['compute', 'block-storage', 'baremetal'] });
    expect(actionsOf(spared).get(image.id)).toBe(
      `skip archived: used by volume root of server ${server.id} of project ${site.scope}; ${due}`,
    );
    // Cinder alone knew.
    const unasked = await old.clean({ _ansible_check_mode: true });
    expect(actionsOf(unasked).get(image.id)).toBe(`delete archived: ${due}`);
    removeVolume(volume);
    expect(actionsOf(await old.clean(withCinder(site))).get(image.id)).toBe(`delete archived: ${due}`);
    await expect(site.glance.get(image.id)).rejects.toMatchObject({ status: 404 });
  }),
);

test.concurrent(
  'tells a volume that somebody made from an image apart from a copy that Cinder keeps',
  withSite(async (site) => {
    const old = await openOldSite(site);
    const [made, cached] = [await old.seed(19), await old.seed(19)];
    await makeVolume(site, { name: 'data', image: made.id });
    // Cinder names it so, and gives it to the project of `cinder_internal_tenant_project_id`.
    await makeVolume(site, { name: `image-${cached.id}`, image: cached.id });

    const actions = actionsOf(await old.clean(withCinder(site)));

    expect(actions.get(made.id)).toBe(`skip archived: used by volume data of project ${site.scope}; ${due}`);
    expect(actions.get(cached.id)).toBe(
      `skip archived: used by volume image-${cached.id} (Cinder's image-volume cache) of project ${site.scope}; ${due}`,
    );
  }),
);

/** Before Keystone: tokens have Cinder in their catalogue too, under this type. In Keystone itself every other test would find it. */
async function catalogueWithCinder(site: Site, type: string, url: string): Promise<string> {
  const keystone = new URL(site.cloud.keystone_url);
  const server = createServer(async (request, response) => {
    const { method = 'GET', url: path = '/', headers } = request;
    const answer = await fetch(keystone.origin + path, {
      method,
      headers: Object.fromEntries(
        ['accept', 'content-type', 'x-auth-token', 'x-subject-token'].flatMap((name) =>
          typeof headers[name] === 'string' ? [[name, headers[name]]] : [],
        ),
      ),
      ...(method === 'POST' ? { body: await text(request) } : {}),
    });
    const body = (await answer.json()) as { token?: { catalog: unknown[] } };
    const endpoints = ['public', 'internal', 'admin'].map((side) => ({
      id: randomUUID(),
      interface: side,
      region: 'RegionOne',
      region_id: 'RegionOne',
      url,
    }));
    body.token?.catalog.push({ id: randomUUID(), name: 'cinder', type, endpoints });
    const token = answer.headers.get('x-subject-token');
    response.writeHead(answer.status, {
      'Content-Type': 'application/json',
      ...(token === null ? {} : { 'X-Subject-Token': token }),
    });
    response.end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  site.afterwards(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}${keystone.pathname}`;
}

test.concurrent.each([
  ['block-storage', '/v3'],
  ['block-store', ''],
  ['volumev3', '/v3/PROJECT'],
  ['volume', '/v3/PROJECT'],
])('finds version 3 of Cinder where the catalogue has it as %s with the path "%s"', (type, path) =>
  withSite(async (site) => {
    const old = await openOldSite(site);
    const image = await old.seed(19);
    await makeVolume(site, { name: 'data', image: image.id });
    const url = new URL(fact(site.cloud, 'cinder_url')).origin + path.replace('PROJECT', site.project.id);
    const { auth } = old.site.argumentsOf() as { auth: object };

    const spared = await old.clean({ auth: { ...auth, auth_url: await catalogueWithCinder(site, type, url) } });

    expect(spared).toMatchObject({ changed: false, sources: ['compute', 'block-storage', 'baremetal'] });
    expect(actionsOf(spared).get(image.id)).toBe(`skip archived: used by volume data of project ${site.scope}; ${due}`);
  })(),
);
