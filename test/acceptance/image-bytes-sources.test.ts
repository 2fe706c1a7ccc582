// How the bytes come from their sources, on the real Glance: decompressed, from a mirror when the
// first dies, and by several connections where each is slow; in constant memory.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { startFaultProxy, type FaultProxy } from '../cloud/fault-proxy.js';
import { root } from './cloud.js';
import { makeDisk, mib } from './disk.js';
import { parseResult, startModule, type ModuleResult } from './executable.js';
import { startNginx } from './nginx.js';
import { withSite, type Site } from './site.js';

const digest = (algorithm: string, content: Buffer): string => createHash(algorithm).update(content).digest('hex');

/** A web server with this file, behind a proxy. */
async function serve(site: Site, content: Buffer, rules = ''): Promise<{ url: string; proxy: FaultProxy }> {
  const nginx = await startNginx(rules);
  site.afterwards(() => nginx.close());
  writeFileSync(join(nginx.served, 'disk'), content);
  const proxy = await startFaultProxy(nginx.url);
  site.afterwards(() => proxy.close());
  return { url: `${proxy.url}/disk`, proxy };
}

/** Deploys one image from a list, and says how much memory that took. */
async function deploy(
  site: Site,
  image: Readonly<Record<string, unknown>>,
  environment: Readonly<Record<string, string>> = {},
): Promise<{ result: ModuleResult; mebibytes: number }> {
  const folder = site.addHost();
  const [list, report] = [join(folder, 'list.yml'), join(folder, 'memory')];
  writeFileSync(list, JSON.stringify({ images: [{ name: site.name, version: '1', ...image }] }));
  const given = site.argumentsOf({ catalog: ['list'], image_lists: [list] });
  const ended = await startModule('image_deploy', given, {
    NODE_OPTIONS: `--require=${join(root, 'test/acceptance/report-memory.cjs')}`,
    MEMORY_REPORT: report,
    ...environment,
  }).ended;
  return { result: parseResult(ended), mebibytes: Number(readFileSync(report, 'utf8')) / 1024 };
}

/** A folder with all programs of this host but one. */
function programsBut(site: Site, missing: string): string {
  const folder = site.addHost();
  for (const name of readdirSync('/usr/bin'))
    if (name !== missing) symlinkSync(join('/usr/bin', name), join(folder, name));
  return folder;
}

async function expectContent(site: Site, { result }: { result: ModuleResult }, content: Buffer): Promise<void> {
  expect(result.images).toMatchObject([{ name: site.name, action: 'deploy' }]);
  const image = (await site.glance.list()).find(({ name }) => name === site.name);
  expect(image).toMatchObject({ visibility: 'public', status: 'active', size: content.length });
  expect(image?.os_hash_value).toBe(digest('sha512', content));
}

test.concurrent.each([
  ['gzip', 'gz'],
  ['xz', 'xz'],
  ['zstd', 'zst'],
  ['bzip2', 'bz2'],
])('a disk in %s is decompressed on its way, in constant memory', (program) =>
  withSite(async (site) => {
    const content = makeDisk({ bytes: 24 * mib });
    const args = program === 'gzip' || program === 'xz' ? ['-1', '-c'] : ['-c'];
    const source = execFileSync(program, args, { input: content, maxBuffer: 64 * mib });
    const { url } = await serve(site, source);

    const deployed = await deploy(site, { url, checksum: digest('sha256', source) });

    await expectContent(site, deployed, content);
    expect(deployed.result.images[0]?.verified_by).toEqual([
      'size',
      "publisher's sha256",
      expect.stringMatching(/Glance/),
    ]);
    expect(deployed.mebibytes).toBeLessThan(150);
  })(),
);

test.concurrent(
  'where there is no zstd, a Node.js that knows Zstandard decompresses by itself, in constant memory',
  withSite(async (site) => {
    const content = makeDisk({ bytes: 24 * mib });
    const source = execFileSync('zstd', ['-c'], { input: content, maxBuffer: 64 * mib });
    const { url } = await serve(site, source);
    const environment = {
      PATH: programsBut(site, 'zstd'),
      CHAMELEON_IMAGE_TOOLS_NODE: join(root, '.nodes/24/bin/node'),
    };

    const deployed = await deploy(site, { url, checksum: digest('sha256', source) }, environment);

    await expectContent(site, deployed, content);
    expect(deployed.mebibytes).toBeLessThan(150);
  }),
);

test.concurrent(
  'a source that dies in the middle is continued from a mirror, and another content there is refused',
  withSite(async (site) => {
    const content = makeDisk({ bytes: 8 * mib });
    const { url, proxy } = await serve(site, content);
    const mirror = await serve(site, content);
    const liar = await serve(site, makeDisk({ bytes: 8 * mib }));
    // Looks at the beginning come first.
    proxy.addFault({ method: 'GET', path: /disk/, nth: 2, cutResponseAfter: 3 * mib });
    proxy.addFault({ method: 'GET', path: /disk/, fromNth: 3, status: 503 });
    const image = { url, checksum: digest('sha512', content) };

    const wrong = await deploy(site, { ...image, mirrors: [liar.url] });
    proxy.clearFaults();
    proxy.addFault({ method: 'GET', path: /disk/, nth: 2, cutResponseAfter: 3 * mib });
    proxy.addFault({ method: 'GET', path: /disk/, fromNth: 3, status: 503 });
    const right = await deploy(site, { ...image, mirrors: [mirror.url] });

    expect(wrong.result.images[0]?.reason).toMatch(/publisher's sha512 of the image is .*; the new image was deleted/);
    await expectContent(site, right, content);
    expect(right.result.images[0]?.mirror).toBe(mirror.url);
  }),
);

test.concurrent(
  'a source that is slow for each connection is read by several, in constant memory',
  withSite(async (site) => {
    // So slow that a busy machine is not what the reader waits for.
    const content = makeDisk({ bytes: 64 * mib });
    const { url, proxy } = await serve(site, content, 'limit_rate 4m;');

    const deployed = await deploy(site, { url, checksum: digest('sha256', content) });

    await expectContent(site, deployed, content);
    const parts = proxy.requests.filter(({ headers }) => /^bytes=[1-9]\d*-\d+$/.test(headers.range ?? ''));
    expect(parts.length).toBeGreaterThan(4);
    expect(deployed.mebibytes).toBeLessThan(150);
  }),
);
