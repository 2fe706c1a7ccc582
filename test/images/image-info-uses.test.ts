// image_info with who uses each image, and with what a cleaning would do.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { imageInfo } from '../../modules/images/info/operation.js';
import type { Outcome } from '../../modules/core/operation.js';
import { clean, now, resultsOf, seedOld, startOldSite } from './image-clean-site.js';
import type { TestSite } from './site.js';

let site: TestSite;

beforeEach(async () => {
  site = await startOldSite();
});

afterEach(() => site.close());

const info = (args: Readonly<Record<string, unknown>>): Promise<Outcome> => site.run(imageInfo, args, { now });
const rowOf = ({ values }: Outcome, { id }: { readonly id: string }) =>
  (values.images as Record<string, unknown>[]).find((row) => row.id === id);

function usersOf(row: Readonly<Record<string, unknown>> | undefined): string[] {
  return [...((row?.used_by ?? []) as string[])].sort();
}

describe('with uses', () => {
  test('every source is named, and none if nothing uses the image', async () => {
    const [kernel, image, unused] = [seedOld(site, { name: 'CC-A-20240101' }), seedOld(site), seedOld(site)];
    const booting = site.glance.seed({
      name: 'booting',
      owner: 'stranger',
      visibility: 'community',
      properties: { kernel_id: kernel.id.toUpperCase() },
    });
    site.users.compute.seed({ name: 'web-3', image: image.id.toUpperCase() });
    site.users.volumev3.seed({ name: 'root-3', image: image.id });
    site.users.baremetal.seed({ name: 'rack3', driver_info: { deploy_kernel: kernel.id } });
    site.users.inventory.seed({ name: 'rack4', properties: { baremetal_deploy_kernel_image: kernel.id } });

    const outcome = await info({ uses: true });

    expect(usersOf(rowOf(outcome, image))).toEqual([
      'server web-3 of project climate',
      'volume root-3 of project climate',
    ]);
    expect(usersOf(rowOf(outcome, kernel))).toEqual([
      'hardware rack4 in Doni',
      `image booting (${booting.id}) as its kernel or ramdisk`,
      'node rack3 (driver_info deploy_kernel)',
    ]);
    expect(rowOf(outcome, unused)).toMatchObject({ used_by: [], used_by_count: 0 });
    expect(rowOf(outcome, booting)).toBeUndefined();
    expect(outcome).toMatchObject({ changed: false, failures: [], values: { uses_unknown: [] } });
    expect(outcome.table.columns).toContain('USED BY');
  });

  test('twenty users are named and the others counted', async () => {
    const image = seedOld(site);
    for (let count = 0; count < 25; count++) site.users.compute.seed({ name: `web-${count}`, image: image.id });

    const row = rowOf(await info({ uses: true }), image);

    expect(row).toMatchObject({ used_by_count: 25 });
    expect(row?.used_by).toHaveLength(20);
  });

  test('what is unknown is reported, and fails the task with the rest in its result', async () => {
    const image = seedOld(site);
    site.users.compute.seed({ name: 'web-3', image: image.id });
    site.users.baremetal.intervene = ({ segments }) =>
      segments[1] === 'conductors' ? { status: 403, body: {} } : undefined;

    const outcome = await info({ uses: true });

    expect(rowOf(outcome, image)?.used_by).toEqual(['server web-3 of project climate']);
    expect(outcome.values.uses_unknown).toEqual([
      { service: 'baremetal', reason: expect.stringContaining('not all nodes are shown') },
    ]);
    expect(outcome.failures).toEqual([expect.stringContaining('Ironic does not report which images are in use')]);
  });
});

