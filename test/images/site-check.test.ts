// What a check finds on a site in the doubles: each thing that keeps a run from succeeding, one at a
// time, and that nothing is ever changed.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { imageDeploy } from '../../modules/images/deploy/operation.js';
import type { Finding } from '../../modules/images/policy/check-findings.js';
import { name, now, release, startCheckSite, type CheckSite } from './check-site.js';

let site: CheckSite;

beforeEach(async () => {
  site = await startCheckSite();
});

afterEach(() => site.close());

describe('a site where everything is in order', () => {
  test('is said to be so, part by part', async () => {
    const outcome = await site.check();
    const findings = outcome.values.findings as readonly Finding[];

    expect(outcome).toMatchObject({ changed: false, failures: [], warnings: [] });
    expect(findings.map(({ check, subject = '' }) => `${check} ${subject}`.trim())).toEqual([
      'login project',
      'login system',
      'permission',
      'protections',
      ...['identity', 'image', 'compute', 'block-storage', 'baremetal', 'inventory'].map((type) => `service ${type}`),
      'import',
      'stores',
      'catalogue releases',
      `object ${name}`,
      'age releases',
      ...['compute', 'block-storage', 'baremetal', 'inventory', 'image'].map((type) => `uses ${type}`),
      'clean-up',
      'lock folder',
      'journal folder',
      'clock',
    ]);
    expect(outcome.message).toBe(`${findings.length} ok`);
  });

  test('is asked with reads alone while the project has no image', async () => {
    await site.check();

    expect(site.writes()).toEqual([]);
  });

  test('keeps every image as it is, also where Glance is asked with one of them', async () => {
    await site.run(imageDeploy, {}, { now });
    const before = structuredClone([...site.glance.state.images.values()]);
    const earlier = site.writes().length;

    expect(await site.faultsOf()).toEqual([]);

    expect(site.writes().slice(earlier)).toEqual(Array(3).fill(`PATCH /v2/images/${before[0]?.id}`));
    expect([...site.glance.state.images.values()]).toEqual(before);
  });

  test('leaves lock folder and journal as they are', async () => {
    const lock = mkdtempSync(join(tmpdir(), 'lock-'));
    await site.check({ lock_dir: lock });

    expect([readdirSync(lock), readdirSync(site.journal)]).toEqual([[], []]);
    rmSync(lock, { recursive: true });
  });

  test('is told the versions of the services', async () => {
    const texts = (await site.findingsOf()).filter(({ check }) => check === 'service').map(({ text }) => text);

    expect(texts).toEqual([
      expect.stringMatching(/^Keystone with API version 3\.14 answers at http/),
      expect.stringMatching(/^Glance with API version 2\.16 /),
      expect.stringMatching(/^Nova with API version 2\.93 /),
      expect.stringMatching(/^Cinder with API version 3\.70 /),
      expect.stringMatching(/^Ironic with API version 1\.82 /),
      expect.stringMatching(/^Doni answers at /),
    ]);
  });
});

describe('a login', () => {
  test('that is refused hides neither the catalogue nor its objects nor the folders', async () => {
    const { auth } = site;
    site.store.objects.delete(`prod/versions/${release}/${name}.qcow2`);

    const findings = await site.findingsOf({ auth: { ...auth, password: 'wrong' } });

    expect(findings.filter(({ result }) => result === 'failed')).toMatchObject([
      { check: 'login', code: 'AUTHENTICATION_FAILED', fails: ['deploy', 'clean', 'ipa_test'] },
      { check: 'object', subject: name, code: 'STORE_OBJECT_MISSING' },
    ]);
    expect(findings.map(({ check }) => check)).toEqual(
      expect.arrayContaining(['catalogue', 'age', 'lock folder', 'journal folder', 'clock']),
    );
  });

  test('of a member may not publish, by default before the first deployment', async () => {
    site.keystone.admin.roles = ['member', 'reader'];

    expect(await site.faultsOf({ runs: ['deploy'] })).toMatchObject([
      { result: 'failed', check: 'permission', subject: 'make an image public', advice: 'give it this role' },
    ]);
  });

  test('of a member may not publish, by the answer of Glance', async () => {
    await site.run(imageDeploy, {}, { now });
    site.keystone.admin.roles = ['member', 'reader'];
    const refused = await site.faultsOf({ runs: ['deploy'] });
    site.glance.state.isPublisher = () => true;

    expect(refused).toMatchObject([{ result: 'failed', check: 'permission', code: 'NOT_PERMITTED' }]);
    expect(await site.faultsOf({ runs: ['deploy'] })).toEqual([]);
  });

  test('of a member is not shown what is in use', async () => {
    site.keystone.admin.roles = ['member', 'reader'];

    const faults = await site.faultsOf({ runs: ['clean'] });

    expect(faults.map(({ check, subject }) => `${check} ${subject}`)).toEqual(
      expect.arrayContaining(['uses compute', 'uses block-storage', 'uses image']),
    );
    expect(faults.filter(({ result }) => result === 'failed').every(({ fails }) => fails?.includes('clean'))).toBe(
      true,
    );
  });

  test('of a project does not see the nodes of others, which only concerns what needs them', async () => {
    site.users.baremetal.enforcesScope = true;
    site.keystone.admin.systemRoles = [];

    expect(await site.faultsOf({ runs: ['clean'] })).toMatchObject([
      { result: 'failed', check: 'uses', subject: 'baremetal', code: 'USE_UNKNOWN', fails: ['clean'] },
    ]);
    expect(await site.faultsOf({ runs: ['deploy'] })).toEqual([]);
  });
});

