// Deployment from lists of openstack-image-manager, its own ones too.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { root } from '../source-files.js';
import { hashOf, startListSite, type ListTestSite } from './list-site.js';
import { disk } from './objects-site.js';
import { listedResults } from './rollback-site.js';

// Each makes several runs; on a busy machine they take their time.
jest.setTimeout(60_000);

let site: ListTestSite;

beforeEach(async () => {
  site = await startListSite();
});

afterEach(() => site.close());

const content = disk('first');

function image(versions: readonly Readonly<Record<string, unknown>>[], more: Readonly<Record<string, unknown>> = {}) {
  return {
    name: 'Debian 12',
    format: 'qcow2',
    login: 'debian',
    min_disk: 8,
    min_ram: 512,
    status: 'active',
    visibility: 'public',
    multi: true,
    meta: { architecture: 'x86_64', os_distro: 'debian', os_version: '12' },
    tags: [],
    versions,
    ...more,
  };
}

const version = (name: string, more: Readonly<Record<string, unknown>> = {}) => ({
  version: name,
  url: `${site.web.url}/${name}.qcow2`,
  checksum: `sha256:${hashOf(content)}`,
  build_date: '2026-01-24',
  ...more,
});

test('the newest version becomes the production image, and a second run changes nothing', async () => {
  for (const name of ['20260124', '20260302']) site.web.serve(`/${name}.qcow2`, content);
  site.write('a.yml', [image([version('20260124'), version('20260302')], { tags: ['base'] })]);

  const first = await site.deploy();
  const second = await site.deploy();

  expect(first).toMatchObject({ changed: true, failures: [], warnings: [] });
  expect(second).toMatchObject({ changed: false, message: '1 up_to_date' });
  expect(site.glance.state.images.size).toBe(1);
  expect(site.production('Debian 12').tags).toEqual(['base', 'managed_by_osism', 'os:debian']);
  expect(site.production('Debian 12').properties).toMatchObject({
    current: '20260302',
    internal_version: '20260302',
    image_original_user: 'debian',
    image_source: `${site.web.url}/20260302.qcow2`,
    image_build_date: '2026-01-24',
    image_description: 'Debian 12',
    os_version: '12',
  });
});

test('the version latest is deployed again when the digest in its checksum file changes', async () => {
  const serve = (data: Buffer, lastModified: string): void => {
    site.web.serve('/latest.qcow2', data, { lastModified });
    site.web.serve('/SHA256SUMS', `${hashOf(data)}  latest.qcow2\n`);
  };
  const latest = version('latest', { checksums_url: `${site.web.url}/SHA256SUMS`, checksum: null });
  serve(content, 'Tue, 10 Nov 2026 10:30:00 GMT');
  site.write('a.yml', [image([latest])]);

  const first = await site.deploy();
  const unchanged = await site.deploy();
  const { properties } = site.production('Debian 12');
  const next = disk('second');
  serve(next, 'Wed, 11 Nov 2026 10:30:00 GMT');
  const second = await site.deploy();

  expect([first.changed, unchanged.changed, second.changed]).toEqual([true, false, true]);
  expect(properties).toMatchObject({ internal_version: '20261110', upstream_checksum: hashOf(content) });
  expect(site.production('Debian 12').properties).toMatchObject({
    current: `sha256-${hashOf(next).slice(0, 16)}`,
    internal_version: '20261111',
    upstream_checksum: hashOf(next),
  });
});

test('a pin deploys an earlier version that the list still has', async () => {
  for (const name of ['20260124', '20260302']) site.web.serve(`/${name}.qcow2`, content);
  site.write('a.yml', [image([version('20260124'), version('20260302')])]);
  const pins = { 'Debian 12': '20260124' };

  await site.deploy({ pins });
  const held = await site.deploy({ pins });

  expect(site.production('Debian 12').properties.internal_version).toBe('20260124');
  expect(held).toMatchObject({ changed: false, message: '1 held' });
  expect(listedResults(held)[0]?.reason).toContain('to which pins keeps it; the catalogue has 20260302');
  expect((await site.deploy({ pins: { 'Debian 12': '20250101' } })).failures.join()).toContain(
    'pins keeps it at 20250101, which the store does not have',
  );
  expect(await site.deploy({ pins: { 'Debian 12': '20260302' } })).toMatchObject({ changed: true, failures: [] });
});

test('a pinned image is held, whether or not its checksum file can be read', async () => {
  const latest = version('latest', { checksums_url: `${site.web.url}/SHA256SUMS`, checksum: null });
  site.web.serve('/latest.qcow2', content);
  site.web.serve('/SHA256SUMS', `${hashOf(content)}  latest.qcow2\n`);
  site.write('a.yml', [image([latest])]);
  await site.deploy();
  const pins = { 'Debian 12': `sha256-${hashOf(content).slice(0, 16)}` };

  expect(await site.deploy({ pins })).toMatchObject({ changed: false, failures: [] });
  site.web.files.delete('/SHA256SUMS');

  expect(await site.deploy({ pins })).toMatchObject({ changed: false, failures: [], message: '1 held' });
});

test('a format that cannot be deployed is the failure of its image alone', async () => {
  site.web.serve('/1.qcow2', content);
  site.write('a.yml', [image([version('1')]), image([version('1')], { name: 'Windows', format: 'vhd' })]);

  const outcome = await site.deploy();

  expect(outcome.failures).toEqual([expect.stringContaining('its format vhd cannot be deployed')]);
  expect(site.production('Debian 12').properties.current).toBe('1');
});

describe('the lists of openstack-image-manager itself', () => {
  test('are planned as they are: each enabled image once, in its newest version', async () => {
    const folder = join(root, 'test/images/fixtures/openstack-image-manager');
    for (const name of readdirSync(folder).filter((each) => each.endsWith('.yml'))) {
      // The publishers' servers, all on one.
      const text = readFileSync(join(folder, name), 'utf8').replaceAll('https://', `${site.web.url}/`);
      writeFileSync(join(site.folder, name), text);
      for (const [url] of text.matchAll(/http:\S+\.(qcow2|img)$/gm))
        site.web.serve(new URL(url).pathname, content, { lastModified: 'Tue, 10 Nov 2026 10:30:00 GMT' });
    }

    const planned = await site.deploy({}, { checkMode: true });

    const results = listedResults(planned);
    expect(planned.failures).toEqual([]);
    expect(results.every(({ action }) => action === 'deploy')).toBe(true);
    expect(results.map(({ name, release }) => `${name}: ${release}`)).toEqual(
      expect.arrayContaining([
        'Debian 12: 20260124',
        'Ubuntu 24.04: 20260108',
        'Cirros 0.6.2: 0.6.2',
        'Cirros 0.6.3: 0.6.3',
      ]),
    );
    expect(results.map(({ name }) => name)).not.toContain('Debian 10');
  });
});
