// Logins that may not do what a run would do: what check mode says beforehand, and what a run does
// before any byte is sent.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { imageClean } from '../../modules/images/clean/operation.js';
import { imageDeploy } from '../../modules/images/deploy/operation.js';
import { imageProperty } from '../../modules/images/property/operation.js';
import { imageRollback } from '../../modules/images/rollback/operation.js';
import { publishRelease } from '../sandbox/releases.js';
import { disk } from './objects-site.js';
import { startSite, type TestSite } from './site.js';

const name = 'CC-Ubuntu22.04';
const [first, second] = ['20250115-v1-amd', '20250422-v1-amd'];
const lack =
  /Glance lets a login make an image public only with the role admin .*publicize_image.* has member, reader in/;

let site: TestSite;
let earlier: number;

beforeEach(async () => {
  site = await startSite();
  earlier = 0;
});

afterEach(() => site.close());

const publish = (release: string, of = name): void =>
  void publishRelease(site.store, { name: of, release, content: disk() });
const actAs = (...roles: string[]): void => void (site.keystone.admin.roles = roles);
/** What was written since the site was prepared. */
const writes = (): string[] => site.writes().slice(earlier);
const images = () => [...site.glance.state.images.values()];
const planned = (operation: Parameters<TestSite['run']>[0], args = {}) =>
  site.run(operation, args, { checkMode: true });

/** A site with a production image, and a newer release in the store. */
async function outdate(): Promise<void> {
  publish(first);
  await site.run(imageDeploy);
  publish(second);
  earlier = site.writes().length;
}

