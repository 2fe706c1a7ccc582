// What a user of the host without any rights can do to the runs of root: on a host with a real
// systemd, against the real cloud.
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { createProject, readCloud, root, type CloudFacts, type Project } from './cloud.js';
import { bootHost, type Host, type Output } from './systemd-host.js';

jest.setTimeout(240_000);

const unique = `t${randomBytes(4).toString('hex')}`;
const command = join(root, 'roles/chameleon_image_tools/files/chameleon-image-tools.mjs');
const asMallory = 'setpriv --reuid=nobody --regid=nogroup --clear-groups sh -ec';
const tidying: (() => unknown)[] = [];

let cloud: CloudFacts;
let project: Project;
let host: Host;
/** The name of the cleaner's lock file for this cloud and project. */
let lock: string;

beforeAll(async () => {
  cloud = readCloud();
  project = await createProject(cloud, unique);
  tidying.push(() => project.remove());
  host = await bootHost('local-attacks');
  tidying.push(() => host.down());
  const site = {
    auth: {
      auth_url: cloud.keystone_url,
      username: 'admin',
      password: cloud.admin_password,
      project_name: unique,
      user_domain_name: 'Default',
      project_domain_name: 'Default',
    },
    region_name: 'RegionOne',
  };
  await host.shell(
    `umask 077; printf '%s' '${JSON.stringify(site)}' >/root/site.yaml; ` +
      'mkdir -p -m 711 /srv/secret && echo root:hash >/srv/secret/shadow && echo image >/srv/image && mkdir ' +
      '/srv/theirs && chown nobody /srv/theirs && chmod 755 /srv /srv/theirs',
  );
  expect(await clean()).toMatchObject({ exitCode: 0 });
  lock = (await host.shell('cd /run/chameleon_image_tools && ls *image_clean*.lock')).trim();
});

afterAll(async () => {
  for (const tidy of tidying.reverse()) await tidy();
});

/** A run that is not over after a minute hangs. */
function clean(): Promise<Output> {
  return host.try(`timeout --signal=KILL 60 ${command} clean --site-yaml /root/site.yaml`);
}

function cache(dest: string, more = ''): Promise<Output> {
  return host.try(
    `printf '%s' '${JSON.stringify([{ url: 'file:///srv/image', dest, mode: '0666', owner: 'nobody' }])}' ` +
      `>/root/files.yaml; timeout --signal=KILL 60 ${command} cache --files /root/files.yaml --allowed-paths /srv ` +
      `${more}`,
  );
}

test('the lock of root can be neither opened nor replaced', async () => {
  await expect(
    host.try(`${asMallory} 'flock --nonblock /run/chameleon_image_tools/${lock} true'`),
  ).resolves.toMatchObject({ stderr: expect.stringContaining('Permission denied') });
  await expect(host.try(`${asMallory} 'rm -f /run/chameleon_image_tools/${lock}'`)).resolves.toMatchObject({
    stderr: expect.stringContaining('cannot remove'),
  });
  await expect(host.try(`${asMallory} 'flock --nonblock /run/lock/${lock} true'`)).resolves.toMatchObject({
    stderr: expect.stringMatching(/Permission denied|cannot open/),
  });
});

test.each([
  ['a pipe', 'mkfifo /run/lock/LOCK'],
  ['a link', 'ln -s /srv/secret/shadow /run/lock/LOCK'],
  ['a file', ': >/run/lock/LOCK'],
  [
    'a file that is locked',
    'flock --no-fork /run/lock/LOCK sleep 300 >/dev/null 2>&1 </dev/null & echo $! >/tmp/holder',
  ],
])('%s in the place of the earlier lock stops no run', async (_, trap) => {
  await host.shell(`rm -f /run/lock/${lock}`);
  await host.shell(`${asMallory} '${trap.replace('LOCK', lock)}'`);

  expect(await clean()).toMatchObject({ exitCode: 0 });
  await host.shell(`if [ -e /tmp/holder ]; then kill $(cat /tmp/holder); fi; rm -f /tmp/holder /run/lock/${lock}`);
});

