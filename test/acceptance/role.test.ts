// The life of an installation, in the order in which an operator lives it: two control hosts with a real systemd, the role out of
// its archive, a real cloud. Each test goes on from what the one before has left. A play costs half a minute of CPU time for each
// host, so that only what all stages do together is played without tags.
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { parse } from 'yaml';
import { cloudAdminToken, createProject, readCloud, type CloudFacts, type Project } from './cloud.js';
import { mib } from './disk.js';
import { openGlance, type RawGlance } from './glance.js';
import { swiftStore, type ImageStore } from './image-store.js';
import {
  awkwardPassword,
  expectPlayed as expectPlayedWith,
  installOlderUnits,
  openGateway,
  ours,
  renewExecutables,
  takeNodeFrom,
  writeClouds,
  writeDefaults,
  writeInventory,
} from './role-site.js';
import { expectPageWritten, pageVariables } from './role-page.js';
import { bootHost, openSiteFolder, packNode, type Host, type PlayResult, type SiteFolder } from './systemd-host.js';

jest.setTimeout(900_000);

const unique = `t${randomBytes(4).toString('hex')}`;
const image = `CC-Role-${unique}`;
const textfile = { chameleon_image_tools_textfile_dir: '/srv/textfile' };
const configureOne = ['--limit', 'role-one', '--tags', 'chameleon_image_tools_configure,chameleon_image_tools_timers'];
/** Its timers are on the first host, so that the second host never uses its password. */
const hosts = { 'role-one': {}, 'role-two': { chameleon_image_tools_password: awkwardPassword } };

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
  await takeNodeFrom(two);
  nodeVariables = await packNode(site.path);
  writeInventory(site, hosts);
  writeDefaults(site, cloud, { scope, storeUrl: store.url });
  await store.publish(image, '20250115-v1-amd', { bytes: 4 * mib });
});

afterAll(async () => {
  for (const tidy of tidying.reverse()) await tidy();
});

function expectPlayed(result: PlayResult, changed: Readonly<Record<string, unknown>>): void {
  expectPlayedWith(result, changed, [cloud.admin_password, 'no comment']);
}

