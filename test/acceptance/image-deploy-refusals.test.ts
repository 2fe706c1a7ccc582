import { expect, test } from '@jest/globals';
import { makeDisk, makeDiskAs, makeDiskWithBackingFile, makeQcow2 } from './disk.js';
import { createMember } from './cloud.js';
import { expectDeployed, expectUntouched, newRelease, onlyImage, seedProduction } from './images.js';
import { withSite, writesTo } from './site.js';

test.concurrent(
  'leaves out what a manifest may not set, says so, and passes the rest on',
  withSite(async (site) => {
    const forbidden = {
      ...{
        id: 'x',
        name: 'evil',
        owner: 'x',
        status: 'active',
        visibility: 'private',
        protected: true,
        os_hidden: true,
        checksum: 'x',
        size: 1,
        Locations: 'x',
      },
      ...{
        current: '20990101-v1',
        image_tools_id: 'x',
        image_tools_replaces: 'x',
        os_glance_import_task: 'x',
        'owner_specified.x': 'x',
      },
      ...{ nested: { a: 1 }, 'control-character': 'a\u0007b', 'path/of': 'x' },
    };
    const published = await site.store.publish(site.name, newRelease, {
      manifest: { ...forbidden, 'hw-firmware': 'uefi', number: 7 },
    });

    const result = await site.deploy();

    expect(result.warnings).toEqual([expect.stringContaining('cannot be set by a manifest')]);
    for (const key of Object.keys(forbidden)) expect(result.warnings?.[0]).toContain(key);
    const image = await expectDeployed(site, published);
    expect(image).toMatchObject({
      'hw-firmware': 'uefi',
      number: '7',
      owner: site.project.id,
      protected: false,
      os_hidden: false,
      image_tools_id: image.id,
    });
    for (const key of ['nested', 'control-character', 'path/of', 'owner_specified.x', 'image_tools_replaces'])
      expect(image[key]).toBeUndefined();
  }),
);