describe('with plan', () => {
  test('it reports the same as the cleaner, and when each image is due', async () => {
    seedOld(site, { name: 'CC-Ubuntu22.04' });
    const [due, young, used, lost] = [
      seedOld(site),
      seedOld(site, { name: 'CC-Ubuntu22.04-20260101', created_at: '2026-01-01T00:00:00Z' }),
      seedOld(site, { name: 'CC-Ubuntu22.04-20240102' }),
      seedOld(site, { name: 'CC-CentOS7' }),
    ];
    site.users.compute.seed({ name: 'web-3', image: used.id });

    const outcome = await info({ plan: true });
    const planned = resultsOf(await clean(site, {}, { checkMode: true }));

    const rows = outcome.values.images as { id: string; plan: { action: string; reason: string } }[];
    expect(new Map(rows.map(({ id, plan }) => [id, [plan.action, plan.reason]]))).toEqual(
      new Map(planned.map(({ id, action, reason }) => [id, [action, reason]])),
    );
    expect(rowOf(outcome, due)?.plan).toMatchObject({
      action: 'delete',
      hide_from: '2025-03-22',
      delete_from: '2025-09-22',
    });
    expect(rowOf(outcome, young)?.plan).toMatchObject({
      action: 'keep',
      hide_from: '2027-01-01',
      delete_from: '2027-07-01',
    });
    expect(rowOf(outcome, used)?.plan).toMatchObject({
      action: 'skip',
      reason: expect.stringContaining('used by server web-3 of project climate'),
    });
    expect(rowOf(outcome, lost)?.plan).toMatchObject({ action: 'hide', delete_from: '2026-07-01' });
    expect(rowOf(outcome, due)).not.toHaveProperty('used_by');
    expect(outcome.table.columns).toContain('CLEANING');
    expect(site.writes()).toEqual([]);
  });

  test('it reports if the cleaner would be refused', async () => {
    const image = seedOld(site);
    site.users.volumev3.intervene = () => ({ status: 403 });

    const outcome = await info({ plan: true });

    expect(rowOf(outcome, image)?.plan).toMatchObject({
      action: 'skip',
      reason: expect.stringContaining('image_clean would refuse to run (planned action: delete)'),
    });
    expect(outcome.failures).toEqual([expect.stringContaining('Cinder does not report')]);
    await expect(site.run(imageInfo, { plan: true }, { now: new Date('2028-01-01T00:00:00Z') })).resolves.toMatchObject(
      { failures: expect.arrayContaining([expect.stringContaining('days ahead of')]) },
    );
  });

  test('accepts the options of the cleaner, and refuses what it would refuse', async () => {
    const image = seedOld(site, { created_at: '2025-12-01T00:00:00Z' });

    expect(rowOf(await info({ plan: true, hide_image_age_in_month: 3 }), image)?.plan).toMatchObject({
      action: 'hide',
    });
    expect(
      rowOf(await info({ plan: true, hide_image_age_in_month: 3, skip_images: [image.id.toUpperCase()] }), image)?.plan,
    ).toMatchObject({ action: 'skip' });
    await expect(info({ plan: true, hide_image_age_in_month: 18 })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });
});

test('a date that cannot be read is null', async () => {
  const image = Object.assign(seedOld(site, { properties: { image_tools_superseded_at: 'yesterday' } }), {
    created_at: 'soon',
  });

  const outcome = await info({});

  expect(rowOf(outcome, image)).toMatchObject({ created_at: null, age_days: null, superseded_at: null });
  expect(JSON.stringify(outcome.values)).not.toContain('NaN');
});

test('without either only Glance is asked', async () => {
  seedOld(site);

  await info({});

  expect(Object.values(site.users).flatMap(({ requests }) => requests)).toEqual([]);
});

test.each([(id: string) => id.toUpperCase(), (id: string) => `{${id}}`, (id: string) => id.replaceAll('-', '')])(
  'an image is chosen by its id in another spelling',
  async (spell) => {
    const [image] = [seedOld(site), seedOld(site)];

    expect((await info({ images: [spell(image.id)] })).values.images).toMatchObject([{ id: image.id }]);
  },
);
