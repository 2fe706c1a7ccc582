// What a login needs for images of a list that are not public.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { listedResults } from './rollback-site.js';
import { startListSite, type ListTestSite } from './list-site.js';
import { disk } from './objects-site.js';

const name = 'Debian 12';
const project = '0f'.repeat(16);
let site: ListTestSite;

beforeEach(async () => {
  site = await startListSite();
  site.web.serve('/debian.qcow2', disk('first'));
});

afterEach(() => site.close());

function list(more: Readonly<Record<string, unknown>>): void {
  site.write('a.yml', [{ name, url: `${site.web.url}/debian.qcow2`, version: '1', ...more }]);
}

describe.each([
  ['private', { visibility: 'private', protected: true, status: 'deactivated' }],
  ['community', { visibility: 'community' }],
  ['shared', { visibility: 'shared', members: [project] }],
])('a member of the project', (visibility, entry) => {
  test(`deploys and changes a ${visibility} image, of which check mode expects no refusal`, async () => {
    list(entry);
    site.keystone.admin.roles = ['member', 'reader'];

    const planned = await site.deploy({}, { checkMode: true });
    const outcome = await site.deploy();
    list({ ...entry, tags: ['x'] });
    const plannedChange = await site.deploy({}, { checkMode: true });
    const changed = await site.deploy();

    expect([planned.warnings, plannedChange.warnings]).toEqual([[], []]);
    expect([outcome.failures, changed.failures]).toEqual([[], []]);
    expect(listedResults(changed)).toMatchObject([{ action: 'update' }]);
  });
});

test.each([
  [{ visibility: 'community' }, 'community image', 'communitize_image'],
  [{ visibility: 'shared', members: [project] }, 'share images', 'add_member'],
  [{ status: 'deactivated' }, 'deactivate images', 'deactivate'],
])(
  'check mode says what a reader lacks for %j, of a new image and of one that is up to date',
  async (entry, action, policy) => {
    list({ visibility: 'private' });
    await site.deploy();
    list(entry);
    site.keystone.admin.roles = ['reader'];

    const changing = await site.deploy({}, { checkMode: true });
    const creating = await site.deploy({ force: true }, { checkMode: true });

    for (const { warnings } of [changing, creating])
      expect(warnings.join('\n')).toMatch(new RegExp(`${action}.*${policy}`));
  },
);

test('check mode says that a member may not make an image public that is up to date', async () => {
  list({ visibility: 'private' });
  await site.deploy();
  list({ visibility: 'public' });
  site.keystone.admin.roles = ['member', 'reader'];

  const planned = await site.deploy({}, { checkMode: true });
  const outcome = await site.deploy();

  expect(planned.warnings.join()).toContain('publicize_image');
  expect(outcome.failures.join()).toMatch(/not all of its attributes could be set: .*publicize_image/);
  expect([...site.glance.state.images.values()]).toMatchObject([{ name, visibility: 'private' }]);
});
