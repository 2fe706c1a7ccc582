// Deployment from image lists.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { publishRelease } from '../sandbox/releases.js';
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

const day = 'Tue, 10 Nov 2026 10:30:00 GMT';
const content = disk('first');

function image(more: Readonly<Record<string, unknown>> = {}, name = 'Debian 12'): Record<string, unknown> {
  return { name, url: `${site.web.url}/debian.qcow2`, ...more };
}

describe('an image of a list', () => {
  test('is deployed once, verified, and nothing happens in the second run', async () => {
    site.web.serve('/debian.qcow2', content);
    site.write('a.yml', [image({ checksum: hashOf(content, 'sha512'), properties: { os_distro: 'debian' } })]);

    const first = await site.deploy();
    const writes = site.writes();
    const second = await site.deploy();

    const release = `sha512-${hashOf(content, 'sha512').slice(0, 16)}`;
    expect(first).toMatchObject({ changed: true, failures: [], warnings: [] });
    expect(listedResults(first)).toMatchObject([
      { action: 'deploy', release, verified_by: expect.arrayContaining(["publisher's sha512"]) },
    ]);
    expect(second).toMatchObject({ changed: false, failures: [] });
    expect(listedResults(second)).toMatchObject([{ action: 'up_to_date', reason: `the site has release ${release}` }]);
    expect(site.writes()).toEqual(writes);
    expect(site.production('Debian 12')).toMatchObject({
      disk_format: 'qcow2',
      properties: {
        current: release,
        os_distro: 'debian',
        image_tools_origin: 'list',
        image_tools_source: `${site.web.url}/debian.qcow2`,
      },
    });
  });

  test('in check mode is planned, and nothing is written', async () => {
    site.web.serve('/debian.qcow2', content);
    site.write('a.yml', [image({ version: '20261110' })]);

    const planned = await site.deploy({}, { checkMode: true });

    expect(planned).toMatchObject({ changed: true, message: 'planned: 1 deploy' });
    expect(site.writes()).toEqual([]);
  });

  test('that is not what its checksum says is not published, and the old one stays', async () => {
    site.web.serve('/debian.qcow2', content);
    site.write('a.yml', [image({ checksum: hashOf(content) })]);
    await site.deploy();
    const before = site.production('Debian 12');
    site.write('a.yml', [image({ checksum: hashOf(disk('other')) })]);

    const failed = await site.deploy();

    expect(failed.failures.join()).toMatch(/publisher's sha256 .* is [0-9a-f]{64}, but that of .* is /);
    expect(site.production('Debian 12').id).toBe(before.id);
    expect(site.glance.state.images.size).toBe(1);
  });

  test('gets an archive name when it is replaced', async () => {
    site.web.serve('/debian.qcow2', content);
    site.write('a.yml', [image({ version: '1.9' })]);
    await site.deploy();
    const { id, created_at: created } = site.production('Debian 12');
    site.write('a.yml', [image({ version: '1.10' })]);

    const replaced = await site.deploy();

    const archived = `Debian 12_${created.replace('T', ' ').replace('Z', '')}`;
    expect(listedResults(replaced)).toMatchObject([{ action: 'deploy', archived_name: archived }]);
    expect(site.glance.state.images.get(id)).toMatchObject({ name: archived, visibility: 'public' });
    expect(site.production('Debian 12').properties.current).toBe('1.10');
  });

  test('without a format is what its content is', async () => {
    site.web.serve('/debian.qcow2', Buffer.alloc(4096, 1), { lastModified: day });
    site.write('a.yml', [image()]);

    await site.deploy();

    expect(site.production('Debian 12').disk_format).toBe('raw');
  });

  test('in a file of this host is deployed without telling its folder', async () => {
    writeFileSync(join(site.folder, 'own.img'), content);
    site.write('a.yml', [image({ url: `file://${site.folder}/own.img`, checksum: hashOf(content) })]);

    const outcome = await site.deploy();

    expect(outcome).toMatchObject({ changed: true, failures: [] });
    const { properties } = site.production('Debian 12');
    expect(properties).toMatchObject({ image_tools_source: 'file:own.img', image_tools_sha256: hashOf(content) });
    expect(JSON.stringify(properties)).not.toContain(site.folder);
  });

  test('of another format than the list says is refused', async () => {
    site.web.serve('/debian.qcow2', content);
    site.write('a.yml', [image({ version: '1', disk_format: 'raw' })]);

    expect((await site.deploy()).failures.join()).toContain('/debian.qcow2 is qcow2, not raw');
  });

  test('that is not enabled is left as it is, and says so if it is asked for', async () => {
    site.write('a.yml', [image({ enable: false })]);

    expect(listedResults(await site.deploy())).toEqual([]);
    expect((await site.deploy({ images: ['Debian 12'] })).failures.join()).toContain('enable: false');
  });

  test('is chosen by its name or a pattern', async () => {
    site.web.serve('/debian.qcow2', content);
    site.write('a.yml', [image({ version: '1' }, 'Debian 12 (ARM)'), image({ version: '1' }, 'Debian 13')]);
    const chosen = async (args: Readonly<Record<string, unknown>>): Promise<string[]> =>
      listedResults(await site.deploy(args, { checkMode: true })).map(({ name }) => name);

    expect(await chosen({ images: ['Debian 12 (ARM)'] })).toEqual(['Debian 12 (ARM)']);
    expect(await chosen({ images: ['*13'] })).toEqual(['Debian 13']);
    expect(await chosen({ exclude: ['Debian 12 (ARM)'] })).toEqual(['Debian 13']);
  });
});

describe('a new release', () => {
  const actions = async (): Promise<string[]> => listedResults(await site.deploy()).map(({ action }) => action);

  test('is told by the digest in a checksum file', async () => {
    site.web.serve('/debian.qcow2', content);
    site.web.serve('/SHA256SUMS', `${hashOf(content)}  debian.qcow2\n${hashOf(disk('x'))} *other.qcow2\n`);
    site.write('a.yml', [image({ checksum: `${site.web.url}/SHA256SUMS` })]);
    expect([await actions(), await actions()]).toEqual([['deploy'], ['up_to_date']]);

    const next = disk('second');
    site.web.serve('/debian.qcow2', next);
    site.web.serve('/SHA256SUMS', `${hashOf(next)}  debian.qcow2\n`);

    expect([await actions(), await actions()]).toEqual([['deploy'], ['up_to_date']]);
    expect(site.production('Debian 12').properties.current).toBe(`sha256-${hashOf(next).slice(0, 16)}`);
  });

  test('is told by date and length where there is no checksum', async () => {
    site.web.serve('/debian.qcow2', content, { lastModified: day });
    site.write('a.yml', [image()]);
    expect([await actions(), await actions()]).toEqual([['deploy'], ['up_to_date']]);
    expect(site.production('Debian 12').properties.current).toBe(`20261110T103000Z-${content.length}`);

    site.web.serve('/debian.qcow2', content, { lastModified: 'Wed, 11 Nov 2026 10:30:00 GMT' });

    expect(await actions()).toEqual(['deploy']);
  });

  test('cannot be told without any of them', async () => {
    site.web.serve('/debian.qcow2', content);
    site.write('a.yml', [image()]);

    expect((await site.deploy()).failures.join()).toContain('nothing tells its releases apart');
  });

  test('is not one if only a checksum of another kind was added', async () => {
    site.web.serve('/debian.qcow2', content);
    site.write('a.yml', [image({ checksum: hashOf(content) })]);
    await site.deploy();

    site.write('a.yml', [image({ checksum: [hashOf(content), hashOf(content, 'sha512')] })]);

    expect(await actions()).toEqual(['up_to_date']);
  });

  test('is not looked for where the list has a version', async () => {
    site.web.serve('/debian.qcow2', content);
    site.write('a.yml', [image({ version: '1', checksum: `${site.web.url}/SUMS` })]);
    site.web.serve('/SUMS', hashOf(content));
    await site.deploy();
    const before = site.web.seen().length;

    expect(await actions()).toEqual(['up_to_date']);
    expect(site.web.seen().length).toBe(before);
  });
});

describe('checksums', () => {
  test('that disagree refuse the image, and both are named', async () => {
    site.web.serve('/debian.qcow2', content);
    site.web.serve('/a/SHA256SUMS', `${hashOf(content)}  debian.qcow2\n`);
    site.web.serve('/b/SHA256SUMS', `${hashOf(disk('x'))}  debian.qcow2\n`);
    const files = ['a', 'b'].map((folder) => `${site.web.url}/${folder}/SHA256SUMS`);
    site.write('a.yml', [image({ checksum: files })]);

    const told = (await site.deploy()).failures.join();

    for (const file of files) expect(told).toContain(file);
    expect(told).toContain('debian.qcow2 cannot be verified');
    expect(site.writes()).toEqual([]);
  });

  test('in a file that is missing, or has not the image, are the failure of one image', async () => {
    site.web.serve('/debian.qcow2', content);
    site.web.serve('/SUMS', `${hashOf(content)}  other.qcow2\n${hashOf(content)}  another.qcow2\n`);
    site.write('a.yml', [
      image({ checksum: `${site.web.url}/SUMS` }, 'unlisted'),
      image({ checksum: `${site.web.url}/NONE` }, 'unreachable'),
      image({ version: '1' }, 'good'),
    ]);

    const outcome = await site.deploy();

    expect(outcome.failures.join('\n')).toContain('it has no checksum for "debian.qcow2"');
    expect(outcome.failures.join('\n')).toContain('/NONE cannot be used');
    expect(site.production('good').properties.current).toBe('1');
  });
});

describe('the lists', () => {
  test('of a folder are read in the order of their names, and other files are not', async () => {
    site.write('b.json', [image({ version: '1' }, 'second')]);
    site.write('a.yaml', [image({ version: '1' }, 'first')]);
    writeFileSync(join(site.folder, 'README.md'), 'no list');
    writeFileSync(join(site.folder, '.hidden.yml'), 'no list');

    const planned = await site.deploy({}, { checkMode: true });

    expect(listedResults(planned).map(({ name }) => name)).toEqual(['first', 'second']);
  });

  test('can be fetched', async () => {
    site.web.serve('/debian.qcow2', content);
    site.web.serve(
      '/list.yml',
      `images:\n  - name: Debian 12\n    url: ${site.web.url}/debian.qcow2\n    version: 7\n`,
    );

    await site.deploy({ image_lists: [`${site.web.url}/list.yml`] });

    expect(site.production('Debian 12').properties.current).toBe('7');
  });

  test('with a fault in a file of this host stop the run, whatever other catalogues there are', async () => {
    publishRelease(site.store, { name: 'CC-Ubuntu22.04', release: '20250422-v1-amd', content });
    site.write('a.yml', [image({ urls: 'x' })]);

    await expect(site.deploy({ catalog: ['releases', 'list'] })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      field: 'image_lists',
      message: expect.stringContaining('a.yml line 1: "Debian 12": urls: there is no such key; did you mean url?'),
    });
    expect(site.writes()).toEqual([]);
  });

  test('with a fault in a fetched file do not stop the other catalogues', async () => {
    publishRelease(site.store, { name: 'CC-Ubuntu22.04', release: '20250422-v1-amd', content });
    site.web.serve('/list.yml', 'images: [{name: Debian 12}]');
    const args = { image_lists: [`${site.web.url}/list.yml`] };

    const outcome = await site.deploy({ ...args, catalog: ['releases', 'list'] });

    expect(outcome.failures.join()).toContain('the catalogue list could not be read: the image lists cannot be used');
    expect(site.production('CC-Ubuntu22.04').properties.current).toBe('20250422-v1-amd');
    await expect(site.deploy(args)).rejects.toMatchObject({ code: 'CATALOGUE_UNUSABLE' });
  });

  test.each<[string, readonly string[], string]>([
    ['none', [], 'image_lists is required'],
    ['a missing file', ['/nonexistent/list.yml'], '/nonexistent/list.yml cannot be read: there is no such file'],
    ['another scheme', ['s3://bucket/list.yml'], '"s3://bucket/list.yml" is not allowed'],
  ])('%s: refused', async (_, lists, told) => {
    await expect(site.deploy({ image_lists: lists })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringContaining(told),
    });
  });

  test('must not be an empty folder', async () => {
    await expect(site.deploy()).rejects.toThrow('contains no *.yml, *.yaml or *.json');
  });
});
