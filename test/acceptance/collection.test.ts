// The collection chameleon.image_tools, as a site installs it: from its archive into an empty
// folder, by full names alone.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { stringify } from 'yaml';
import { readCloud, root, type CloudFacts } from './cloud.js';
import { bootHost, run, succeed, type Host, type Output } from './systemd-host.js';

jest.setTimeout(300_000);

const modules = readdirSync(join(root, 'roles/chameleon_image_tools/library'))
  .filter((name) => name.endsWith('.mjs'))
  .map((name) => name.replace('.mjs', ''));

let cloud: CloudFacts;
let folder: string;
let host: Host | undefined;

beforeAll(async () => {
  cloud = readCloud();
  folder = mkdtempSync(join(tmpdir(), 'collection-'));
  const { stdout } = await succeed(process.execPath, [join(root, 'build/scripts/collection.js')], { cwd: root });
  const archive = join(root, stdout.trim());
  await succeed('/usr/bin/ansible-galaxy', ['collection', 'install', '-p', folder, archive], { cwd: folder });
  const plugins = join(root, 'test/systemd-host/connection_plugins');
  write(
    'ansible.cfg',
    [
      `[defaults]\ncollections_path = ${folder}\nconnection_plugins = ${plugins}\n` +
        'interpreter_python = /usr/bin/python3',
      'localhost_warning = False\n[inventory]\ninventory_unparsed_warning = False\n[connection]\npipelining = true\n',
    ].join('\n'),
  );
});

afterAll(async () => {
  await host?.down();
  rmSync(folder, { recursive: true });
});

function write(name: string, content: unknown): void {
  writeFileSync(join(folder, name), typeof content === 'string' ? content : stringify(content));
}

function ansible(program: string, ...argv: readonly string[]): Promise<Output> {
  const environment = { OS_CLIENT_CONFIG_FILE: cloud.os_client_config_file };
  return run(`/usr/bin/${program}`, argv, { cwd: folder, environment });
}

test('has the documents of every module and of the role', async () => {
  const { stdout } = await ansible('ansible-doc', '--type', 'module', '--list', 'chameleon.image_tools');

  expect(stdout.match(/^chameleon\.image_tools\.\w+/gm)).toEqual(
    modules.map((name) => `chameleon.image_tools.${name}`),
  );
  const one = await ansible('ansible-doc', '--json', ...modules.map((name) => `chameleon.image_tools.${name}`));
  expect(Object.keys(JSON.parse(one.stdout) as object).sort()).toEqual(
    modules.map((name) => `chameleon.image_tools.${name}`),
  );
  const role = await ansible('ansible-doc', '--type', 'role', 'chameleon.image_tools.chameleon_image_tools');
  expect(role.stdout).toContain('hide_image_age_in_month');
});

test('gives every module of its group the login', async () => {
  write('play.yml', [
    {
      ...{ hosts: 'localhost', gather_facts: false },
      module_defaults: { 'group/chameleon.image_tools.cloud': { cloud: 'local' } },
      tasks: [
        { 'chameleon.image_tools.image_info': { images: ['CC-Ubuntu22.04'] }, register: 'found' },
        { 'ansible.builtin.debug': { msg: '{{ found.images is defined }}' } },
      ],
    },
  ]);

  const { stdout, exitCode } = await ansible('ansible-playbook', 'play.yml');

  expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: expect.stringMatching(/"msg": true|"msg": "True"/) });
  const runtime = readFileSync(join(folder, 'ansible_collections/chameleon/image_tools/meta/runtime.yml'), 'utf8');
  expect(runtime.match(/- chameleon\.image_tools\.(\w+)/g)).toEqual(
    modules.map((name) => `- chameleon.image_tools.${name}`),
  );
});

test('runs a playbook by its full name, which finds the modules', async () => {
  const { stdout } = await ansible(
    'ansible-playbook',
    'chameleon.image_tools.enroll_nodes',
    '-e',
    'inventory=/none.yml',
  );

  expect(stdout).toContain('inventory: /none.yml cannot be read: there is no such file');
});

test('installs the executables by its role', async () => {
  host = await bootHost('collection-one');
  const hosts = { 'collection-one': {} };
  write('inventory.yml', {
    all: { vars: { ansible_connection: 'systemd_host' }, children: { 'chameleon-image-tools': { hosts } } },
  });

  const play = [
    '-i',
    'inventory.yml',
    '--tags',
    'chameleon_image_tools_install',
    'chameleon.image_tools.chameleon_image_tools',
  ];
  const { stdout, exitCode } = await ansible('ansible-playbook', ...play);

  expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: expect.stringContaining('Copy the executables') });
  expect(await host.shell('chameleon-image-tools --version')).toMatch(/^\d+\.\d+\.\d+\n$/);
  expect(
    await host.shell('cd /opt/chameleon_image_tools/current && sha256sum --check --status SHA256SUMS && ls library'),
  ).toBe(`${modules.flatMap((name) => [`${name}.mjs`, `${name}.yml`]).join('\n')}\n`);
});
