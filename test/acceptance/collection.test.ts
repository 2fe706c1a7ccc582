// The collection chameleon.image_tools, as a site installs it: from its archive into an empty
// folder, by full names alone.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { stringify } from 'yaml';
import { readCloud } from './cloud.js';
import { installCollection, type InstalledCollection } from './collection.js';
import { bootHost, type Host, type Output } from './systemd-host.js';

jest.setTimeout(900_000);

let collection: InstalledCollection;
let host: Host | undefined;

beforeAll(async () => {
  collection = await installCollection();
});

afterAll(async () => {
  await host?.down();
  collection.remove();
});

function write(name: string, content: unknown): void {
  writeFileSync(join(collection.folder, name), stringify(content));
}

function ansible(program: string, ...argv: readonly string[]): Promise<Output> {
  return collection.ansible(program, argv, { OS_CLIENT_CONFIG_FILE: readCloud().os_client_config_file });
}

function fullNames(): string[] {
  return collection.modules.map((name) => `chameleon.image_tools.${name}`);
}

test('has the documents of every module and of the role', async () => {
  const list = await ansible('ansible-doc', '--type', 'module', '--list', 'chameleon.image_tools');

  expect(list.stdout.match(/^chameleon\.image_tools\.\w+/gm)).toEqual(fullNames());
  for (const name of fullNames()) {
    const { stdout, stderr, exitCode } = await ansible('ansible-doc', name);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toContain(`  ${name}:\n`);
    expect(stdout).toMatch(/^ *membership:\n? *(- )?\[?chameleon\.image_tools\.cloud/m);
  }
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
  const runtime = readFileSync(join(collection.files, 'meta/runtime.yml'), 'utf8');
  expect(runtime.match(/- chameleon\.image_tools\.(\w+)/g)).toEqual(fullNames().map((name) => `- ${name}`));
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

test('has playbooks that find its modules and its role', async () => {
  expect(collection.playbooks).toContain('chameleon_image_tools');
  for (const name of collection.playbooks) {
    const { stdout, exitCode } = await ansible('ansible-playbook', '--syntax-check', `chameleon.image_tools.${name}`);
    expect({ name, exitCode, stdout }).toEqual({ name, exitCode: 0, stdout: expect.stringContaining('playbook: ') });
  }
});

test('caches an image without a login', async () => {
  writeFileSync(join(collection.folder, 'image.img'), 'an image');
  write('cache.yml', [
    {
      ...{ hosts: 'localhost', gather_facts: false },
      tasks: [
        {
          'chameleon.image_tools.image_cache': {
            files: [{ url: `file://${collection.folder}/image.img`, dest: `${collection.folder}/copy.img` }],
            file_url_allowed_paths: [collection.folder],
          },
        },
      ],
    },
  ]);

  const { stdout, exitCode } = await collection.ansible('ansible-playbook', ['cache.yml']);

  expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: expect.stringContaining('changed=1') });
  expect(readFileSync(join(collection.folder, 'copy.img'), 'utf8')).toBe('an image');
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
  ).toBe(`${collection.modules.flatMap((name) => [`${name}.mjs`, `${name}.yml`]).join('\n')}\n`);
});
