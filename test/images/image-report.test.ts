// image_report: what the page says of a site, and when it is written.
import { chmodSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { imageDeploy } from '../../modules/images/deploy/operation.js';
import type { ImageResult } from '../../modules/images/policy/deploy-results.js';
import { clean, now, resultsOf } from './image-clean-site.js';
import { rowOf, textOf } from './report-page.js';
import { seedBusySite, startReportSite, type ReportSite } from './report-site.js';

let site: ReportSite;

beforeEach(async () => {
  site = await startReportSite();
  seedBusySite(site);
});

afterEach(() => site.close());

const later = new Date(now.getTime() + 3_600_000);

describe('the page', () => {
  test('has each image with its release, size, users, life and plans', async () => {
    const outcome = await site.report();

    expect(outcome).toMatchObject({ changed: true, failures: [], values: { html: site.path, unknown: [] } });
    const page = site.page();
    const jammy = rowOf(page, 'CC-Ubuntu22.04');
    expect(jammy).toContain('release 20260422-v1-amd');
    expect(jammy).toContain('1.5 GiB qcow2');
    expect(jammy).toContain('server web-1 of project climate');
    expect(jammy).toContain('2 more');
    expect(jammy).toContain('up to date');
    expect(jammy).toContain('keep the production image of CC-Ubuntu22.04');
    const noble = rowOf(page, 'CC-Ubuntu24.04');
    expect(noble).toContain('has 20260520-v1-amd');
    expect(noble).toContain('deploy the site has release 20260115-v1-amd');
    expect(noble).toContain('volume root-of-mail');
    const due = rowOf(page, 'CC-Ubuntu22.04_2024-03-22 15:30:45.123456');
    expect(due).toContain('created 2024-03-22, hidden, to be deleted from 2025-09-22');
    expect(due).toContain('delete 26 months old, deleted at 18');
    expect(rowOf(page, 'CC-Ubuntu24.04-CUDA')).toContain('not on the site');
  });

  test('says what image_deploy and image_clean say in check mode', async () => {
    await site.report();
    const deployed = (await site.run(imageDeploy, {}, { checkMode: true, now })).values.images as ImageResult[];
    const cleaned = resultsOf(await clean(site, {}, { checkMode: true }));

    for (const { name, action, reason } of deployed)
      expect(rowOf(site.page(), name)).toContain(`${action.replaceAll('_', ' ')} ${reason}`);
    for (const { name, action, reason } of cleaned) expect(rowOf(site.page(), name)).toContain(`${action} ${reason}`);
    expect(cleaned.map(({ action }) => action).sort()).toEqual(
      expect.arrayContaining(['delete', 'hide', 'keep', 'skip']),
    );
  });

  test('says which nodes boot which agent, and which boot what does not fit', async () => {
    await site.report();

    const rows = textOf(site.page())
      .split('\n')
      .filter((row) => row.includes('rack3-0'));
    expect(rows.find((row) => row.includes('build 2026-02-10'))).toContain('2: rack3-01, rack3-02');
    expect(rows.find((row) => row.includes('build 2025-08-01'))).toContain('1: rack3-03');
    expect(rows.find((row) => row.includes('Something else'))).toMatch(/nothing shows.*of one build.*1: rack3-04/);
  });

  test('lists what others own only if it is public, and counts the rest', async () => {
    site.glance.seed({ name: 'snapshot', owner: 'stranger', visibility: 'private' });
    site.glance.seed({ name: 'theirs', owner: 'stranger', visibility: 'public' });

    await site.report();

    expect(textOf(site.page())).toContain('1 other image of other projects');
    expect(rowOf(site.page(), 'theirs')).toContain('of project stranger unmanaged public');
    expect(rowOf(site.page(), 'snapshot')).toBeUndefined();
  });
});

describe('writing', () => {
  test('a second run changes nothing but the time', async () => {
    await site.report();
    const first = site.page();

    const second = await site.report({}, { now: later });

    expect(second).toMatchObject({ changed: false, differences: [] });
    expect(first).toContain('As of <time datetime="2026-06-01T12:00:00.000Z">');
    expect(site.page()).toContain('As of <time datetime="2026-06-01T13:00:00.000Z">');
    expect(readdirSync(dirname(site.path))).toEqual(['index.html']);
  });

  test('anything else is a change, and the difference is its rows', async () => {
    await site.report();
    site.users.compute.seed({ name: 'new-server', image: [...site.glance.state.images.keys()][1] ?? '' });

    const outcome = await site.report({}, { now: later });

    expect(outcome.changed).toBe(true);
    const [difference] = outcome.differences;
    expect(String(difference?.after.rows)).toContain('server new-server');
    expect(String(difference?.before.rows)).not.toContain('new-server');
    expect(String(difference?.after.rows)).not.toContain('CC-CentOS8');
  });

  test('a plan that has changed is a difference', async () => {
    await site.report();

    const outcome = await site.report({ delete_image_age_in_month: 60 }, { now: later });

    const [difference] = outcome.differences;
    const due = /CC-Ubuntu22\.04_2024-03-22.* delete 26 months old, deleted at 18/;
    expect(String(difference?.before.rows)).toMatch(due);
    expect(String(difference?.after.rows)).toContain('CC-Ubuntu22.04_2024-03-22');
    expect(String(difference?.after.rows)).not.toMatch(due);
  });

  test('check mode predicts the change and writes nothing, here and in the cloud', async () => {
    expect(await site.report({}, { checkMode: true })).toMatchObject({ changed: true });
    expect(site.page()).toBe('');
    await site.report();
    const page = site.page();

    expect(await site.report({}, { checkMode: true, now: later })).toMatchObject({ changed: false });
    expect(site.page()).toBe(page);
    expect(site.writes()).toEqual([]);
  });

  test('a new page is for owner and group, and the permissions of a page are kept', async () => {
    await site.report();
    expect(statSync(site.path).mode & 0o777).toBe(0o640);
    chmodSync(site.path, 0o604);

    await site.report({}, { now: later });

    expect(statSync(site.path).mode & 0o777).toBe(0o604);
  });

  test('a file that is no page of its own is left alone, and so is a link', async () => {
    writeFileSync(site.path, 'auth_url: http://keystone\n');

    await expect(site.report()).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: `html: ${site.path} is not a page of this command, and was left alone; remove it, or give another path`,
    });
    const link = `${site.path}.link`;
    symlinkSync(site.path, link);
    await expect(site.report({ html: link })).rejects.toMatchObject({ code: 'UNSAFE_PATH' });
    await expect(site.report({ html: '/nonexistent/page.html' })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: 'html: there is no directory /nonexistent',
    });
    expect(site.page()).toBe('auth_url: http://keystone\n');
    expect(site.keystone.requests).toEqual([]);
  });
});