describe('a deployment by a member', () => {
  test('is told in check mode, which sends no write', async () => {
    publish(first);
    actAs('member', 'reader');

    const outcome = await planned(imageDeploy);

    expect(outcome.warnings).toEqual([expect.stringMatching(lack)]);
    expect(outcome.warnings[0]).toMatch(new RegExp(`^${name}: a run will probably be refused`));
    expect(outcome).toMatchObject({ changed: true, failures: [] });
    expect(writes()).toEqual([]);
  });

  test('creates and uploads nothing where the site has an image of the name', async () => {
    await outdate();
    const before = structuredClone(images());
    actAs('member', 'reader');

    const outcome = await site.run(imageDeploy);

    expect(outcome.failures).toEqual([
      expect.stringMatching(/Glance does not let this login make an image public, so nothing was uploaded: by default/),
    ]);
    expect(outcome.failures[0]).toMatch(lack);
    expect(writes()).toEqual([`PATCH /v2/images/${before[0]?.id}`]);
    expect(images()).toEqual(before);
  });

  test('deletes the empty image on a site without one', async () => {
    publish(first);
    actAs('member', 'reader');

    const outcome = await site.run(imageDeploy);

    expect(outcome.failures).toEqual([expect.stringMatching(lack)]);
    expect(writes().map((write) => write.replace(/ .*\//, ' '))).toEqual([
      'POST images',
      expect.stringMatching(/^PATCH /),
      expect.stringMatching(/^DELETE /),
    ]);
    expect(images()).toEqual([]);
  });

  test('asks once for several images', async () => {
    for (const of of [name, 'CC-Debian12', 'CC-CentOS9']) publish(first, of);
    await site.run(imageDeploy);
    for (const of of [name, 'CC-Debian12', 'CC-CentOS9']) publish(second, of);
    earlier = site.writes().length;
    actAs('member', 'reader');

    expect((await site.run(imageDeploy)).failures).toHaveLength(3);
    expect(writes()).toHaveLength(1);
  });

  test('goes on where the site has a policy that permits it', async () => {
    await outdate();
    actAs('member', 'reader');
    site.glance.state.isPublisher = () => true;

    const outcome = await site.run(imageDeploy);

    expect(outcome).toMatchObject({ changed: true, failures: [] });
    expect(images().filter((image) => image.name === name)).toMatchObject([
      { visibility: 'public', properties: { current: second } },
    ]);
    expect((await site.run(imageDeploy)).changed).toBe(false);
  });

  test('leaves to an admin what the site needs: the next run deploys it', async () => {
    publish(first);
    actAs('member', 'reader');
    await site.run(imageDeploy);
    actAs('admin');

    expect(await site.run(imageDeploy)).toMatchObject({ changed: true, failures: [] });
  });
});

test('an admin is asked nothing, and told nothing', async () => {
  await outdate();

  expect((await planned(imageDeploy)).warnings).toEqual([]);
  await site.run(imageDeploy);

  expect(writes().map((write) => write.replace(/[0-9a-f-]{36}/, 'ID'))).toEqual([
    'POST /v2/images',
    'PUT /v2/images/ID/file',
    'PATCH /v2/images/ID',
    'PATCH /v2/images/ID',
  ]);
});

test('an admin whom a policy of the site refuses is told so, and the data stay for the next run', async () => {
  publish(first);
  site.glance.state.isPublisher = () => false;

  const { failures } = await site.run(imageDeploy);

  expect(failures).toEqual([
    expect.stringMatching(/publicize_image action. \(the site has a rule of its own for the policy publicize_image\)$/),
  ]);
  site.glance.state.isPublisher = ({ isAdmin }) => isAdmin;
  expect((await site.run(imageDeploy)).values.images).toMatchObject([{ action: 'resume' }]);
});

test('a reader is told of everything that a deployment does', async () => {
  publish(first);
  actAs('reader');

  expect((await planned(imageDeploy)).warnings).toEqual([
    expect.stringMatching(
      /create images only with the role member in the project \(policies add_image, upload_image\)/,
    ),
    expect.stringMatching(/make an image public only with the role admin/),
  ]);
});

describe('other changes of images', () => {
  test('a rollback of a hidden image is told to need the role admin, and that of a public one not', async () => {
    await outdate();
    await site.run(imageDeploy);
    actAs('member', 'reader');

    const ofPublic = await planned(imageRollback, { image: name });
    const old = images().find(({ properties }) => properties.current === first);
    Object.assign(old ?? {}, { visibility: 'private' });
    const ofPrivate = await planned(imageRollback, { image: name });
    const refused = await site.run(imageRollback, { image: name });

    expect([ofPublic.warnings, ofPrivate.warnings]).toEqual([[], [expect.stringMatching(lack)]]);
    expect(refused.failures).toEqual([
      expect.stringMatching(/answered 403: .*publicize_image.*nothing of it was changed/),
    ]);
    expect(refused.failures[0]).toMatch(lack);
    expect(refused.changed).toBe(false);
  });

  test('properties of an image of another project are told to need the role admin', async () => {
    const foreign = site.glance.seed({ name: 'CC-Theirs', owner: site.keystone.demo.project.id });
    const own = site.glance.seed({ name: 'CC-Ours' });
    actAs('member', 'reader');

    const outcome = await planned(imageProperty, { images: [foreign.id, own.id], set: { a: 'b' } });

    expect(outcome.warnings.slice(1)).toEqual([
      expect.stringMatching(
        new RegExp(`^CC-Theirs \\(${foreign.id}\\): a run .*change images of other projects only with the role admin`),
      ),
    ]);
  });

  test('properties are told to a reader to need the role member', async () => {
    site.glance.seed({ name: 'CC-Ours' });
    actAs('reader');

    expect((await planned(imageProperty, { images: ['CC-Ours'], set: { a: 'b' } })).warnings).toEqual([
      expect.stringMatching(
        /change images of its project only with the role member in the project \(policy modify_image\)/,
      ),
    ]);
  });

  test('a clean-up that does not see what all projects have is refused before anything is planned', async () => {
    actAs('member', 'reader');
    publish(first);

    await expect(planned(imageClean)).rejects.toMatchObject({
      code: 'USE_UNKNOWN',
      message: expect.stringContaining('the admin role is needed'),
    });
  });
});
