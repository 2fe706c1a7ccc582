// The site on which docs/operating.md is followed: a project with images, a store, and one control host.
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { cloudAdminToken, createProject, readCloud, root, type CloudFacts } from './cloud.js';
import { mib } from './disk.js';
import { openGlance, type RawGlance } from './glance.js';
import { setAge } from './image-clean-site.js';
import { swiftStore, usualManifest, type ImageStore } from './image-store.js';
import { renewExecutables, writeDefaults } from './role-site.js';
import { bootHost, openSiteFolder, run, succeed, type Host, type Output, type SiteFolder } from './systemd-host.js';

export interface HandbookSite {
  readonly cloud: CloudFacts;
  readonly glance: RawGlance;
  readonly store: ImageStore;
  readonly host: Host;
  /** The words of the page as they are here, and back. */
  toSite(text: string): string;
  toPage(text: string): string;
  /** Adds to the site's own variables. */
  set(added: unknown): void;
  /** As an operator in the site's folder, logged in as its administrator. */
  shell(command: string): Promise<Output>;
  /** Makes an archive of the role with newer executables the one that requirements.yml names. */
  releaseNewer(): Promise<void>;
  /** An archived image of so many months. */
  archive(name: string, release: string, months: number, attributes?: Attributes): Promise<void>;
  cleanUp(): Promise<void>;
}

type Attributes = Readonly<Record<string, unknown>>;

const hostName = 'handbook';

export async function openHandbookSite(): Promise<HandbookSite> {
  const cloud = readCloud();
  // As long as what it stands for, so that tables look the same.
  const unique = `U${randomBytes(3).toString('hex').slice(0, 5)}`;
  const scope = `handbook-${unique}`;
  const tidying: (() => unknown)[] = [];
  const project = await createProject(cloud, scope);
  tidying.push(() => project.remove());
  const glance = openGlance(cloud.glance_url, project.token, project.id);
  tidying.push(() => removeImages(glance));
  const store = swiftStore(cloud, await cloudAdminToken(cloud), scope);
  tidying.push(() => store.cleanUp());
  const host = await bootHost(hostName);
  tidying.push(() => host.down());
  const site = await openSiteFolder();
  tidying.push(() => site.remove());
  const variables = await fillFolder(site, cloud, { scope, storeUrl: store.url });
  const words = [
    ['https://store.example.org/v1/AUTH_images', store.url],
    ['Ubuntu', unique],
    ['control1', hostName],
    ['at chi.example.org;', `at ${new URL(cloud.keystone_url).hostname};`],
    ['climate', scope],
  ] as const;
  const toSite = (text: string): string =>
    words.reduce((changed, [page, here]) => changed.replaceAll(page, here), text);
  return {
    cloud,
    glance,
    store,
    host,
    toSite,
    toPage: (text) => words.reduceRight((changed, [page, here]) => changed.replaceAll(here, page), text),
    set: (added) => {
      Object.assign(variables, added);
      site.write('defaults.yml', variables);
    },
    shell: (command) => {
      const environment = { OS_CLOUD: 'site', OS_CLIENT_CONFIG_FILE: join(site.path, 'clouds.yaml') };
      return run('/bin/sh', ['-c', command], { cwd: site.path, environment });
    },
    releaseNewer: async () => {
      await renewExecutables(site);
      await packRole(site);
    },
    archive: async (pageName, release, months, attributes = {}) => {
      const name = toSite(pageName);
      const properties: Record<string, string> = { current: release, ...usualManifest(name, release) };
      const image = await glance.create(
        { name: `${name}_${properties['build-timestamp']}`, visibility: 'public', ...properties, ...attributes },
        Buffer.alloc(mib, 'old'),
      );
      setAge(image.id, months);
    },
    cleanUp: async () => {
      for (const tidy of tidying.reverse()) await tidy();
    },
  };
}

async function removeImages(glance: RawGlance): Promise<void> {
  for (const { id, protected: isProtected } of await glance.list()) {
    if (isProtected === true) await glance.change(id, { protected: false });
    await glance.remove(id);
  }
}

/** Gives the variables of the site. */
async function fillFolder(
  site: SiteFolder,
  cloud: CloudFacts,
  { scope, storeUrl }: { scope: string; storeUrl: string },
): Promise<Record<string, unknown>> {
  const groups = { control: { hosts: { [hostName]: {} } }, 'chameleon-image-tools': { children: { control: {} } } };
  site.write('inventory', { all: { vars: { ansible_connection: 'systemd_host' }, children: groups } });
  const { stdout: playbook } = await succeed('cat', [join(root, 'playbooks/chameleon_image_tools.yml')]);
  site.write('playbooks/chameleon_image_tools.yml', playbook);
  const auth = {
    auth_url: cloud.keystone_url,
    username: 'admin',
    password: cloud.admin_password,
    project_name: scope,
    user_domain_name: 'Default',
    project_domain_name: 'Default',
  };
  site.write('clouds.yaml', { clouds: { site: { auth, region_name: 'RegionOne' } } });
  writeDefaults(site, cloud, { scope, storeUrl });
  const { stdout: defaults } = await succeed('cat', [join(site.path, 'defaults.yml')]);
  const variables = { ...(parse(defaults) as Record<string, unknown>), enable_image_cleaner: 'yes' };
  site.write('defaults.yml', variables);
  return variables;
}

async function packRole(site: SiteFolder): Promise<void> {
  await succeed('tar', ['-czf', 'chameleon_image_tools-newer.tar.gz', '-C', 'roles', 'chameleon_image_tools'], {
    cwd: site.path,
  });
  const src = `file://${join(site.path, 'chameleon_image_tools-newer.tar.gz')}`;
  writeFileSync(
    join(site.path, 'requirements.yml'),
    JSON.stringify({ roles: [{ name: 'chameleon_image_tools', src }] }),
  );
}
