// The life of an installation, in the order in which an operator lives it: two control hosts with a real systemd, the role out of
// its archive, a real cloud. Each test goes on from what the one before has left.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { appendFileSync, createReadStream, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { parse } from 'yaml';
import { cloudAdminToken, createProject, readCloud, type CloudFacts, type Project } from './cloud.js';
import { mib } from './disk.js';
import { openGlance, type RawGlance } from './glance.js';
import { swiftStore, type ImageStore } from './image-store.js';
import {
  bootHost,
  openSiteFolder,
  packNode,
  succeed,
  type Host,
  type PlayResult,
  type SiteFolder,
} from './systemd-host.js';

jest.setTimeout(300_000);

const unique = `t${randomBytes(4).toString('hex')}`;
const image = `CC-Role-${unique}`;
const unit = '/etc/systemd/system/image_deploy';
/** For the second host alone, which has no timer and so never uses it. */
const awkwardPassword = `it's "quoted": #no comment \\ {é} | > - & * ! % @`;
const ours = /chameleon|image[_-]deploy/i;

let cloud: CloudFacts;
let project: Project;
let glance: RawGlance;
let store: ImageStore;
let site: SiteFolder;
let one: Host;
let two: Host;
/** What the hosts are told about Node.js, for the one that has none. */
let nodeVariables: Readonly<Record<string, unknown>>;
const tidying: (() => unknown)[] = [];

beforeAll(async () => {
  cloud = readCloud();
  const scope = `role-${unique}`;
  project = await createProject(cloud, scope);
  tidying.push(() => project.remove());
  glance = openGlance(cloud.glance_url, project.token, project.id);
  tidying.push(async () => Promise.all((await glance.list()).map(({ id }) => glance.remove(id))));
  store = swiftStore(cloud, await cloudAdminToken(cloud), scope);
  tidying.push(() => store.cleanUp());
  site = await openSiteFolder();
  tidying.push(() => site.remove());
  [one, two] = await Promise.all([bootHost('role-one'), bootHost('role-two')]);
  tidying.push(() => Promise.all([one.down(), two.down()]));
  // No Node.js, and a distribution that offers none: apt's lists are those of this machine, and may be renewed meanwhile.
  await two.shell(
    'dpkg --purge --force-all nodejs >/dev/null 2>&1; rm -f /usr/bin/node /usr/bin/nodejs /usr/local/bin/node; ' +
      "printf 'Package: nodejs\\nPin: release *\\nPin-Priority: -1\\n' >/etc/apt/preferences.d/no-nodejs",
  );
  nodeVariables = await packNode(site.path);
  writeSite(scope);
  await store.publish(image, '20250115-v1-amd', { bytes: 4 * mib });
});

afterAll(async () => {
  for (const tidy of tidying.reverse()) await tidy();
});

/** What kolla and the site's own defaults.yml say. Kolla's booleans are texts. */
function writeSite(scope: string): void {
  const hosts = { 'role-one': {}, 'role-two': { chameleon_image_tools_password: awkwardPassword } };
  site.write('inventory.yml', {
    all: {
      vars: { ansible_connection: 'systemd_host' },
      children: { control: { hosts }, 'chameleon-image-tools': { children: { control: {} } } },
    },
  });
  site.write('defaults.yml', {
    ...{
      keystone_internal_url: cloud.keystone_url,
      keystone_admin_user: 'admin',
      keystone_admin_project: scope,
      openstack_region_name: 'RegionOne',
    },
    ...{
      keystone_admin_password: cloud.admin_password,
      openstack_cacert: '',
      default_user_domain_name: 'Default',
      enable_image_deployer: 'yes',
      enable_image_cleaner: 'no',
    },
    ...{
      chameleon_image_tools_object_store_url: store.url,
      chameleon_image_tools_scope: scope,
      chameleon_image_tools_config_dir: '/etc/chameleon_image_tools',
    },
  });
}

function expectPlayed(result: PlayResult, changed: Readonly<Record<string, unknown>>): void {
  const failure =
    result.stdout
      .split(/^(?=TASK )/m)
      .filter((task) => task.includes('fatal: '))
      .join('') + result.stderr;
  expect({ exitCode: result.exitCode, failure: result.exitCode === 0 ? '' : failure }).toEqual({
    exitCode: 0,
    failure: '',
  });
  expect(Object.fromEntries(Object.entries(result.recap).map(([host, counts]) => [host, counts.changed]))).toEqual(
    changed,
  );
  expect(result.stdout).not.toContain(cloud.admin_password);
  expect(result.stdout).not.toContain('no comment');
}

