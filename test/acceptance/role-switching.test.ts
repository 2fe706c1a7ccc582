// docs/switching.md, command by command, on three control hosts with what a site had before: the first role of CHI-in-a-Box, tools
// by hand, the role for 2025.1. Each test goes on from what the one before has left.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { copyFileSync, mkdirSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { parse } from 'yaml';
import { allDocumented, copyInto, documented, fillOlderStore, openChiInABox, type ChiInABox } from './chi-in-a-box.js';
import { cloudAdminToken, createProject, readCloud, root, type CloudFacts } from './cloud.js';
import { mib } from './disk.js';
import { openGlance, type RawGlance } from './glance.js';
import { swiftStore, type ImageStore } from './image-store.js';
import { bootHost, type Host } from './systemd-host.js';

jest.setTimeout(900_000);

const unique = `t${randomBytes(4).toString('hex')}`;
const scope = `switch-${unique}`;
const image = `CC-Switch-${unique}`;
const olderImage = `CC-Older-${unique}`;
// The port is the one that sites have; the loopback address is of this test alone.
const gatewayHost = `127.0.${randomBytes(1)[0]}.9`;
const docker = 'docker run --rm --net=host -v /etc:/etc image';
let cloud: CloudFacts;
let glance: RawGlance;
let store: ImageStore;
let chi: ChiInABox;
let first: Host;
let byHand: Host;
let later: Host;
let gateway: Server;
const pushes: string[] = [];
const tidying: (() => unknown)[] = [];
const ran = new Set<string>();
beforeAll(async () => {
  cloud = readCloud();
  const project = await createProject(cloud, scope);
  tidying.push(() => project.remove());
  glance = openGlance(cloud.glance_url, project.token, project.id);
  tidying.push(async () => Promise.all((await glance.list()).map(({ id }) => glance.remove(id))));
  store = swiftStore(cloud, await cloudAdminToken(cloud), scope);
  tidying.push(() => store.cleanUp());
  await store.publish(image, '20250115-v1-amd', { bytes: mib });
  tidying.push(await fillOlderStore(cloud, scope));
  gateway = createServer((request, response) => {
    pushes.push(`${request.method} ${request.url}`);
    request.resume().on('end', () => response.end());
  }).listen(9099, gatewayHost);
  await once(gateway, 'listening');
  tidying.push(() => gateway.close());
  [first, byHand, later] = await Promise.all([
    bootHost('switch-first'),
    bootHost('switch-hand'),
    bootHost('switch-later'),
  ]);
  tidying.push(() => Promise.all([first, byHand, later].map((host) => host.down())));
  chi = await openChiInABox(siteFiles());
  tidying.push(() => chi.remove());
  await prepareHosts();
});

afterAll(async () => {
  for (const tidy of tidying.reverse()) await tidy();
});

/** Variables of CHI-in-a-Box; ours only make each host a site, and keep the tests off the public store. */
function siteFiles(): { inventory: unknown; variables: Readonly<Record<string, unknown>> } {
  const hosts = {
    'switch-first': { generation: 'first' },
    'switch-hand': { generation: 'later', chameleon_image_tools_cloud: 'uc_dev' },
    'switch-later': {
      generation: 'later',
      chameleon_image_tools_config_dir: '/etc/hammers',
      image_object_store_url: store.url,
    },
  };
  const vars = { ansible_connection: 'systemd_host', ansible_python_interpreter: '/usr/bin/python3' };
  const children = {
    control: { hosts },
    'chameleon-image-tools': { children: { control: {} } },
    'prometheus-pushgateway': { hosts: { [gatewayHost]: {} } },
  };
  return {
    inventory: { all: { vars, children } },
    variables: {
      enable_image_deployer: 'yes',
      enable_image_cleaner: 'yes',
      openstack_keystone_auth_url: cloud.keystone_url,
      keystone_admin_username: 'admin',
      keystone_admin_password: cloud.admin_password,
      keystone_admin_project_name: scope,
      openstack_region_name: 'RegionOne',
      image_container: 'chameleon-supported-images',
      image_type: 'qcow2',
      image_prefix: 'testing_',
      image_scope: scope,
      chameleon_image_tools_timer_host: '{{ inventory_hostname }}',
      chameleon_image_tools_objects_store_url: cloud.swift_url,
      chameleon_image_tools_objects_container: `objects-${scope}`,
    },
  };
}

const supports = `supported_distros: {ubuntu: {releases: {focal: {prod_name: ${olderImage}, variants: [base]}}}}
supported_variants: {base: {prod_name_suffix: null}}`;

