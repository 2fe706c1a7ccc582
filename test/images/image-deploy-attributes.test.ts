// What an image list wants of an image besides its data: visibility, members, status and so on.
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { startFaultProxy } from '../cloud/fault-proxy.js';
import { imageInfo } from '../../modules/images/info/operation.js';
import { imageRollback } from '../../modules/images/rollback/operation.js';
import { startListSite, type ListTestSite } from './list-site.js';
import { disk } from './objects-site.js';
import { listedResults } from './rollback-site.js';

// Each makes several runs; on a busy machine they take their time.
jest.setTimeout(60_000);

const name = 'Debian 12';
const [project, other] = ['0f'.repeat(16), '1e'.repeat(16)];
let site: ListTestSite;

beforeEach(async () => {
  site = await startListSite();
  site.web.serve('/debian.qcow2', disk('first'));
});

afterEach(() => site.close());

function list(more: Readonly<Record<string, unknown>> = {}): void {
  site.write('a.yml', [{ name, url: `${site.web.url}/debian.qcow2`, version: '1', ...more }]);
}

function present(called = name) {
  const found = [...site.glance.state.images.values()].filter((image) => image.name === called);
  const [image] = found;
  if (!image || found.length > 1) throw new Error(`${found.length} images are named ${called}`);
  return image;
}

function membersOf(id: string): string[] {
  return [...(site.glance.state.members.get(id)?.keys() ?? [])].sort();
}

describe.each(['community', 'private', 'shared', 'public'])('an image that is to be %s', (visibility) => {
  test('is deployed, replaced, rolled back and shown as any other, and a second run changes nothing', async () => {
    list({ visibility });
    const first = await site.deploy();
    const old = present();
    const again = await site.deploy();
    list({ visibility, version: '2' });
    const second = await site.deploy();
    const [result] = listedResults(second) as unknown as { archived_id: string; archived_name: string }[];
    const archived = present(result?.archived_name);
    const states = ((await site.run(imageInfo)).values.images as Record<string, unknown>[]).map(
      ({ id, state, visibility: shown }) => [id, state, shown],
    );
    const replaced = present();
    const rollback = await site.run(imageRollback, { image: name });
    const held = await site.deploy();

    expect([first, again, second, rollback, held].map(({ changed, failures }) => [changed, failures])).toEqual([
      [true, []],
      [false, []],
      [true, []],
      [true, []],
      [false, []],
    ]);
    expect(old).toMatchObject({ status: 'active' });
    expect(archived.id).toBe(old.id);
    expect(states.sort()).toEqual(
      [
        [old.id, 'archived', visibility],
        [replaced.id, 'current', visibility],
      ].sort(),
    );
    expect(present()).toMatchObject({ id: old.id, visibility });
    expect(listedResults(held)).toMatchObject([{ action: 'held' }]);
  });
});

test('a change of visibility is made to the image that is up to date, and the next release has it', async () => {
  list();
  await site.deploy();
  const { id } = present();

  for (const visibility of ['shared', 'private', 'community', 'public', 'private']) {
    list({ visibility });
    const planned = await site.deploy({}, { checkMode: true });
    const outcome = await site.deploy();
    const next = await site.deploy();

    expect(listedResults(planned)).toMatchObject([
      { action: 'update', changes: [{ name: 'visibility', after: visibility }] },
    ]);
    expect(outcome).toMatchObject({ changed: true, failures: [] });
    expect(next.changed).toBe(false);
    expect(present()).toMatchObject({ id, visibility });
  }
  list({ visibility: 'private', version: '2' });
  await site.deploy();
  expect(present()).toMatchObject({ visibility: 'private' });
  expect(present().id).not.toBe(id);
});