test('check mode on fresh hosts tells what would change, and writes nothing', async () => {
  const result = await site.play(nodeVariables, ['--check', '--diff']);

  expectPlayed(result, { 'role-one': expect.any(Number), 'role-two': expect.any(Number) });
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
  await installOlderUnits(one);

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

test('a second run changes nothing, on a host with a changed threshold site.yaml alone, and its difference shows no secret', async () => {
  writeInventory(site, { ...hosts, 'role-one': { hide_image_age_in_month: 6 } });

  const result = await site.play(nodeVariables, ['--diff']);

  expectPlayed(result, { 'role-one': 1, 'role-two': 0 });
  expect(result.changed).toEqual(['Write site.yaml']);
  expect(parse(await one.shell('cat /etc/chameleon_image_tools/site.yaml'))).toMatchObject({
    hide_image_age_in_month: 6,
    delete_image_age_in_month: 18,
  });
});

test('new executables are installed beside the old ones, and deploy at once where that is asked for; the way back stays open', async () => {
  const before = await one.shell('readlink /opt/chameleon_image_tools/current');
  await store.publish(image, '20250422-v1-amd', { bytes: 4 * mib });
  await renewExecutables(site);

  const upgrade = await site.play({ chameleon_image_tools_run_now: 'true' }, [
    ...['--limit', 'role-one', '--tags', 'chameleon_image_tools_install,chameleon_image_tools_run'],
  ]);

  expect(upgrade.changed).toEqual(
    expect.arrayContaining(['Copy the executables', 'Make the version current', 'Deploy the subscribed images']),
  );
  expect(await one.shell('readlink /opt/chameleon_image_tools/current')).not.toBe(before);
  expect(await one.shell('tail -n 1 /usr/local/bin/chameleon-image-tools')).toBe('// newer\n');
  expect(await glance.list()).toMatchObject([
    { current: '20250115-v1-amd', 'chameleon-supported': 'no' },
    { name: image, current: '20250422-v1-amd' },
  ]);

  const argv = ['--limit', 'role-one', '--tags', 'chameleon_image_tools_install'];
  const back = await site.play({ chameleon_image_tools_state: 'previous' }, argv);

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
  const again = await site.play({ chameleon_image_tools_state: 'previous' }, argv);
  expect(again.changed).toEqual([]);
});

test('an older systemd, a login in clouds.yaml, a proxy and both metrics', async () => {
  const gateway = await openGateway();
  try {
    await writeClouds(one, cloud, project);
    const variables = {
      ...{ _chameleon_image_tools_has_credentials: false, chameleon_image_tools_cloud: 'site', ...textfile },
      chameleon_image_tools_push_gateway_url: gateway.url,
      chameleon_image_tools_environment: { HTTP_PROXY: "http://it's:secret@127.0.0.1:9", NO_PROXY: '127.0.0.1' },
    };
    const result = await site.play(variables, ['--diff', ...configureOne]);
    expectPlayed(result, { 'role-one': expect.any(Number) });
    expect(result.stdout).not.toContain('secret@');

    await one.shell('systemctl start image_deploy.service');

    const metrics = await one.shell('cat /srv/textfile/image_deploy.prom');
    const [, lastSuccess] = /^periodic_task_last_success\{name="image_deploy"\} (\d+)$/m.exec(metrics) ?? [];
    expect(Math.abs(Date.now() / 1000 - Number(lastSuccess))).toBeLessThan(60);
    expect(metrics).toMatch(new RegExp(`^image_tools_image_size_bytes\\{.*image="${image}".*\\} \\d+$`, 'm'));
    expect(await one.shell('ls -A /srv/textfile; stat -c "%a %U" /srv/textfile/image_deploy.prom')).toBe(
      'image_deploy.prom\n644 root\n',
    );
    expect(gateway.pushes).toEqual([`POST /metrics/job/periodic_task/name/image_deploy\n${metrics}`]);
    expect(await one.shell('ls /run/private 2>/dev/null || true')).not.toContain('image_deploy');

    // While another run is in progress there is no success to tell, and no failure.
    await one.shell('rm /srv/textfile/image_deploy.prom');
    await one.shell('flock /var/lib/private/chameleon_image_tools/*.lock systemctl start image_deploy.service');
    expect(await one.shell('systemctl show --value -p Result -p ExecMainStatus image_deploy.service')).toBe(
      'success\n75\n',
    );
    expect(await one.shell('ls /srv/textfile')).toBe('');
    expect(gateway.pushes).toHaveLength(1);
  } finally {
    gateway.close();
  }
  // Nobody listens there any more. By hand it is the same run, and with options another one.
  await one.shell('systemctl start image_deploy.service');
  expect(await one.shell('journalctl -u image_deploy -p warning -o cat')).toContain('the metrics cannot be pushed');
  await one.shell('rm /srv/textfile/*.prom; chameleon-image-deploy --dry-run');
  expect(await one.shell('ls -A /srv/textfile')).toBe('');
  expect(await one.shell('chameleon-image-deploy; cat /srv/textfile/*.prom')).toContain('periodic_task_last_success{');
});

test('is switched off by its variable: timer, units and wrapper are gone, the command stays', async () => {
  const variables = { enable_image_deployer: 'no', enable_image_cleaner: 'yes', ironic_deploy_kernel: 'the-kernel' };
  const result = await site.play({ ...variables, ...textfile, ...pageVariables }, configureOne);

  expectPlayed(result, { 'role-one': expect.any(Number) });
  expect(await one.shell('systemctl list-timers --all --no-pager')).not.toContain('image_deploy');
  expect((await one.try('systemctl cat image_deploy.service')).exitCode).not.toBe(0);
  expect(
    (await one.written()).filter((path) => /image[_-]deploy/.test(path) && !/^\/(opt|var\/lib\/private)\//.test(path)),
  ).toEqual([]);
  expect(await one.shell('chameleon-image-tools --version')).not.toBe('');
});

test('the cleaner has its own timer, a service that keeps what is young, and a page about the images after it', async () => {
  const timers = (await one.shell('systemctl list-timers --all --no-pager')).match(/\S*image[-_]\w+\.timer/g);
  expect(timers?.sort()).toEqual(['image_clean.timer', 'image_report.timer']);
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
  await expectPageWritten(one, image);
});

test('without systemd the wrapper is still installed', async () => {
  const without = { _chameleon_image_tools_is_systemd: false, chameleon_image_tools_manage_timers: 'false' };

  const result = await site.play({ ...without, ...textfile, ...pageVariables, enable_image_cleaner: 'yes' }, [
    '--limit',
    'role-one',
    '--tags',
    'chameleon_image_tools_timers',
  ]);

  expect(result.changed).toEqual(['Write the wrappers']);
  expect(await one.shell('/usr/local/sbin/chameleon-image-deploy --dry-run')).toContain('up_to_date');
});

test('absent removes everything that was ever installed, a running timer too, and a second time finds nothing to remove', async () => {
  await two.shell('echo "supported_distros: {}" >/etc/chameleon_image_tools/supports.yaml');

  expect(await one.shell('systemctl list-timers --all --no-pager')).toContain('image_clean.timer');

  const result = await site.play({ chameleon_image_tools_state: 'absent', ...textfile });

  expectPlayed(result, { 'role-one': expect.any(Number), 'role-two': expect.any(Number) });
  expect((await one.written()).filter((path) => ours.test(path))).toEqual([]);
  // What the site has put there itself is the site's.
  expect((await two.written()).filter((path) => ours.test(path))).toEqual([
    '/etc/chameleon_image_tools',
    '/etc/chameleon_image_tools/supports.yaml',
  ]);
  expect(await one.shell('systemctl list-units --all --no-pager; systemctl list-unit-files --no-pager')).not.toMatch(
    /image_(deploy|clean)|chameleon/,
  );
  expectPlayed(await site.play({ chameleon_image_tools_state: 'absent' }, ['--limit', 'role-one']), { 'role-one': 0 });
});