test('the lock of an earlier version that root holds is respected', async () => {
  await host.shell(
    `rm -f /run/lock/${lock}; flock --no-fork /run/lock/${lock} sleep 300 >/dev/null 2>&1 </dev/null & echo $! ` +
      `>/tmp/holder; until ! flock --nonblock /run/lock/${lock} true; do sleep 0.1; done`,
  );

  expect(await clean()).toMatchObject({ exitCode: 75, stderr: expect.stringContaining('RUN_IN_PROGRESS') });
  await host.shell('kill $(cat /tmp/holder); rm /tmp/holder');
});

test.each([
  [
    'a link for the part',
    'mkdir -p /srv/theirs/.image_cache/files && ln -s /srv/secret/shadow /srv/theirs/.image_cache/files/copy.part',
  ],
  [
    'a link for the record',
    'mkdir -p /srv/theirs/.image_cache/files && ln -s /srv/secret/shadow ' +
      '/srv/theirs/.image_cache/files/copy.json.draft',
  ],
  [
    'a link for the lock',
    'mkdir -p /srv/theirs/.image_cache && ln -s /srv/secret/shadow /srv/theirs/.image_cache/lock',
  ],
  ['a pipe for the lock', 'mkdir -p /srv/theirs/.image_cache && mkfifo /srv/theirs/.image_cache/lock'],
  ["a link for the cache's own folder", 'ln -s /srv/secret /srv/theirs/.image_cache'],
])('%s, and nothing of root is written, given away or read', async (_, trap) => {
  const state = async (): Promise<string> =>
    host.shell('cd /srv/secret && find . -printf "%p %m %U %G %s %T@\\n" | sort && cat shadow');
  await host.shell(`${asMallory} '${trap}'`);
  const before = await state();

  const ended = await cache('/srv/theirs/copy');

  expect(ended).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('UNSAFE_PATH') });
  expect(ended.stderr).toContain('/srv/theirs/.image_cache');
  expect(await state()).toBe(before);
  await host.shell('rm -rf /srv/theirs/.image_cache');
});

test('a link on the way to the copy is refused by name', async () => {
  await host.shell(`${asMallory} 'ln -sfn /srv/secret /srv/theirs/way'`);

  expect(await cache('/srv/theirs/way/copy')).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('/srv/theirs/way is a symbolic link of user'),
  });
  expect(await host.shell('ls -A /srv/secret')).toBe('shadow\n');
});

test('a folder of that user without any trap has its copy, with the owner that was asked for', async () => {
  expect(await cache('/srv/theirs/copy')).toMatchObject({ exitCode: 0 });
  expect(
    await host.shell('stat --format="%U %a" /srv/theirs/copy /srv/theirs/.image_cache && cat /srv/theirs/copy'),
  ).toBe('nobody 666\nroot 755\nimage\n');
});

test('a service that waits for a pipe is stopped by systemd with 143', async () => {
  await host.shell(
    'mkfifo /root/pipe; systemd-run --quiet --unit=waiting --property=RemainAfterExit=no ' +
      `--property=TimeoutStopSec=60 --property=Type=exec ${command} clean --site-yaml /root/pipe`,
  );
  await host.shell(
    'until ls -l /proc/$(systemctl show --value --property=MainPID waiting)/fd 2>/dev/null | grep -q /root/pipe; ' +
      'do sleep 0.1; done',
  );
  await host.shell('systemctl stop waiting');

  expect(await host.shell('journalctl --unit=waiting --output=cat --no-pager')).toMatch(
    /interrupted by SIGTERM[^]*status=143/,
  );
});

test('a service without a home folder finds its login', async () => {
  const site = {
    clouds: {
      here: {
        auth: {
          auth_url: cloud.keystone_url,
          username: 'admin',
          password: cloud.admin_password,
          project_name: unique,
          user_domain_name: 'Default',
          project_domain_name: 'Default',
        },
        region_name: 'RegionOne',
      },
    },
  };
  await host.shell(
    `mkdir -p /etc/openstack; printf '%s' '${JSON.stringify(site)}' >/etc/openstack/clouds.yaml; ` +
      'chmod 644 /etc/openstack/clouds.yaml',
  );

  const ended = await host.try(
    `setpriv --reuid=61234 --regid=61234 --clear-groups env --unset=HOME ${command} info --cloud here`,
  );

  expect(ended).toMatchObject({ exitCode: 0, stderr: '' });
});