describe('Glance', () => {
  test('without the import method that the site uses', async () => {
    site.glance.state.importMethods = ['glance-direct'];

    expect(await site.faultsOf({ import_method: 'web-download' })).toMatchObject([
      { result: 'failed', check: 'import', code: 'IMPORT_NOT_OFFERED', fails: ['deploy'] },
    ]);
    expect(await site.faultsOf()).toEqual([]);
  });

  test('without a store that the site names, and without a way into the second', async () => {
    expect(await site.faultsOf({ stores: ['gone'] })).toMatchObject([
      { check: 'stores', code: 'GLANCE_STORE_UNKNOWN' },
    ]);
    site.glance.state.importMethods = [];
    expect(await site.faultsOf({ stores: ['fast', 'slow'] })).toMatchObject([
      { result: 'failed', check: 'stores', advice: 'add it to enabled_import_methods of Glance' },
    ]);
  });

  test('that protects properties, each of which is named', async () => {
    await site.run(imageDeploy, {}, { now });
    const kept = new Set(['chameleon-supported', 'image_tools_superseded_at', 'current']);
    site.glance.state.isProtected = (property) => kept.has(property);

    expect(await site.faultsOf()).toMatchObject([
      {
        result: 'failed',
        check: 'protections',
        text: expect.stringMatching(/set chameleon-supported, image_tools_superseded_at: it is protected$/),
        fails: ['deploy'],
      },
      { result: 'warning', check: 'protections', text: expect.stringContaining('change the property current') },
    ]);
  });

  test('whose limit for the project leaves no room for what is to come', async () => {
    site.glance.state.quotas = { image_count_total: { limit: 7, usage: 7 }, image_size_total: { limit: -1, usage: 3 } };

    expect(await site.faultsOf()).toMatchObject([
      { result: 'failed', check: 'room', text: expect.stringContaining('has 7 images of at most 7 images') },
    ]);
  });

  test('that does not answer hides nothing else', async () => {
    await site.glance.close();

    const findings = await site.findingsOf();

    expect(findings.filter(({ code }) => code === 'UNREACHABLE').map(({ check }) => check)).toEqual(
      expect.arrayContaining(['service', 'images', 'import', 'stores']),
    );
    expect(findings).toContainEqual(expect.objectContaining({ check: 'object', subject: name, result: 'ok' }));
    expect(findings).toContainEqual(expect.objectContaining({ check: 'uses', subject: 'compute', result: 'ok' }));
    // Each question is asked again for some seconds.
  }, 120_000);
});

describe('a catalogue', () => {
  test('that lacks an object fails it for that image alone', async () => {
    site.publish('CC-Debian12', release);
    site.store.objects.delete(`prod/versions/${release}/${name}.qcow2`);

    const findings = await site.findingsOf();

    expect(findings.filter(({ check }) => check === 'object')).toMatchObject([
      { subject: 'CC-Debian12', result: 'ok' },
      { subject: name, result: 'failed', text: expect.stringContaining('the store has no image'), fails: ['deploy'] },
    ]);
  });

  test('that cannot be read hides no other', async () => {
    const faults = await site.faultsOf({
      catalog: ['list', 'objects', 'releases'],
      supports_yaml: '/nowhere/supports.yaml',
    });

    expect(faults.filter(({ check }) => check === 'catalogue')).toMatchObject([
      { subject: 'list', code: 'INVALID_INPUT' },
      { subject: 'objects', code: 'INVALID_INPUT' },
    ]);
    expect(await site.findingsOf({ catalog: ['list', 'releases'] })).toContainEqual(
      expect.objectContaining({ check: 'catalogue', subject: 'releases', result: 'ok' }),
    );
  });

  test('whose newest release is old is a warning', async () => {
    expect(await site.faultsOf({ stale_after: 25 })).toMatchObject([
      { result: 'warning', check: 'age', text: expect.stringContaining('is 26 days old') },
    ]);
    expect(await site.faultsOf({ stale_after: 26 })).toEqual([]);
  });
});