test('attributes that harm nobody are in the request that creates the image, the others follow the promotion', async () => {
  list({ visibility: 'shared', members: [project], tags: ['os:debian'], min_ram: 512, min_disk: 3, protected: true });

  const first = await site.deploy();
  const writes = site.writes();
  const second = await site.deploy();

  const { id } = present();
  expect([first.failures, second.changed]).toEqual([[], false]);
  expect(writes).toEqual([
    'POST /v2/images',
    `PUT /v2/images/${id}/file`,
    `PATCH /v2/images/${id}`,
    `PATCH /v2/images/${id}`,
    `POST /v2/images/${id}/members`,
  ]);
  expect(present()).toMatchObject({
    tags: ['os:debian'],
    min_ram: 512,
    min_disk: 3,
    protected: true,
    visibility: 'shared',
  });
  expect(membersOf(id)).toEqual([project]);
});

test('members are those of the list', async () => {
  list({ visibility: 'shared', members: [project] });
  await site.deploy();
  const { id } = present();
  site.glance.state.members.get(id)?.set('somebody', 'accepted');
  list({ visibility: 'shared', members: [other, project] });

  const planned = await site.deploy({}, { checkMode: true });
  const outcome = await site.deploy();
  const next = await site.deploy();
  list({ visibility: 'shared' });
  const silent = await site.deploy();

  const change = { name: 'members', before: [project, 'somebody'], after: [project, other] };
  expect(listedResults(planned)).toMatchObject([{ action: 'update', changes: [change] }]);
  expect(listedResults(outcome)).toMatchObject([{ action: 'update', changes: [change] }]);
  expect([next.changed, silent.changed]).toEqual([false, false]);
  expect(membersOf(id)).toEqual([project, other].sort());
});

test('an image is deactivated after its promotion, replaced all the same, and activated when the list says so', async () => {
  list({ status: 'deactivated' });
  const first = await site.deploy();
  const old = present();
  const second = await site.deploy();
  list({ status: 'deactivated', version: '2' });
  const third = await site.deploy();
  const replaced = { ...present() };
  list({ status: 'active', version: '2' });
  const fourth = await site.deploy();

  expect([first, second, third, fourth].map(({ changed, failures }) => [changed, failures])).toEqual([
    [true, []],
    [false, []],
    [true, []],
    [true, []],
  ]);
  expect(old.status).toBe('deactivated');
  expect(replaced).toMatchObject({ status: 'deactivated' });
  expect(present()).toMatchObject({ id: replaced.id, status: 'active' });
});

test('an image that an operator has deactivated is a conflict, not reactivated', async () => {
  list({ status: 'active' });
  await site.deploy();
  Object.assign(present(), { status: 'deactivated' });

  const outcome = await site.deploy();

  expect(listedResults(outcome)).toMatchObject([{ action: 'conflict' }]);
  expect(present().status).toBe('deactivated');
});

test('a protected image is replaced, and the archived one can be deleted later', async () => {
  list({ protected: true });
  await site.deploy();
  const old = present();
  list({ protected: true, version: '2' });

  const outcome = await site.deploy();

  expect(outcome.failures).toEqual([]);
  expect(site.glance.state.images.get(old.id)).toMatchObject({ protected: false });
  expect(present()).toMatchObject({ protected: true });
});

test('a refusal after the promotion is reported, the image stays in production, and the next run goes on', async () => {
  list({ visibility: 'shared', members: [project] });
  const proxy = await startFaultProxy(site.glance.url);
  proxy.addFault({ method: 'POST', path: /\/members$/, nth: 1, status: 403 });

  const failed = await site.deploy({ endpoint_override: { image: proxy.url } });
  await proxy.close();
  const { id } = present();
  const next = await site.deploy();

  expect(failed.failures.join()).toContain(`image ${id} is in production, but not all of its attributes could be set`);
  expect(next).toMatchObject({ changed: true, message: '1 update', failures: [] });
  expect(membersOf(id)).toEqual([project]);
});

test('a private image of a member is not kept from being replaced by images of others with its name', async () => {
  list({ visibility: 'private' });
  await site.deploy();
  site.glance.seed({ name, owner: 'others', visibility: 'private' });
  site.glance.seed({ name, owner: 'others', visibility: 'community' });
  list({ visibility: 'private', version: '2' });

  const outcome = await site.deploy();

  expect(outcome.failures).toEqual([]);
  expect(listedResults(outcome)).toMatchObject([{ action: 'deploy', archived_name: expect.stringContaining(name) }]);
});
