// Image lists on the real Glance: distributions' images as nginx serves them, each with the kind of
// checksum file that its distribution publishes, and a site that openstack-image-manager filled.
import { createHash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from '@jest/globals';
import { openSigningHome, type SigningHome } from '../clients/signing.js';
import { makeDisk, mib } from './disk.js';
import type { RawImage } from './glance.js';
import { openOldSite, setAge } from './image-clean-site.js';
import { startNginx, type Nginx } from './nginx.js';
import { withSite, writesTo, type Site } from './site.js';

const publisher = 'Images <images@publisher>';

interface ListedSite {
  readonly site: Site;
  readonly nginx: Nginx;
  readonly keys: SigningHome;
  readonly keyring: string;
  /** Serves a file and gives its URL. */
  serve(path: string, content: Buffer | string): string;
  /** The arguments of a run with this list. */
  list(images: readonly Readonly<Record<string, unknown>>[]): Readonly<Record<string, unknown>>;
}

async function openListedSite(site: Site): Promise<ListedSite> {
  const nginx = await startNginx('');
  site.afterwards(() => nginx.close());
  const keys = openSigningHome();
  site.afterwards(() => keys.close());
  keys.makeKey(publisher);
  const file = join(site.addHost(), 'list.yml');
  return {
    site,
    nginx,
    keys,
    keyring: keys.keyring('publisher.asc', [publisher], 'armored'),
    serve: (path, content) => {
      mkdirSync(dirname(join(nginx.served, path)), { recursive: true });
      writeFileSync(join(nginx.served, path), content);
      return `${nginx.url}/${path}`;
    },
    list: (images) => {
      writeFileSync(file, JSON.stringify({ images }));
      return { catalog: ['list'], image_lists: [file] };
    },
  };
}

const digest = (algorithm: string, content: Buffer): string => createHash(algorithm).update(content).digest('hex');
const small = (): Buffer => makeDisk({ bytes: mib / 4 });
const compressed = (program: string, content: Buffer): Buffer =>
  execFileSync(program, ['-c'], { input: content, maxBuffer: 8 * mib });

interface Published {
  readonly entry: Readonly<Record<string, unknown>>;
  /** What the site is to have. */
  readonly content: Buffer;
  readonly verifiedBy: string;
}

/** SHA256SUMS as sha256sum -b writes it, with a signature in a file of its own. */
function ubuntu({ site, serve, keys, keyring }: ListedSite, signed?: string): Published {
  const content = small();
  const sums = `${digest('sha256', content)} *noble-server-cloudimg-amd64.img\n${'0'.repeat(64)} *noble-server-cloudimg-arm64.img\n`;
  const checksum = serve('noble/current/SHA256SUMS', sums);
  const signature = serve('noble/current/SHA256SUMS.gpg', keys.sign(signed ?? sums, [publisher], { form: 'armored' }));
  const url = serve('noble/current/noble-server-cloudimg-amd64.img', content);
  const entry = { name: `${site.name} Ubuntu`, url, checksum, signature, keyring, properties: { os_distro: 'ubuntu' } };
  return { entry, content, verifiedBy: "publisher's sha256" };
}

/** SHA512SUMS, with a binary signature. */
function debian({ site, serve, keys, keyring }: ListedSite): Published {
  const content = small();
  const sums = `${digest('sha512', content)}  debian-12-genericcloud-amd64.qcow2\n`;
  const checksum = serve('bookworm/latest/SHA512SUMS', sums);
  const signature = serve('bookworm/latest/SHA512SUMS.sign', keys.sign(sums, [publisher]));
  const url = serve('bookworm/latest/debian-12-genericcloud-amd64.qcow2', content);
  return {
    entry: { name: `${site.name} Debian`, url, checksum, signature, keyring },
    content,
    verifiedBy: "publisher's sha512",
  };
}

/** CHECKSUM in the style of BSD, signed in place. */
function fedora({ site, serve, keys, keyring }: ListedSite): Published {
  const content = small();
  const file = 'Fedora-Cloud-Base-Generic-43-1.6.x86_64.qcow2';
  const text = `# ${file}: ${content.length} bytes\nSHA256 (${file}) = ${digest('sha256', content)}\n`;
  const checksum = serve('43/images/Fedora-Cloud-43-1.6-x86_64-CHECKSUM', keys.clearsign(text, [publisher]));
  const url = serve(`43/images/${file}`, content);
  const entry = { name: `${site.name} Fedora`, url, checksum, signature: checksum, keyring, version: '43-1.6' };
  return { entry, content, verifiedBy: "publisher's sha256" };
}

/** A file in the style of BSD next to each image. */
function rocky({ site, serve }: ListedSite): Published {
  const content = small();
  const file = 'Rocky-9-GenericCloud.latest.x86_64.qcow2';
  const url = serve(`rocky/${file}`, content);
  const text = `# ${file}: ${content.length} bytes\nSHA256 (${file}) = ${digest('sha256', content)}\n`;
  const checksum = serve(`rocky/${file}.CHECKSUM`, text);
  return { entry: { name: `${site.name} Rocky`, url, checksum }, content, verifiedBy: "publisher's sha256" };
}

/** A file in the style of sha256sum next to each image; the image is raw, and compressed. */
function openSuse({ site, serve }: ListedSite): Published {
  const content = makeDisk({ format: 'raw', bytes: mib });
  const packed = compressed('xz', content);
  const file = 'openSUSE-Leap-15.6-Minimal-VM.x86_64-Cloud.raw.xz';
  const url = serve(`leap/${file}`, packed);
  const checksum = serve(`leap/${file}.sha256`, `${digest('sha256', packed)}  ${file}\n`);
  return {
    entry: { name: `${site.name} openSUSE`, url, checksum, disk_format: 'raw' },
    content,
    verifiedBy: "publisher's sha256",
  };
}

/** DIGESTS: several algorithms, each under a comment; the image is compressed. */
function flatcar({ site, serve }: ListedSite): Published {
  const content = small();
  const packed = compressed('bzip2', content);
  const file = 'flatcar_production_openstack_image.img.bz2';
  const url = serve(`flatcar/${file}`, packed);
  const lines = ['md5', 'sha1', 'sha512'].map(
    (algorithm) => `# ${algorithm.toUpperCase()} HASH\n${digest(algorithm, packed)}  ${file}\n`,
  );
  const checksum = serve(`flatcar/${file}.DIGESTS`, lines.join(''));
  return { entry: { name: `${site.name} Flatcar`, url, checksum }, content, verifiedBy: "publisher's sha512" };
}

/** The digest alone. */
function alpine({ site, serve }: ListedSite): Published {
  const content = small();
  const url = serve('alpine/generic_alpine-3.22.2-x86_64-bios-cloudinit-r0.qcow2', content);
  const checksum = serve(
    'alpine/generic_alpine-3.22.2-x86_64-bios-cloudinit-r0.qcow2.sha512',
    `${digest('sha512', content)}\n`,
  );
  return { entry: { name: `${site.name} Alpine`, url, checksum }, content, verifiedBy: "publisher's sha512" };
}

async function imageNamed({ site }: ListedSite, name: unknown): Promise<RawImage> {
  const found = (await site.glance.list()).filter((image) => image.name === name);
  expect(found).toHaveLength(1);
  return found[0]!;
}

test.concurrent(
  "images of the distributions are brought in with their publishers' checksums, once, and each new one",
  withSite(async (site) => {
    const listed = await openListedSite(site);
    const published = [ubuntu, debian, fedora, rocky, openSuse, flatcar, alpine].map((publish) => publish(listed));
    const given = listed.list(published.map(({ entry }) => entry));

    const first = await site.deploy(given);
    const writes = writesTo(site.glanceProxy).length;
    const second = await site.deploy(given);

    expect(first).toMatchObject({ changed: true, msg: '7 deploy' });
    for (const { entry, content, verifiedBy } of published) {
      const image = await imageNamed(listed, entry.name);
      expect(image).toMatchObject({ visibility: 'public', status: 'active', size: content.length });
      expect(await site.glance.sha256(image.id)).toBe(digest('sha256', content));
      expect(first.images.find(({ id }) => id === image.id)?.verified_by).toContain(verifiedBy);
    }
    expect(second).toMatchObject({ changed: false, msg: '7 up_to_date' });
    expect(writesTo(site.glanceProxy)).toHaveLength(writes);

    // A newer image of each, one of which has a signature of another file.
    const old = await imageNamed(listed, `${site.name} Ubuntu`);
    const newer = [ubuntu(listed, 'another file\n'), debian(listed), alpine(listed)];
    const third = await site.deploy(listed.list(newer.map(({ entry }) => entry)));
    expect(third).toMatchObject({ failed: true, code: 'PART_FAILED' });
    expect(third.images.map(({ action }) => action).sort()).toEqual(['deploy', 'deploy', 'failed']);
    expect(third.msg).toMatch(/Ubuntu: the signature .*SHA256SUMS.gpg is not valid: it was not made for this content/);
    expect(await site.glance.get(old.id)).toEqual(old);
    expect(await site.glance.sha256((await imageNamed(listed, `${site.name} Debian`)).id)).toBe(
      digest('sha256', newer[1]!.content),
    );
  }),
);

test.concurrent(
  'an image whose name has left the list is deprecated for the cleaner, and info says so',
  withSite(async (site) => {
    const listed = await openListedSite(site);
    const { clean } = await openOldSite(site);
    const published = [rocky(listed), alpine(listed)];
    await site.deploy(listed.list(published.map(({ entry }) => entry)));
    const [stays, goes] = [
      await imageNamed(listed, `${site.name} Rocky`),
      await imageNamed(listed, `${site.name} Alpine`),
    ];
    for (const { id } of [stays, goes]) setAge(id, 13);

    const given = listed.list([published[0]!.entry]);
    const cleaned = await clean(given);
    const info = await site.info({ ...given, images: [`${site.name} *`] });

    const results = new Map(cleaned.images.map((image) => [image.id, image]));
    expect(results.get(stays.id)).toMatchObject({ state: 'current', action: 'keep' });
    expect(results.get(goes.id)).toMatchObject({ state: 'deprecated', action: 'hide' });
    expect(info.images.find(({ id }) => id === stays.id)).toMatchObject({
      state: 'current',
      origin: 'list',
      visibility: 'public',
    });
    expect(info.images.find(({ id }) => id === goes.id)).toMatchObject({ visibility: 'private' });
    expect((await clean(given)).changed).toBe(false);
  }),
);

test.concurrent(
  'a site that openstack-image-manager filled is taken over in the middle of its life',
  withSite(async (site) => {
    const listed = await openListedSite(site);
    const { clean } = await openOldSite(site);
    const name = `${site.name} Ubuntu 24.04`;
    /** As that tool leaves it: created with its tag, the properties set one by one afterwards. */
    const imported = async (version: string, as: string): Promise<RawImage> => {
      const { id } = await site.glance.create({ name: as, tags: ['managed_by_osism'], visibility: 'private' }, small());
      await site.glance.change(id, {
        tags: ['managed_by_osism', 'os:ubuntu'],
        image_description: name,
        image_name: name,
        image_original_user: 'ubuntu',
        image_source: `${listed.nginx.url}/${version}/noble.img`,
        internal_version: version,
        os_distro: 'ubuntu',
        visibility: 'public',
      });
      return site.glance.get(id);
    };
    const production = await imported('20251112', name);
    const [oldest, older] = [
      await imported('20240101', `${name} (20240101)`),
      await imported('20250101', `${name} (20250101)`),
    ];
    for (const { id } of [production, oldest, older]) setAge(id, 20);
    const listOf = (...versions: readonly string[]) =>
      listed.list([
        {
          name,
          format: 'qcow2',
          login: 'ubuntu',
          min_disk: 0,
          min_ram: 0,
          status: 'active',
          visibility: 'public',
          multi: true,
          meta: { os_distro: 'ubuntu' },
          tags: [],
          versions: versions.map((version) => ({ version, url: `${listed.nginx.url}/${version}/noble.img` })),
        },
      ]);

    const known = await site.deploy(listOf('20250101', '20251112'));

    expect(known.images).toMatchObject([{ action: 'up_to_date', id: production.id }]);
    expect(writesTo(site.glanceProxy).filter(({ method }) => method !== 'PATCH')).toEqual([]);

    const content = small();
    listed.serve('20260115/noble.img', content);
    const replaced = await site.deploy(listOf('20251112', '20260115'));
    const again = await site.deploy(listOf('20251112', '20260115'));

    expect(replaced.images).toMatchObject([{ action: 'deploy', archived_id: production.id }]);
    expect(again).toMatchObject({ changed: false });
    const now = await imageNamed(listed, name);
    expect(now).toMatchObject({ internal_version: '20260115', os_distro: 'ubuntu', visibility: 'public' });
    expect(await site.glance.sha256(now.id)).toBe(digest('sha256', content));

    const cleaned = await clean({ ...listOf('20260115'), keep: 3 });
    const actions = new Map(cleaned.images.map(({ id, action }) => [id, action]));
    expect([now, production, older, oldest].map(({ id }) => actions.get(id))).toEqual([
      'keep',
      'keep',
      'keep',
      'delete',
    ]);
    expect((await site.rollback({ image: name })).images).toMatchObject([{ action: 'rollback', id: production.id }]);
    expect((await site.deploy(listOf('20260115'))).images).toMatchObject([{ action: 'held' }]);
  }),
);