async function prepareHosts(): Promise<void> {
  const command = join(root, 'roles/chameleon_image_tools/files/chameleon-image-tools.mjs');
  for (const host of [first, byHand, later]) {
    await copyInto(host, 'docker', '/usr/bin/docker');
    copyFileSync(command, join(host.folder, 'root/tools.mjs'));
    // The other name comes before any docker of this machine.
    await host.shell('cd /usr/local; ln -s /usr/bin/docker sbin/; ln -s ~/tools.mjs bin/chameleon-image-tools');
  }
  await chi.shell('./cc-ansible --playbook playbooks/chameleon_image_tools.yml --limit switch-first,switch-later');
  await first.shell(`echo '${supports}' >/etc/chameleon_image_tools/supports.yaml; cat >>/etc/chameleon_image_tools/site.yaml <<END
objects_store_url: ${cloud.swift_url}
objects_container: objects-${scope}
END`);
  const auth = { auth_url: cloud.keystone_url, username: 'admin', password: cloud.admin_password, project_name: scope };
  const clouds = { clouds: { uc_dev: { auth: { ...auth, user_domain_id: 'default', project_domain_id: 'default' } } } };
  await byHand.shell(`mkdir -p /etc/openstack /etc/chameleon_image_tools; cd /etc/chameleon_image_tools
    echo '${JSON.stringify(clouds)}' >/etc/openstack/clouds.yaml; echo '${supports}' >supports.yaml; echo 'nodes: []' >nodes.yml
    printf 'image_store_cloud: uc_dev\\nobject_store_url: ${store.url}\\nscope: ${scope}\\n' >site.yaml`);
}

/** Runs a documented command, and remembers that it was. */
async function follow(command: string, where: { shell(command: string): Promise<string> }): Promise<string> {
  ran.add(command);
  return where.shell(command);
}

const timersOn = async (host: Host): Promise<string[] | null> =>
  (await host.shell('systemctl list-timers --all --no-pager')).match(/\S*image[-_]\w+(-\w+)*\.timer/g);
const siteYaml = async (host: Host, folder: string): Promise<unknown> =>
  parse(await host.shell(`cat ${folder}/site.yaml`));
const inGlance = async (): Promise<unknown> =>
  (await glance.list()).map(({ id, name, updated_at }) => ({ id, name, updated_at }));

test('the command alone reads what is there', async () => {
  const [ofFirst = '', ofLater = ''] = documented('Try it first', '#');

  expect(await follow(ofFirst, first)).toMatch(new RegExp(`${olderImage} .* deploy `));
  const planned = await follow(ofLater, { shell: (command) => later.shell(`${command} 2>&1`) });

  expect(planned).toMatch(new RegExp(`${image} +20250115-v1-amd +deploy`));
  expect(planned).toContain('image_store_cloud is "RegionOne", which is in no clouds.yaml');
  expect(await inGlance()).toEqual([]);
});

test('the first play changes nothing and says what is not as expected', async () => {
  const [move = '', unpack = '', preflight = ''] = documented('Swap the role', '$');
  await follow(move, chi);
  await follow(unpack, chi);

  const output = (await follow(preflight, chi)).replace(/\s+/g, ' ');

  expect(output).not.toMatch(/changed=[1-9]/);
  expect(output).toContain(
    'chameleon_site_tools_image, chameleon_site_tools_image_full, chameleon_site_tools_tag without effect',
  );
  expect(output).toContain(`so the older one is subscribed to: ${cloud.swift_url}`);
  expect(output).toContain(
    `The image store is that of /etc/chameleon_image_tools/site.yaml on this host: ${store.url}`,
  );
  expect(output).not.toContain('Another role');
});

test('the second one takes over from all of them', async () => {
  const [, , , swap = ''] = documented('Swap the role', '$');

  await follow(swap, chi);

  for (const host of [first, byHand, later]) {
    expect((await timersOn(host))?.sort()).toEqual(['image_clean.timer', 'image_deploy.timer']);
    expect(await host.shell('systemctl show -P Id chameleon-image-deploy.timer chameleon-image-clean.service')).toBe(
      'image_deploy.timer\n\nimage_clean.service\n',
    );
    expect(await host.shell('systemctl cat image_deploy.service; cat /usr/local/sbin/chameleon-image-*')).not.toContain(
      'docker',
    );
  }
  expect(await siteYaml(first, '/etc/chameleon_image_tools')).toMatchObject({ catalog: ['objects'] });
  expect(await siteYaml(byHand, '/etc/chameleon_image_tools')).toMatchObject({
    image_store_cloud: 'uc_dev',
    object_store_url: store.url,
    scope,
  });
  expect(await siteYaml(later, '/etc/hammers')).toMatchObject({
    object_store_url: store.url,
    scope,
  });
  expect(await later.shell('ls /etc/hammers; stat -c %a /etc/hammers/site.yaml')).toBe(
    'envvars\nsite.yaml\nsupports.yaml\n600\n',
  );
  expect(await later.try('ls /etc/chameleon_image_tools')).toMatchObject({ exitCode: 2 });
});

