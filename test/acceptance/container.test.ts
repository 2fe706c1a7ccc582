// The container image, run by podman on a host with systemd as its documentation says.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { bootContainerHost, buildContainerImage, startRegistry, waitUntil } from './container-image.js';
import { cloudAdminToken, createProject, readCloud, type CloudFacts } from './cloud.js';
import { mib } from './disk.js';
import { openGlance, type RawGlance } from './glance.js';
import { swiftStore, type ImageStore } from './image-store.js';
import type { Host } from './systemd-host.js';

jest.setTimeout(900_000);

const unique = `t${randomBytes(4).toString('hex')}`;
const name = `CC-Container-${unique}`;
const folder = '/etc/chameleon_image_tools';
const mounted = `-v ${folder}:${folder}`;
const docker =
  'CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP NET_BIND_SERVICE SYS_CHROOT KILL AUDIT_WRITE';

let cloud: CloudFacts;
let glance: RawGlance;
let store: ImageStore;
let host: Host;
let image: string;
const tidying: (() => unknown)[] = [];

beforeAll(async () => {
  cloud = readCloud();
  const registry = await startRegistry(await buildContainerImage());
  tidying.push(() => registry.close());
  const digest = await registry.push('latest');
  const project = await createProject(cloud, unique);
  tidying.push(() => project.remove());
  glance = openGlance(cloud.glance_url, project.token, project.id);
  tidying.push(async () => Promise.all((await glance.list()).map(({ id }) => glance.remove(id))));
  store = swiftStore(cloud, await cloudAdminToken(cloud), unique);
  tidying.push(() => store.cleanUp());
  await store.publish(name, '20250115-v1-amd', { bytes: 4 * mib });
  host = await bootContainerHost('container-one', registry);
  tidying.push(() => host.down());
  image = `${registry.repository}@${digest}`;
  await host.shell(`podman pull --quiet ${image}`);
  await writeSiteYaml(cloud.keystone_url);
});

afterAll(async () => {
  for (const tidy of tidying.reverse()) await tidy();
});

/** As the role writes it: for root alone. */
async function writeSiteYaml(authUrl: string): Promise<void> {
  const auth = { auth_url: authUrl, username: 'admin', password: cloud.admin_password, project_name: unique };
  const domains = { user_domain_name: 'Default', project_domain_name: 'Default' };
  const site = { auth: { ...auth, ...domains }, region_name: 'RegionOne', object_store_url: store.url, scope: unique };
  const text = JSON.stringify({ ...site, lock_dir: '/var/lib/chameleon_image_tools' });
  await host.shell(
    `mkdir -p ${folder}; rm -f ${folder}/site.yaml; umask 077; echo '${text}' >${folder}/site.yaml; chmod 600 ${folder}/site.yaml`,
  );
}

test('the documented lines deploy and clean with a site.yaml of root, and their exit codes come back', async () => {
  const deployed = await host.shell(
    `podman run --rm --net=host ${mounted} ${image} deploy --site-yaml ${folder}/site.yaml`,
  );

  expect(deployed).toMatch(new RegExp(`${name} +20250115-v1-amd +deploy`));
  expect(await glance.list()).toMatchObject([{ name, status: 'active', visibility: 'public' }]);
  expect(
    await host.shell(
      `podman run --rm --net=host ${mounted} ${image} image_deployer --site ${folder}/site.yaml --debug`,
    ),
  ).toContain('1 image up to date at ');
  const refused = await host.try(`podman run --rm --net=host ${image} clean --site-yaml /none.yaml`);
  expect(refused).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('/none.yaml cannot be read') });
});

test('every documented command is in the path of the container, and its entry point knows each by its name', async () => {
  const commands = ['deploy', 'clean', 'ipa_test', 'image_deployer', 'set_image_property'];
  const loop = `for command in ${commands.join(' ')}; do "$command" --help | head -n 1; done; chameleon-image-tools --version`;

  const inside = await host.shell(`podman run --rm --entrypoint sh --net=host ${image} -c '${loop}'`);

  expect(inside.trim().split('\n')).toHaveLength(commands.length + 1);
  expect(inside).toMatch(/\d+\.\d+\.\d+\n$/);
  expect(await host.shell(`podman run --rm --net=host ${image} chameleon-image-tools ipa_test --help`)).toContain(
    '--node-type',
  );
});

