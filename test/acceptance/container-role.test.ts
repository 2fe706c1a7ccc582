// The role with chameleon_image_tools_runtime: container, on a host with systemd and podman, without Node.js. Each test goes on
// from what the one before has left.
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { bootContainerHost, buildContainerImage, startRegistry, type Registry } from './container-image.js';
import { cloudAdminToken, createProject, readCloud, type CloudFacts } from './cloud.js';
import { mib } from './disk.js';
import { openGlance, type RawGlance } from './glance.js';
import { swiftStore } from './image-store.js';
import { openSiteFolder, type Host, type PlayResult, type SiteFolder } from './systemd-host.js';

jest.setTimeout(900_000);

const unique = `t${randomBytes(4).toString('hex')}`;
const name = `CC-Container-${unique}`;

let cloud: CloudFacts;
let glance: RawGlance;
let registry: Registry;
let site: SiteFolder;
let host: Host;
const tidying: (() => unknown)[] = [];

beforeAll(async () => {
  cloud = readCloud();
  registry = await startRegistry(await buildContainerImage());
  tidying.push(() => registry.close());
  await registry.push('latest');
  const project = await createProject(cloud, unique);
  tidying.push(() => project.remove());
  glance = openGlance(cloud.glance_url, project.token, project.id);
  tidying.push(async () => Promise.all((await glance.list()).map(({ id }) => glance.remove(id))));
  const store = swiftStore(cloud, await cloudAdminToken(cloud), unique);
  tidying.push(() => store.cleanUp());
  await store.publish(name, '20250115-v1-amd', { bytes: 4 * mib });
  host = await bootContainerHost('container-role', registry);
  tidying.push(() => host.down());
  await host.shell(
    'dpkg --purge --force-all nodejs >/dev/null 2>&1; rm -f /usr/bin/node /usr/bin/nodejs /usr/local/bin/node',
  );
  site = await openSiteFolder();
  tidying.push(() => site.remove());
  const hosts = { 'container-role': {} };
  site.write('inventory.yml', {
    all: { vars: { ansible_connection: 'systemd_host' }, children: { 'chameleon-image-tools': { hosts } } },
  });
  site.write('defaults.yml', {
    ...{ keystone_internal_url: cloud.keystone_url, keystone_admin_user: 'admin', keystone_admin_project: unique },
    ...{ keystone_admin_password: cloud.admin_password, openstack_region_name: 'RegionOne', openstack_cacert: '' },
    ...{ enable_image_deployer: 'yes', chameleon_image_tools_object_store_url: store.url },
    ...{ chameleon_image_tools_scope: unique, chameleon_image_tools_runtime: 'container' },
    chameleon_image_tools_docker_image: `${registry.repository}:latest`,
    chameleon_image_tools_textfile_dir: '/srv/textfile',
  });
  await host.shell('mkdir /srv/textfile');
});

afterAll(async () => {
  for (const tidy of tidying.reverse()) await tidy();
});

async function played(
  variables: Readonly<Record<string, unknown>> = {},
  argv: readonly string[] = [],
): Promise<PlayResult> {
  const result = await site.play(variables, argv);
  expect({ exitCode: result.exitCode, failed: result.stdout.match(/^fatal: .*/gm) }).toEqual({
    exitCode: 0,
    failed: null,
  });
  expect(result.stdout).not.toContain(cloud.admin_password);
  return result;
}

const idOf = async (image: string): Promise<string> =>
  (await host.try(`podman image inspect --format '{{.Id}}' ${image}`)).stdout.trim();
const current = (): Promise<string> => idOf('localhost/chameleon-image-tools:current');

test('a host without an engine, and an image without a name, are refused with the cure', async () => {
  const unnamed = await site.play({ chameleon_image_tools_docker_image: '' }, [
    '--tags',
    'chameleon_image_tools_preflight',
  ]);

  expect(unnamed.exitCode).toBe(2);
  expect(unnamed.stdout).toContain('that `make container` builds, with a tag or a digest');
  await host.shell('mv /usr/bin/podman /usr/bin/podman.away; rm -f /usr/local/bin/docker /usr/bin/docker');
  const without = await site.play({}, ['--tags', 'chameleon_image_tools_preflight']);
  await host.shell('mv /usr/bin/podman.away /usr/bin/podman');
  expect(without.stdout).toContain('neither podman nor docker');
});

test('the play pulls the image, installs no Node.js, and a second one changes nothing', async () => {
  await played();
  const again = await played({ chameleon_image_tools_check: 'true' });

  expect(again.changed).toEqual([]);
  expect(again.stdout).toMatch(/Check in the container whether the next runs can succeed\] \**\nok: /);
  expect(await current()).toBe(await idOf(`${registry.repository}:latest`));
  expect((await host.try('command -v node nodejs; ls -d /opt/chameleon_image_tools/node')).stdout).toBe('');
  expect(await host.shell('chameleon-image-tools --version')).toMatch(/^\d+\.\d+\.\d+\n$/);
});