describe('what cannot be read', () => {
  test('is unknown with its reason, and the rest is there', async () => {
    site.users.volumev3.intervene = () => ({ status: 403 });
    site.users.baremetal.intervene = () => ({ status: 403 });

    const outcome = await site.report();

    expect(outcome.changed).toBe(true);
    expect(outcome.failures).toEqual([
      expect.stringContaining('use by volumes is unknown: Cinder does not report'),
      expect.stringContaining('use by nodes is unknown: Ironic does not report'),
      expect.stringContaining('what nodes boot is unknown: '),
    ]);
    const row = rowOf(site.page(), 'CC-Ubuntu22.04');
    expect(row).toContain('server web-1');
    expect(row).toContain('unknown use by volumes unknown use by nodes');
    expect(rowOf(site.page(), 'CC-Ubuntu22.04_2024-03-22 15:30:45.123456')).toContain(
      'skip not changed because image_clean would refuse to run (planned action: delete)',
    );
    expect(textOf(site.page())).toContain('unknown which nodes boot which images');
    expect(textOf(site.page())).toMatch(/\nProblems .*Cinder does not report/);
  });

  test('of the nodes is unknown if Ironic shows this login only those of its project', async () => {
    site.users.baremetal.enforcesScope = true;
    const { id, secret } = site.keystone.admin.applicationCredential;
    const login = {
      auth_type: 'v3applicationcredential',
      auth: { auth_url: site.auth.auth_url, application_credential_id: id, application_credential_secret: secret },
    };

    await site.report(login);

    const agents = textOf(site.page()).split('Images of the Ironic Python Agent')[1] ?? '';
    expect(agents).toContain('unknown which nodes boot which images');
    expect(agents).toMatch(/build 2026-02-10.* unknown$/m);
    expect(agents).not.toContain('none');
  });

  test('of one of two catalogues is unknown of what the other does not have', async () => {
    const lists = { catalog: ['releases', 'list'], image_lists: [`${site.store.url}/missing.json`] };

    const outcome = await site.report(lists);

    expect(outcome.failures).toContainEqual(expect.stringContaining('a catalogue is unknown: '));
    expect(rowOf(site.page(), 'CC-Ubuntu22.04')).toContain('has 20260422-v1-amd up to date');
    expect(rowOf(site.page(), 'CC-CentOS8-Stream')).not.toContain('not subscribed to');
    expect(textOf(site.page())).toContain('Next deployment at least 1 up to date');
  });

  test('of the catalogue leaves both plans unknown, and the users are there', async () => {
    site.store.objects.clear();

    const outcome = await site.report();

    expect(outcome.failures).toEqual([
      expect.stringContaining('what the next cleaning does is unknown: '),
      expect.stringContaining('what the next deployment does is unknown: '),
    ]);
    expect(rowOf(site.page(), 'CC-Ubuntu22.04')).toMatch(/server web-1.* unknown unknown$/);
  });

  test('without a store is no failure, but said', async () => {
    const outcome = await site.report({ object_store_url: [] });

    expect(outcome.failures).toEqual([]);
    expect(textOf(site.page())).toContain('object_store_url is not given');
    expect(rowOf(site.page(), 'CC-Ubuntu22.04')).toContain('unknown');
  });

  test('in a cloud without a service is no failure, but said', async () => {
    const small = await startReportSite(['compute']);
    try {
      expect(await small.report()).toMatchObject({ failures: [] });
      expect(textOf(small.page())).toContain(
        'services that this cloud does not have: block-storage, baremetal, inventory',
      );
    } finally {
      await small.close();
    }
  });
});