test.each([
  ["podman's own capabilities", '', '0000000000000002'],
  ["docker's capabilities", `--cap-drop all ${docker.replace(/\S+/g, '--cap-add $&')}`, '0000000000000002'],
  ['a root that is read-only', '--read-only', '0000000000000002'],
  [
    'the capability to read alone',
    `--read-only --cap-drop all ${'SETUID SETGID SETPCAP DAC_READ_SEARCH'.replace(/\S+/g, '--cap-add $&')}`,
    '0000000000000004',
  ],
  ['another user and no capability', '--read-only --cap-drop all --user 1234', '0000000000000000'],
])('with %s no process of it is root, and SIGTERM ends the run', async (_, options, capabilities) => {
  const silent = createServer().listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const container = `silent-${randomBytes(3).toString('hex')}`;
  const login = `-e OS_AUTH_URL=http://127.0.0.1:${(silent.address() as AddressInfo).port}/v3 -e OS_USERNAME=u -e OS_PASSWORD=p -e OS_PROJECT_NAME=x`;
  const connected = once(silent, 'connection');
  const running = host.try(`podman run --rm --net=host --name ${container} ${options} ${login} ${image} info`);

  await Promise.race([connected, running.then(({ stderr }) => Promise.reject(new Error(stderr)))]);
  const processes = await host.shell(
    `pid=$(podman inspect --format '{{.State.Pid}}' ${container}); for p in $pid $(cat /proc/$pid/task/$pid/children); do ` +
      `grep -hE '^(Name|Uid|Groups|CapEff|CapAmb|CapBnd|NoNewPrivs):' /proc/$p/status; done`,
  );
  await host.shell(`podman kill --signal TERM ${container}`);

  expect(await running).toMatchObject({ exitCode: 143 });
  silent.close();
  const user = options.includes('--user') ? '1234' : '61000';
  expect(processes.match(/^Name:\s+(\S+)/gm)?.length).toBe(2);
  expect([...new Set(processes.match(/^Uid:.*/gm))]).toEqual([`Uid:\t${user}\t${user}\t${user}\t${user}`]);
  expect([...new Set(processes.match(/^CapEff:.*/gm))]).toEqual([`CapEff:\t${capabilities}`]);
  expect([...new Set(processes.match(/^CapAmb:.*/gm))]).toEqual([`CapAmb:\t${capabilities}`]);
  if (user === '1234') return;
  expect([...new Set(processes.match(/^CapBnd:.*/gm))]).toEqual([`CapBnd:\t${capabilities}`]);
  expect([...new Set(processes.match(/^NoNewPrivs:.*/gm))]).toEqual(['NoNewPrivs:\t1']);
});

test('root without the right to become another user is refused, with the cure', async () => {
  const refused = await host.try(`podman run --rm --net=host --cap-drop all ${image} --version`);

  expect(refused).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('add --user 61000') });
});

test('two containers are two hosts, unless they share the folder of the lock', async () => {
  const read = `--net=host --entrypoint sh ${image} -c 'chameleon-image-tools --version >/dev/null; cat /etc/machine-id'`;
  const shared = `-v /var/lib/shared-locks:/var/lib/chameleon_image_tools`;
  await host.shell('mkdir -p /var/lib/shared-locks');

  const ids = [];
  for (const options of ['', '--read-only', shared, shared])
    ids.push(await host.shell(`podman run --rm ${options} ${read}`));

  expect(ids.every((id) => /^[0-9a-f]{32}\n$/.test(id))).toBe(true);
  expect(new Set(ids).size).toBe(3);
  expect(ids[2]).toBe(ids[3]);
});

test('it says what it is, is small, and leaves nothing behind', async () => {
  const inspected = JSON.parse(await host.shell(`podman image inspect ${image}`)) as [
    { Labels: Record<string, string>; Size: number; RootFS: { Layers: string[] } },
  ];

  expect(inspected[0].Labels).toMatchObject({
    'org.opencontainers.image.title': 'chameleon-image-tools',
    'org.opencontainers.image.version': expect.stringMatching(/^\d+\.\d+\.\d+$/),
    'org.opencontainers.image.licenses': 'Apache-2.0',
    'org.opencontainers.image.source': expect.stringContaining('https://'),
    'org.opencontainers.image.revision': expect.stringMatching(/^([0-9a-f]{40}|unknown)$/),
  });
  expect(inspected[0].RootFS.Layers).toHaveLength(2);
  expect(inspected[0].Size).toBeLessThan(170 * mib);
  await waitUntil(
    'no volume is left',
    async () => (await host.shell('podman ps --all --quiet; podman volume ls --quiet')) === '',
  );
});