test.concurrent.each([
  ['a list', '["build-distro"]', /manifest http\S+ is a list/],
  ['HTML', '<html><body>moved</body></html>', /is not JSON: it begins with "<html>/],
  ['empty', '', /manifest http\S+ is empty/],
])('refuses a manifest that is %s', (_, manifest, reason) =>
  withSite(async (site) => {
    await site.store.publish(site.name, newRelease, { manifest });

    const result = await site.deploy();

    expect(result.failed).toBe(true);
    expect(onlyImage(result).reason).toMatch(reason);
    expect(writesTo(site.glanceProxy)).toEqual([]);
  })(),
);

test.concurrent(
  'touches nothing where another project has a public image of the name',
  withSite(async (site) => {
    const foreign = await seedProduction(site, { owner: site.cloud.demo_project_id });
    site.afterwards(() => site.glance.remove(foreign.id));
    await site.store.publish(site.name, newRelease);

    const result = await site.deploy();

    expect(result).toMatchObject({ changed: false, failed: true });
    expect(onlyImage(result)).toMatchObject({ action: 'conflict' });
    expect(result.msg).toContain(
      `image ${foreign.id} of project ${site.cloud.demo_project_id} is public under this name`,
    );
    expect(writesTo(site.glanceProxy)).toEqual([]);
    expect(await site.glance.get(foreign.id)).toEqual(foreign);
  }),
);

test.concurrent(
  'touches nothing where two of our own public images have the name and no marker tells which is newer',
  withSite(async (site) => {
    const images = [await seedProduction(site), await seedProduction(site)];
    await site.store.publish(site.name, newRelease);

    const result = await site.deploy();

    expect(onlyImage(result).action).toBe('conflict');
    for (const { id } of images) expect(result.msg).toContain(id);
    expect(await site.glance.list()).toEqual(expect.arrayContaining(images));
    expect(writesTo(site.glanceProxy)).toEqual([]);
  }),
);

test.concurrent.each<[string, () => Buffer | string, RegExp]>([
  ['is HTML', () => `<!DOCTYPE html><html>${' '.repeat(5000)}</html>`, /\.qcow2 is HTML, not qcow2/],
  ['is raw', () => makeDisk({ format: 'raw' }), /\.qcow2 is raw, not qcow2/],
  ['is a qcow2 with a backing file', makeDiskWithBackingFile, /a qcow2 that refers to a backing file/],
  ['is cut off', () => makeDisk().subarray(0, 60), /has only 60 bytes and is not qcow2/],
  ['is empty', () => '', /is empty, not qcow2/],
  ['is a qcow2 with extended L2 entries', () => makeQcow2('extended_l2=on'), /a qcow2 with extended L2 entries/],
  [
    'is an encrypted qcow2',
    () => makeQcow2('encrypt.format=luks,encrypt.key-secret=key'),
    /a qcow2 whose content is encrypted/,
  ],
  [
    'is a qcow2 with a data file',
    () => makeQcow2('data_file=data.raw'),
    /a qcow2 that refers to an external data file/,
  ],
])('refuses a .qcow2 that %s, before anything is written', (_, content, reason) =>
  withSite(async (site) => {
    const old = await seedProduction(site);
    await site.store.publish(site.name, newRelease, { content: content() });

    const result = await site.deploy();

    expect(result).toMatchObject({ changed: false, failed: true });
    expect(onlyImage(result).reason).toMatch(reason);
    expect(writesTo(site.glanceProxy)).toEqual([]);
    await expectUntouched(site, old);
  })(),
);

test.concurrent.each([
  ['VMDK', 'vmdk', ''],
  ['VMDK', 'vmdk', 'subformat=monolithicFlat'],
  ['VMDK', 'vmdk', 'subformat=streamOptimized'],
  ['VHD', 'vpc', 'subformat=dynamic'],
  ['VHDX', 'vhdx', ''],
  ['VDI', 'vdi', ''],
  ['QED', 'qed', ''],
  ['QCOW version 1', 'qcow', ''],
  ['LUKS', 'luks', 'key-secret=key,iter-time=10'],
  ['Parallels', 'parallels', ''],
])('refuses a .raw that QEMU would open as %s (%s %s), before anything is written', (found, format, options) =>
  withSite(async (site) => {
    const old = await seedProduction(site);
    await site.store.publish(site.name, newRelease, { format: 'raw', content: makeDiskAs(format, options) });

    const result = await site.deploy({ image_type: 'raw' });

    expect(onlyImage(result).reason).toMatch(new RegExp(`\\.raw is ${found}, not raw$`));
    expect(writesTo(site.glanceProxy)).toEqual([]);
    await expectUntouched(site, old);
  })(),
);

const fiveMib = JSON.stringify(
  Object.fromEntries(Array.from({ length: 120_000 }, (_, at) => [`CC-Image-${at}-of-many`, newRelease])),
);

test.concurrent.each<[string, string, string, RegExp]>([
  [
    'HTML',
    '<!DOCTYPE html><title>Sign in</title>',
    'STORE_DOCUMENT_UNUSABLE',
    /the catalogue http\S+ is not JSON: it begins with "<!DOCTYPE/,
  ],
  ['a list', `["${newRelease}"]`, 'CATALOGUE_UNUSABLE', /the catalogue http\S+ is a list/],
  ['null', 'null', 'CATALOGUE_UNUSABLE', /is null/],
  ['empty', '', 'STORE_DOCUMENT_UNUSABLE', /the catalogue http\S+ is empty/],
  ['five megabytes', fiveMib, 'STORE_DOCUMENT_UNUSABLE', /is larger than 4194304 bytes/],
])('refuses a catalogue that is %s', (_, catalogue, code, message) =>
  withSite(async (site) => {
    const old = await seedProduction(site);
    await site.store.publishCatalogue(catalogue);

    const result = await site.deploy();

    expect(result).toMatchObject({ changed: false, failed: true, code });
    expect(result.msg).toMatch(message);
    expect(writesTo(site.glanceProxy)).toEqual([]);
    await expectUntouched(site, old);
  })(),
);

test.concurrent(
  'says what is missing where the store has no catalogue',
  withSite(async (site) => {
    const result = await site.deploy();

    expect(result).toMatchObject({ failed: true, code: 'STORE_OBJECT_MISSING' });
    expect(result.msg).toMatch(/the store has no catalogue http\S+\/current; does the container "\S+" exist/);
  }),
);

test.concurrent(
  'never asks the store for names and releases that lead elsewhere, and deploys the good ones beside them',
  withSite(async (site) => {
    const published = await site.store.publish(site.name, newRelease);
    const bad = {
      '../../evil': newRelease,
      'a\u0000b\u001b[31m': newRelease,
      '': newRelease,
      'a/evil': newRelease,
      'CC-evil': '../../evil',
      'CC-number': 7,
      'CC-null': null,
      ['x'.repeat(3000)]: newRelease,
    };
    await site.store.publishCatalogue(JSON.stringify({ ...bad, [site.name]: newRelease }));

    const result = await site.deploy();

    expect(result).toMatchObject({ changed: true, failed: true, code: 'PART_FAILED' });
    expect(result.images.map(({ action }) => action).sort()).toEqual([
      'deploy',
      ...Object.keys(bad).map(() => 'failed'),
    ]);
    for (const { name, reason } of result.images.filter(({ action }) => action === 'failed')) {
      expect(reason).toMatch(/^the catalogue has (an image named|the release)/);
      expect(name + reason).not.toMatch(/[\u0000-\u001f]/);
    }
    expect(
      site.storeProxy.requests.filter(({ path }) => !path.endsWith('/current') && !path.includes(`/${site.name}.`)),
    ).toEqual([]);
    await expectDeployed(site, published);
  }),
);

test.concurrent(
  'leaves nothing behind where the user may not publish images, and says so once',
  withSite(async (site) => {
    const member = await createMember(site.cloud, site.project);
    site.afterwards(() => member.remove());
    await site.store.publish(site.name, newRelease);
    const auth = {
      auth_url: site.cloud.keystone_url,
      user_id: member.user_id,
      password: member.password,
      project_id: site.project.id,
    };

    const result = await site.deploy({ auth });

    expect(result.failed).toBe(true);
    expect(result.msg).toMatch(
      new RegExp(
        `^1 failed; ${site.name}: Glance does not let this login make an image public, so nothing was uploaded: ` +
          '.*You are not authorized to complete publicize_image action.\\)$',
      ),
    );
    expect(await site.glance.list()).toEqual([]);
  }),
);