/** Plays that must be refused before anything is changed. */
async function refusal(variables: Readonly<Record<string, unknown>>): Promise<string> {
  const result = await site.play(variables, ['--limit', 'role-one', '--tags', 'chameleon_image_tools_preflight']);
  expect(result.exitCode).toBe(2);
  expect(result.changed).toEqual([]);
  return result.stdout.replace(/\\"/g, '"');
}

test('check mode on fresh hosts tells what would change, and writes nothing', async () => {
  const result = await site.play(nodeVariables, ['--check', '--diff']);

  expectPlayed(result, { 'role-one': expect.any(Number), 'role-two': expect.any(Number) });
  expect(result.stdout + result.stderr).not.toContain('path due to this access issue');
  expect(result.changed).toEqual(
    expect.arrayContaining([
      'Write site.yaml',
      'Make it the one that the tools find',
      'Make the version current',
      'Write the units',
    ]),
  );
  expect([...(await one.written()), ...(await two.written())].filter((path) => ours.test(path))).toEqual([]);
});

test('a copied post_deploy.yml gives the timer to the first host alone, takes over from earlier units, and installs Node.js where it is missing', async () => {
  const oldTimer = '[Timer]\\nOnCalendar=daily\\n[Install]\\nWantedBy=timers.target\\n';
  for (const old of [unit, '/etc/systemd/system/chameleon-image-deploy']) {
    await one.shell(
      `printf '[Service]\\nType=oneshot\\nExecStart=/usr/bin/docker run image-tools\\n' >${old}.service; printf '${oldTimer}' >${old}.timer`,
    );
  }
  await one.shell(
    'echo docker >/usr/local/sbin/chameleon-image-deploy; systemctl daemon-reload; systemctl enable --now image_deploy.timer chameleon-image-deploy.timer',
  );

  const result = await site.play(nodeVariables);

  expectPlayed(result, { 'role-one': expect.any(Number), 'role-two': expect.any(Number) });
  expect((await one.shell('systemctl list-timers --all --no-pager')).match(/\S*image[-_]deploy\S*\.timer/g)).toEqual([
    'image_deploy.timer',
  ]);
  expect(
    await one.shell('systemctl cat image_deploy.service; cat /usr/local/sbin/chameleon-image-deploy'),
  ).not.toContain('docker');
  expect(
    await one.shell(
      'systemctl show --value -p FixedRandomDelay -p Persistent -p RandomizedDelayUSec image_deploy.timer',
    ),
  ).toBe('3h\nyes\nyes\n');
  expect(await two.shell('systemctl list-timers --all --no-pager')).not.toContain('image');
  expect(
    (await two.written()).filter(
      (path) => path.startsWith('/etc/systemd/system/image') || path.startsWith('/usr/local/sbin'),
    ),
  ).toEqual([]);
  expect(await two.shell('chameleon-image-tools --version')).toMatch(/^\d+\.\d+\.\d+\n$/);
  for (const host of [one, two])
    expect(await host.shell('stat -c "%a %U" /etc/chameleon_image_tools/site.yaml')).toBe('600 root\n');
  expect(parse(await two.shell('cat /etc/chameleon_image_tools/site.yaml'))).toMatchObject({
    auth: { password: awkwardPassword },
    interface: 'internal',
    catalog: ['releases'],
  });
  expect(await two.shell('head -1 /etc/chameleon_image_tools/supports.yaml')).toContain('Comes with the role');
});

test("the service brings the images into Glance, as a user without rights and with systemd's locks on", async () => {
  await one.shell('systemctl start image_deploy.service');

  expect(await glance.list()).toMatchObject([
    { name: image, status: 'active', visibility: 'public', current: '20250115-v1-amd' },
  ]);
  const journal = await one.shell('journalctl --unit=image_deploy.service --output=cat');
  expect(journal).toMatch(new RegExp(`${image} +20250115-v1-amd +deploy`));
  expect(journal).not.toContain(cloud.admin_password);
  // A key of site.yaml that the tools do not know would be told here.
  expect(journal).not.toContain('ignored');
  expect(await one.shell('systemd-analyze verify image_deploy.service image_deploy.timer 2>&1')).toBe('');
  const exposure = /Overall exposure level for \S+: ([\d.]+)/.exec(
    await one.shell('systemd-analyze security --no-pager image_deploy.service'),
  )?.[1];
  expect(Number(exposure)).toBeLessThanOrEqual(2.0);
});

test('a second run changes nothing, and its difference shows no secret', async () => {
  expectPlayed(await site.play(nodeVariables, ['--diff']), { 'role-one': 0, 'role-two': 0 });
});

test('a changed threshold changes site.yaml alone', async () => {
  const result = await site.play({ hide_image_age_in_month: 6 }, ['--diff', '--limit', 'role-one']);

  expectPlayed(result, { 'role-one': 1 });
  expect(result.changed).toEqual(['Write site.yaml']);
  expect(parse(await one.shell('cat /etc/chameleon_image_tools/site.yaml'))).toMatchObject({
    hide_image_age_in_month: 6,
    delete_image_age_in_month: 18,
  });
});

test('new executables are installed beside the old ones, and deploy at once where that is asked for; the way back stays open', async () => {
  const before = await one.shell('readlink /opt/chameleon_image_tools/current');
  await store.publish(image, '20250422-v1-amd', { bytes: 4 * mib });
  appendFileSync(join(site.path, 'roles/chameleon_image_tools/files/chameleon-image-tools.mjs'), '\n// newer\n');

  const upgrade = await site.play({ chameleon_image_tools_run_now: 'true' }, ['--limit', 'role-one']);

  expect(upgrade.changed).toEqual(
    expect.arrayContaining(['Copy the executables', 'Make the version current', 'Deploy the subscribed images']),
  );
  expect(await one.shell('readlink /opt/chameleon_image_tools/current')).not.toBe(before);
  expect(await one.shell('tail -n 1 /usr/local/bin/chameleon-image-tools')).toBe('// newer\n');
  expect(await glance.list()).toMatchObject([
    { current: '20250115-v1-amd', 'chameleon-supported': 'no' },
    { name: image, current: '20250422-v1-amd' },
  ]);

  const back = await site.play({ chameleon_image_tools_state: 'previous' }, ['--limit', 'role-one']);

  expect(back.changed).toEqual(expect.arrayContaining(['Make the version current']));
  expect(await one.shell('readlink /opt/chameleon_image_tools/current')).toBe(before);
  expect(
    await one.shell(
      'cd /usr/share/bash-completion/completions && bash -c "source ./chameleon-image-tools && complete -p chameleon-image-tools"',
    ),
  ).toContain('_chameleon_image_tools');
  expect(
    await one.shell('systemctl start image_deploy.service && journalctl -u image_deploy -o cat | tail -n 4'),
  ).toContain('up_to_date');
  const again = await site.play({ chameleon_image_tools_state: 'previous' }, [
    '--limit',
    'role-one',
    '--tags',
    'chameleon_image_tools_install',
  ]);
  expect(again.changed).toEqual([]);
});

test('an older systemd, a login in clouds.yaml, a proxy and both metrics', async () => {
  const pushes: string[] = [];
  const gateway = createServer((request, response) => {
    request.setEncoding('utf8').on('data', (text: string) => pushes.push(`${request.method} ${request.url}\n${text}`));
    request.on('end', () => response.end());
  }).listen(0, '127.0.0.1');
  await once(gateway, 'listening');
  try {
    const auth = {
      auth_url: cloud.keystone_url,
      username: 'admin',
      project_id: project.id,
      user_domain_name: 'Default',
    };
    await one.shell(`mkdir -p /srv/textfile /etc/openstack; umask 077
      echo '${JSON.stringify({ clouds: { site: { auth } } })}' >/etc/openstack/clouds.yaml
      echo '${JSON.stringify({ clouds: { site: { auth: { password: cloud.admin_password } } } })}' >/etc/openstack/secure.yaml`);
    const variables = {
      ...{
        _chameleon_image_tools_has_credentials: false,
        chameleon_image_tools_cloud: 'site',
        chameleon_image_tools_textfile_dir: '/srv/textfile',
      },
      chameleon_image_tools_push_gateway_url: `http://127.0.0.1:${(gateway.address() as AddressInfo).port}/`,
      chameleon_image_tools_environment: { HTTP_PROXY: "http://it's:secret@127.0.0.1:9", NO_PROXY: '127.0.0.1' },
    };
    const result = await site.play(variables, [
      '--diff',
      '--limit',
      'role-one',
      '--tags',
      'chameleon_image_tools_configure,chameleon_image_tools_timers',
    ]);
    expectPlayed(result, { 'role-one': expect.any(Number) });
    expect(result.stdout).not.toContain('secret@');

    await one.shell('systemctl start image_deploy.service');

    const now = Date.now() / 1000;
    const metric = await one.shell('cat /srv/textfile/image_deploy.prom');
    expect(metric).toMatch(
      /^# TYPE periodic_task_last_success gauge\nperiodic_task_last_success\{name="image_deploy"\} \d+\n$/,
    );
    expect(Math.abs(now - Number(metric.trim().split(' ').at(-1)))).toBeLessThan(60);
    expect(pushes).toEqual([
      expect.stringMatching(
        /^POST \/metrics\/job\/periodic_task\/name\/image_deploy\n# TYPE [^\n]*\nperiodic_task_last_success \d+\n$/,
      ),
    ]);
    expect(await one.shell('ls /run/private 2>/dev/null || true')).not.toContain('image_deploy');

    // While another run is at it there is no success to tell, and no failure.
    await one.shell('rm /srv/textfile/image_deploy.prom');
    await one.shell('flock /var/lib/private/chameleon_image_tools/*.lock systemctl start image_deploy.service');
    expect(await one.shell('systemctl show --value -p Result -p ExecMainStatus image_deploy.service')).toBe(
      'success\n75\n',
    );
    expect(await one.shell('ls /srv/textfile')).toBe('');
    expect(pushes).toHaveLength(1);
  } finally {
    gateway.close();
  }
  // Nobody listens there any more.
  await one.shell('systemctl start image_deploy.service');
  expect(await one.shell('journalctl -u image_deploy -o cat | tail -n 5')).toContain('the metric cannot be pushed');
});

test('is switched off by its variable: timer, units and wrapper are gone, the command stays', async () => {
  const variables = { enable_image_deployer: 'no', enable_image_cleaner: 'yes', ironic_deploy_kernel: 'the-kernel' };
  const result = await site.play({ ...variables, chameleon_image_tools_textfile_dir: '/srv/textfile' }, [
    '--limit',
    'role-one',
  ]);

  expectPlayed(result, { 'role-one': expect.any(Number) });
  expect(await one.shell('systemctl list-timers --all --no-pager')).not.toContain('image_deploy');
  expect((await one.try('systemctl cat image_deploy.service')).exitCode).not.toBe(0);
  expect(
    (await one.written()).filter((path) => /image[_-]deploy/.test(path) && !/^\/(opt|var\/lib\/private)\//.test(path)),
  ).toEqual([]);
  expect(await one.shell('chameleon-image-tools --version')).not.toBe('');
});

test('the cleaner has a timer of its own, from its variable, and a service that keeps what is young', async () => {
  expect((await one.shell('systemctl list-timers --all --no-pager')).match(/\S*image[-_]\w+\.timer/g)).toEqual([
    'image_clean.timer',
  ]);
  expect(parse(await one.shell('cat /etc/chameleon_image_tools/site.yaml'))).toMatchObject({
    skip_images: ['the-kernel'],
    max_deletes: 100,
    hide_mode: 'private',
  });
  await one.try('systemctl start image_clean.service');
  const journal = await one.shell('journalctl -u image_clean -o cat');
  expect(journal).toContain('keep');
  expect(journal).not.toContain('ignored');
  expect(await one.shell('systemctl show --value -p Result image_clean.service')).toBe('success\n');
  expect(await one.shell('/usr/local/sbin/chameleon-image-clean --dry-run')).toContain('keep');

  const off = await site.play({ enable_image_deployer: 'no', chameleon_image_tools_textfile_dir: '/srv/textfile' }, [
    '--limit',
    'role-one',
  ]);

  expectPlayed(off, { 'role-one': expect.any(Number) });
  expect(await one.shell('systemctl list-timers --all --no-pager')).not.toContain('image_clean');
  expect(
    (await one.written()).filter((path) => /image[_-]clean/.test(path) && !/^\/(opt|var\/lib\/private)\//.test(path)),
  ).toEqual([]);
});

test('what cannot work is refused before anything is changed, with the name of what to set', async () => {
  const refusals: readonly (readonly [Readonly<Record<string, unknown>>, string])[] = [
    [
      { chameleon_image_tools_object_store_url: 'store' },
      'enable_image_deployer is true, but chameleon_image_tools_object_store_url is not an http or https URL',
    ],
    [
      { chameleon_image_tools_catalog: 'releases,objects', chameleon_image_tools_objects_store_url: 'x' },
      'chameleon_image_tools_objects_store_url is not an http or https URL',
    ],
    [{ keystone_admin_password: '' }, 'Without a value now: chameleon_image_tools_password'],
    [
      { hide_image_age_in_month: 18 },
      'hide_image_age_in_month (18) must be at least 1 and less than delete_image_age_in_month',
    ],
    [{ chameleon_image_tools_calendar: 'dayly' }, 'systemd does not understand chameleon_image_tools_calendar'],
    [{ _chameleon_image_tools_is_systemd: false }, 'Set chameleon_image_tools_manage_timers to false'],
  ];
  await Promise.all(
    refusals.map(async ([variables, message]) =>
      expect((await refusal(variables)).replace(/\s+/g, ' ')).toContain(message),
    ),
  );
  rmSync(join(site.path, 'roles/chameleon_image_tools/library'), { recursive: true });
  expect(await refusal({})).toContain('run `npm run build`');
  const galaxy = ['role', 'install', '--force', '-p', 'roles', '-r', 'requirements.yml'];
  await succeed('/usr/bin/ansible-galaxy', galaxy, { cwd: site.path });
});

test('without systemd the wrapper is still installed', async () => {
  const variables = { _chameleon_image_tools_is_systemd: false, chameleon_image_tools_manage_timers: 'false' };

  const result = await site.play(variables, ['--limit', 'role-one', '--tags', 'chameleon_image_tools_timers']);

  expect(result.changed).toEqual(['Write the wrappers']);
  expect(await one.shell('/usr/local/sbin/chameleon-image-deploy --dry-run')).toContain('up_to_date');
});

test('Node.js is downloaded where there is no archive, and a wrong one is refused', async () => {
  const archive = join(site.path, 'node.tar.gz');
  const requested: string[] = [];
  const server = createServer((request, response) => {
    requested.push(`${request.url}`);
    createReadStream(archive).pipe(response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const mirror = `http://127.0.0.1:${(server.address() as AddressInfo).port}/dist/`;
    const argv = ['--limit', 'role-two', '--tags', 'chameleon_image_tools_install'];
    await two.shell('rm -r /opt/chameleon_image_tools/node*');

    const wrong = await site.play({ chameleon_image_tools_node_archive: archive }, argv);
    expect(wrong.exitCode).toBe(2);
    expect(wrong.stdout).toContain('as chameleon_image_tools_node_sha256.');
    expect(await two.shell('ls /opt/chameleon_image_tools')).not.toContain('node');

    const sha256 = nodeVariables.chameleon_image_tools_node_sha256;
    const right = await site.play(
      { chameleon_image_tools_node_mirror: mirror, chameleon_image_tools_node_sha256: sha256 },
      argv,
    );
    expectPlayed(right, { 'role-two': expect.any(Number) });
    expect(requested).toEqual([
      expect.stringMatching(/^\/dist\/v(\d+\.\d+\.\d+)\/node-v\1-linux-(x64|arm64)\.tar\.xz$/),
    ]);
    expect(await two.shell('chameleon-image-tools --version')).not.toBe('');
  } finally {
    server.close();
  }
});

test('absent removes everything that was ever installed, and a second time finds nothing to remove', async () => {
  await two.shell('echo "supported_distros: {}" >/etc/chameleon_image_tools/supports.yaml');

  const result = await site.play({ chameleon_image_tools_state: 'absent' });

  expectPlayed(result, { 'role-one': expect.any(Number), 'role-two': expect.any(Number) });
  expect((await one.written()).filter((path) => ours.test(path))).toEqual([]);
  // What the site has put there itself is the site's.
  expect((await two.written()).filter((path) => ours.test(path))).toEqual([
    '/etc/chameleon_image_tools',
    '/etc/chameleon_image_tools/supports.yaml',
  ]);
  expect(await one.shell('systemctl list-units --all --no-pager; systemctl list-unit-files --no-pager')).not.toMatch(
    /image_deploy|chameleon/,
  );
  expectPlayed(await site.play({ chameleon_image_tools_state: 'absent' }, ['--limit', 'role-one']), { 'role-one': 0 });
});
