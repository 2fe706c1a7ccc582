// The folder of CHI-in-a-Box and of a site, as test/chi-in-a-box has them, and the commands of docs/switching.md run in it.
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { call, cloudAdminToken, root, type CloudFacts } from './cloud.js';
import { mib } from './disk.js';
import { blocksOf } from './markdown-blocks.js';
import { run, succeed, type Host, type Output } from './systemd-host.js';

export interface ChiInABox {
  /** Its folder, where `./cc-ansible` is. */
  readonly path: string;
  /** Runs a command there as the documentation has it; throws unless it ends with 0. */
  shell(command: string): Promise<string>;
  try(command: string): Promise<Output>;
  remove(): void;
}

export interface SiteFiles {
  readonly inventory: unknown;
  /** The site's own variables. */
  readonly variables: Readonly<Record<string, unknown>>;
}

/** CHI-in-a-Box with its own role, a site, and the archive of ours beside it. */
export async function openChiInABox({ inventory, variables }: SiteFiles): Promise<ChiInABox> {
  const top = mkdtempSync(join(tmpdir(), 'chi-'));
  const path = join(top, 'chi-in-a-box');
  const site = join(top, 'site-config');
  cpSync(join(root, 'test/chi-in-a-box'), path, { recursive: true });
  mkdirSync(site);
  writeFileSync(join(site, 'inventory'), stringify(inventory));
  writeFileSync(join(site, 'defaults.yml'), stringify(variables));
  const plugins = join(root, 'test/systemd-host/connection_plugins');
  const configuration = ['[defaults]', `connection_plugins = ${plugins}`, 'forks = 5', 'gathering = explicit'];
  writeFileSync(join(path, 'ansible.cfg'), [...configuration, '[connection]', 'pipelining = true', ''].join('\n'));
  const { stdout: archive } = await succeed(join(root, 'scripts/dist'), []);
  cpSync(join(root, archive.trim()), join(path, 'chameleon_image_tools-0.1.0.tar.gz'));
  const attempt = (command: string): Promise<Output> =>
    run('/bin/sh', ['-c', command], { cwd: path, environment: { CC_ANSIBLE_SITE: site } });
  return {
    path,
    try: attempt,
    shell: async (command) => {
      const output = await attempt(command);
      if (output.exitCode !== 0) throw new Error(`${command} ended with ${output.exitCode}:\n${failuresIn(output)}`);
      return output.stdout;
    },
    remove: () => rmSync(top, { recursive: true }),
  };
}

function failuresIn({ stdout, stderr }: Output): string {
  const tasks = stdout.split(/^(?=TASK )/m).filter((task) => /fatal: |failed: /.test(task));
  return `${tasks.join('')}${stderr}` || stdout;
}

/** Copies a file of test/chi-in-a-box into a host. */
export async function copyInto(host: Host, name: string, destination: string): Promise<void> {
  const content = readFileSync(join(root, 'test/chi-in-a-box', name)).toString('base64');
  await host.shell(`echo ${content} | base64 -d >${destination} && chmod 755 ${destination}`);
}

/** Commands of a section of docs/switching.md: those of the deployment host, or those of root on a control host. */
export function documented(section: string, prompt: '$' | '#'): readonly string[] {
  const text = readFileSync(join(root, 'docs/switching.md'), 'utf8');
  const body = text.split(/^## /m).find((part) => part.startsWith(`${section}\n`));
  if (body === undefined) throw new Error(`docs/switching.md has no section ${section}`);
  return blocksOf(body, '').flatMap((block) =>
    block.split('\n').flatMap((line) => (line.startsWith(`${prompt} `) ? [line.slice(2)] : [])),
  );
}

/** All commands of docs/switching.md for a site of CHI-in-a-Box; image-lists.test.ts takes over the other kind of site. */
export function allDocumented(): readonly string[] {
  const sections = readFileSync(join(root, 'docs/switching.md'), 'utf8').split(/^## /m).slice(1);
  const titles = sections
    .map((section) => section.slice(0, section.indexOf('\n')))
    .filter((title) => title !== 'From openstack-image-manager');
  return titles.flatMap((title) => [...documented(title, '$'), ...documented(title, '#')]);
}

/** One object, as the first tools have them. */
export async function fillOlderStore(cloud: CloudFacts, scope: string): Promise<() => Promise<void>> {
  const container = `${cloud.swift_url}/objects-${scope}`;
  const headers = { 'X-Auth-Token': await cloudAdminToken(cloud), 'Content-Type': 'application/octet-stream' };
  const object = `${container}/5d3bd4b3-6d0b-4c1a-9d3c-0123456789ab`;
  const properties = { distro: 'ubuntu', release: 'focal', variant: 'base', ipa: 'na', timestamp: '1677628504.9' };
  const metadata = Object.entries(properties).map(([name, value]) => [`X-Object-Meta-build-${name}`, value]);
  await call('PUT', container, { headers: { ...headers, 'X-Container-Read': '.r:*,.rlistings' } });
  await call('PUT', object, {
    headers: { ...headers, ...Object.fromEntries(metadata), 'X-Object-Meta-disk-format': 'raw' },
    body: Buffer.alloc(mib, 7),
  });
  return async () => {
    await call('DELETE', object, { headers });
    await call('DELETE', container, { headers });
  };
}