test('the site goes on by both names of the units, and its push gateway hears of it', async () => {
  const commands = documented('What changes on the host', '#');
  for (const host of [first, later, byHand]) {
    const outputs: string[] = [];
    for (const command of commands) outputs.push(await follow(command, host));

    const [timers, , journal, planned] = outputs;
    expect(timers).toContain('image_deploy.timer');
    expect(journal).toMatch(host === first ? `${olderImage} ` : `${image} `);
    expect(journal).not.toMatch(/ignored|no clouds.yaml/);
    expect(planned).toContain('up_to_date');
  }
  expect((await glance.list()).map(({ name }) => name).sort()).toEqual([olderImage, image].sort());
  expect(pushes).toEqual(Array(3).fill('POST /metrics/job/periodic_task/name/image_deploy'));
});

test('the older tools can read our site.yaml, and log in with it', async () => {
  const folder = '/etc/chameleon_image_tools';
  expect(await first.shell(`${docker} deploy --site-yaml ${folder}/site.yaml`)).toBe(
    `deploy: admin in ${scope}, region RegionOne\n`,
  );
  expect(await first.shell(`${docker} clean --site-yaml ${folder}/site.yaml`)).toBe(
    `clean: admin in ${scope}, region RegionOne\n`,
  );
  expect(await later.shell(`${docker} image_deployer --site /etc/hammers/site.yaml`)).toBe(
    `image_deployer: cloud RegionOne, qcow2, testing_, ['${image}']\n`,
  );
  expect(await byHand.shell(`${docker} image_deployer --site ${folder}/site.yaml`)).toContain('cloud uc_dev, ');
});

test('a second play changes nothing, and the rules for Prometheus are where the documentation says', async () => {
  const stages = '--tags chameleon_image_tools_configure,chameleon_image_tools_timers';
  const again = await chi.shell(
    `./cc-ansible --playbook playbooks/chameleon_image_tools.yml --limit switch-hand ${stages}`,
  );

  expect(again).toMatch(/switch-hand .* changed=0 /);
  mkdirSync(join(chi.path, 'kolla/node_custom_config/prometheus'), { recursive: true });
  for (const command of documented('Prometheus', '$')) await follow(command, chi);
});

test('going back works, and leaves the images alone', async () => {
  const before = await inGlance();
  for (const command of documented('Back', '$').slice(0, 3)) await follow(command, chi);

  expect(await first.shell('systemctl start image_deploy.service && journalctl -u image_deploy -o cat')).toContain(
    `deploy: admin in ${scope}, region RegionOne`,
  );
  expect(
    await later.shell('systemctl start chameleon-image-deploy.service && journalctl -u chameleon-image-deploy -o cat'),
  ).toContain('image_deployer: cloud RegionOne');
  for (const host of [byHand, later]) {
    expect(await host.shell('systemctl show -P Id chameleon-image-deploy.timer')).toBe(
      'chameleon-image-deploy.timer\n',
    );
    expect((await timersOn(host))?.sort()).toEqual(['chameleon-image-deploy.timer', 'image_clean.timer']);
  }
  // Their clean-up has taken the folder; our cleaner says so, and is no failed unit.
  expect(await byHand.try('systemctl start image_clean.service')).not.toMatchObject({ exitCode: 0 });
  expect(await byHand.try('systemctl is-failed image_clean.service')).toMatchObject({ stdout: 'inactive\n' });
  expect(await inGlance()).toEqual(before);
});

test('coming back to ours brings back what the clean-up has deleted', async () => {
  const before = await inGlance();
  await chi.shell(
    'mv roles/chameleon_image_tools ../theirs && mv ../chameleon_image_tools.ours roles/chameleon_image_tools',
  );
  const stages = '--tags chameleon_image_tools_configure,chameleon_image_tools_timers';
  await chi.shell(
    `./cc-ansible --playbook playbooks/chameleon_image_tools.yml --limit switch-hand ${stages} -e image_object_store_url=${store.url}`,
  );

  expect(await byHand.shell('cat /etc/chameleon_image_tools/supports.yaml /etc/chameleon_image_tools/nodes.yml')).toBe(
    `${supports}\nnodes: []\n`,
  );
  expect((await timersOn(byHand))?.sort()).toEqual(['image_clean.timer', 'image_deploy.timer']);
  expect(await byHand.shell('systemctl start image_deploy && journalctl -u image_deploy -o cat | tail -9')).toContain(
    'up_to_date',
  );
  expect(await inGlance()).toEqual(before);
});

test('absent leaves what was the site’s own, and every documented command was run', async () => {
  await follow(documented('Back', '$').at(-1) ?? '', chi);

  const left = (await byHand.written()).filter((path) => /chameleon|image[-_](deploy|clean)/.test(path));
  expect(left.filter((path) => !path.startsWith('/etc/chameleon_image_tools'))).toEqual([]);
  expect(await byHand.shell('ls /etc/chameleon_image_tools')).toBe('nodes.yml\nsupports.yaml\n');
  expect(allDocumented().filter((command) => !ran.has(command))).toEqual([]);
});