test("the timer's service brings the images into Glance, and leaves no copy of the credentials", async () => {
  await host.shell('systemctl start image_deploy.service');

  expect(await glance.list()).toMatchObject([{ name, status: 'active', visibility: 'public' }]);
  const journal = await host.shell('journalctl --unit=image_deploy.service --output=cat');
  expect(journal).toMatch(new RegExp(`${name} +20250115-v1-amd +deploy`));
  expect(journal).not.toContain(cloud.admin_password);
  expect(journal).not.toContain('<6>');
  expect(await host.shell('cat /srv/textfile/image_deploy.prom')).toMatch(
    /^periodic_task_last_success\{name="image_deploy"\} \d+$/m,
  );
  expect(
    await host.shell('ls -A /run/chameleon_image_tools /run/chameleon_image_deploy 2>/dev/null || true'),
  ).not.toMatch(/container/);
  expect(await host.shell('chameleon-image-deploy --dry-run')).toContain('1 image up to date at ');
  expect(await host.shell('stat -c "%a %U" /etc/chameleon_image_tools/site.yaml')).toBe('600 root\n');
  await host.shell('cd /tmp && install -m 600 /etc/chameleon_image_tools/site.yaml own.yaml');
  expect(await host.shell('cd /tmp && chameleon-image-tools deploy --dry-run --site-yaml own.yaml')).toContain(
    '1 image up to date at ',
  );
});

test('its container is not root, can write nowhere else, and others cannot read its credentials', async () => {
  const inside = async (script: string): Promise<string> =>
    host.shell(`echo 'const fs = require("fs"); ${script}' | /opt/chameleon_image_tools/container/node -`);

  const status = await inside('console.log(fs.readFileSync("/proc/self/status", "utf8"))');

  expect(status).toMatch(/^Uid:\s+61000\s+61000\s+61000\s+61000$/m);
  expect(status).toMatch(/^CapBnd:\s+0+$/m);
  expect(status).toMatch(/^NoNewPrivs:\s+1$/m);
  expect(
    await inside(
      'for (const path of ["/x", "/etc/x", "/usr/x", "/etc/chameleon_image_tools/x"]) try { fs.writeFileSync(path, ""); console.log(path) } catch {}',
    ),
  ).toBe('');
  expect(
    await inside(
      'const path = "/etc/chameleon_image_tools/site.yaml", s = fs.statSync(path); ' +
        'console.log(s.uid, (s.mode & 511).toString(8), fs.readFileSync(path, "utf8").length > 0)',
    ),
  ).toBe('61000 400 true\n');
});

test('another image of the same tag is an upgrade, and previous goes back, once', async () => {
  const first = await current();
  await registry.push('latest', 'second');

  const upgrade = await played({}, ['--tags', 'chameleon_image_tools_install']);

  const second = await current();
  expect(second).not.toBe(first);
  expect(upgrade.changed).toEqual(['Keep the image that was current', 'Make the image current']);
  const back = { chameleon_image_tools_state: 'previous' };
  expect((await played(back, ['--tags', 'chameleon_image_tools_install'])).changed).toContain('Make the image current');
  expect(await current()).toBe(first);
  expect((await played(back, ['--tags', 'chameleon_image_tools_install'])).changed).toEqual([]);
  expect(await current()).toBe(first);
  expect(await idOf('localhost/chameleon-image-tools:previous')).toBe(second);
});

test('a digest is not pulled again, and the image of other tools is refused', async () => {
  const digest = await registry.push('third', 'third');
  const variables = { chameleon_image_tools_docker_image: `${registry.repository}@${digest}` };
  const argv = ['--tags', 'chameleon_image_tools_install'];
  await played(variables, argv);

  expect((await played(variables, argv)).stdout).toMatch(/Pull the image\][^\n]*\nskipping/);
  const other = await registry.push('other', 'other', 'hammers');
  const refused = await site.play({ chameleon_image_tools_docker_image: `${registry.repository}@${other}` }, argv);
  expect(refused.stdout).toContain('is not an image of chameleon_image_tools');
});

test('absent removes images and files', async () => {
  await played({ chameleon_image_tools_state: 'absent' });

  expect(await host.shell('podman images --format "{{.Repository}}:{{.Tag}}" | grep localhost || true')).toBe('');
  expect((await host.try('ls /usr/local/bin/chameleon-image-tools /opt/chameleon_image_tools')).stdout).toBe('');
});
