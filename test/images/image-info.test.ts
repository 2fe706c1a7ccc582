import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { imageInfo } from '../../modules/images/info/operation.js';
import { markers } from '../../modules/images/policy/site-image.js';
import { startSite, type TestSite } from './site.js';

let site: TestSite;

beforeEach(async () => {
  site = await startSite();
});

afterEach(() => site.close());

const everyState = { state: ['current', 'archived', 'incoming', 'unmanaged'] };

test('shows the owner of each image, and never reports one of another project as managed', async () => {
  const { id, name } = site.keystone.admin.project;
  site.keystone.projects.push({ id, name }, { id: 'project-1', name: 'climate' });
  site.glance.seed({ name: 'CC-Ubuntu22.04', properties: { current: '20250422-v1' } });
  const theirs = site.glance.seed({
    name: 'testing_CC-Ubuntu22.04',
    owner: 'project-1',
    visibility: 'private',
    properties: { current: '20250601-v1' },
  });
  Object.assign(theirs.properties, { [markers.id]: theirs.id, [markers.name]: 'CC-Ubuntu22.04' });
  site.glance.seed({ name: 'unknown', owner: 'project-2' });

  const { values, table } = await site.run(imageInfo, everyState);

  expect(values.images).toMatchObject([
    { name: 'CC-Ubuntu22.04', owner: id, owner_name: name, owned_by_us: true, managed: true },
    {
      name: 'testing_CC-Ubuntu22.04',
      owner: 'project-1',
      owner_name: 'climate',
      owned_by_us: false,
      managed: false,
      state: 'unmanaged',
    },
    { name: 'unknown', owner: 'project-2', owned_by_us: false },
  ]);
  const column = table.columns.indexOf('OWNER');
  expect(table.rows.map((row) => row[column])).toEqual(['us', 'climate', 'project-2']);
});

test('shows the ids of projects if Keystone hides their names, and asks nothing if there is no image', async () => {
  expect(await site.run(imageInfo)).toMatchObject({ values: { images: [] } });
  const logins = site.keystone.requests.length;
  site.glance.seed({ name: 'mine', owner: site.keystone.demo.project.id });

  const { values } = await site.run(imageInfo, { ...everyState, auth: site.demoAuth });

  expect(logins).toBe(1);
  expect(values.images).toMatchObject([{ name: 'mine', owned_by_us: true }]);
});

test('shows which images Glance refuses to delete', async () => {
  site.glance.seed({ name: 'kept', protected: true, os_hidden: true });
  site.glance.seed({ name: 'other' });

  const { values, table } = await site.run(imageInfo, everyState);

  expect(values.images).toMatchObject([
    { name: 'kept', protected: true },
    { name: 'other', protected: false },
  ]);
  const column = table.columns.indexOf('VISIBILITY');
  expect(table.rows.map((row) => row[column])).toEqual(['public, hidden, protected', 'public']);
});
