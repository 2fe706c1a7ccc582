// What the role says and refuses before it changes anything, and what its defaults take from a site's variables. Nothing is
// installed: the plays run on this machine, up to the preflight.
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { stringify } from 'yaml';
import { root } from './cloud.js';
import { run } from './systemd-host.js';

jest.setTimeout(900_000);

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'preflight-'))));
afterEach(() => rmSync(folder, { recursive: true }));

const role = join(root, 'roles/chameleon_image_tools');

async function play(
  plays: unknown,
  variables: Readonly<Record<string, unknown>> = {},
  { argv = [], rolesPath = join(root, 'roles') }: { argv?: readonly string[]; rolesPath?: string } = {},
): Promise<{ exitCode: number; text: string }> {
  const file = typeof plays === 'string' ? plays : join(folder, 'play.yml');
  if (typeof plays !== 'string') writeFileSync(file, stringify(plays));
  const hosts = {
    'chameleon-image-tools': { hosts: { site: {} } },
    'prometheus-pushgateway': { hosts: { monitor: {} } },
  };
  const vars = { ansible_connection: 'local', ansible_become: false, ansible_python_interpreter: '/usr/bin/python3' };
  writeFileSync(join(folder, 'inventory.yml'), stringify({ all: { vars, children: hosts } }));
  const given = ['-i', join(folder, 'inventory.yml'), '-e', JSON.stringify(variables), ...argv, file];
  const environment = { ANSIBLE_ROLES_PATH: rolesPath, ANSIBLE_LIBRARY: join(role, 'library') };
  const { exitCode, stdout, stderr } = await run('/usr/bin/ansible-playbook', given, { cwd: folder, environment });
  return { exitCode, text: (stdout + stderr).replace(/\\"/g, '"').replace(/\s+/g, ' ') };
}

const site = {
  enable_image_deployer: 'yes',
  chameleon_image_tools_manage_timers: false,
  openstack_keystone_auth_url: 'http://127.0.0.1:5000',
  keystone_admin_password: 'unused',
};
const preflight = { argv: ['--tags', 'chameleon_image_tools_preflight'] };

test('variables of CHI-in-a-Box are the defaults, and a second role and a variable without effect are named', async () => {
  const other = join(folder, 'first/chameleon_image_tools/tasks');
  mkdirSync(other, { recursive: true });
  writeFileSync(join(other, 'main.yml'), '[]\n');
  const shown = ['object_store_url', 'image_container', 'image_type', 'image_prefix', 'scope', 'push_gateway_url'];
  const values = `shown {{ [${shown.map((name) => `chameleon_image_tools_${name}`).join(', ')}] | join(' ') }}`;
  const plays = [
    {
      hosts: 'chameleon-image-tools',
      gather_facts: false,
      roles: [{ role }],
      post_tasks: [{ 'ansible.builtin.debug': { msg: values }, tags: 'always' }],
    },
  ];
  const variables = {
    ...site,
    image_object_store_url: 'https://store.example.org/v1',
    image_container: 'images',
    image_type: 'raw',
    image_prefix: 'new_',
    image_scope: 'staging',
    chameleon_image_tools_docker_image: 'image:v0.3',
  };

  const { exitCode, text } = await play(plays, variables, {
    ...preflight,
    rolesPath: `${join(folder, 'first')}:${join(root, 'roles')}`,
  });

  expect({ exitCode, text }).toEqual({ exitCode: 0, text: expect.any(String) });
  expect(text).toContain('shown https://store.example.org/v1 images raw new_ staging http://monitor:9099"');
  expect(text).toContain(
    `Another role chameleon_image_tools is in ${join(folder, 'first/chameleon_image_tools')}, where`,
  );
  expect(text).toContain('"chameleon_image_tools_docker_image without effect');
  expect(text).not.toContain('the older one is subscribed to');
});

test('variables under the name of the role that it does not have are refused with the nearest', async () => {
  const plays = [{ hosts: 'chameleon-image-tools', gather_facts: false, roles: [{ role: 'chameleon_image_tools' }] }];
  const variables = {
    ...site,
    chameleon_image_tools_catalgo: ['releases'],
    chameleon_image_tools_store_url: 'https://store.example.org/v1',
    chameleon_image_tools_quux: true,
    chameleon_image_tools_docker_image: 'image:v0.3',
  };

  const { exitCode, text } = await play(plays, variables, preflight);

  expect(exitCode).toBe(2);
  expect(text).toContain(
    'chameleon_image_tools_catalgo is not a variable of the role; did you mean chameleon_image_tools_catalog?',
  );
  expect(text).toContain(
    'chameleon_image_tools_store_url is not a variable of the role; did you mean chameleon_image_tools_object_store_url?',
  );
  expect(text).toContain('chameleon_image_tools_quux is not a variable of the role; defaults.yml has all of them.');
  expect(text).not.toContain('chameleon_image_tools_docker_image is not');
});

test('the wrapper of the service says of which files it reads copies', async () => {
  const credentials = join(folder, 'credentials');
  mkdirSync(credentials);
  for (const name of ['site.yaml', 'clouds.yaml']) writeFileSync(join(credentials, name), '{}\n');
  const command = join(folder, 'command');
  writeFileSync(command, '#!/bin/sh\necho "$CHAMELEON_IMAGE_TOOLS_COPIES $*"\n', { mode: 0o755 });
  const wrapper = join(folder, 'wrapper');
  const template = join(role, 'templates/wrapper.sh.j2');
  const tasks = [
    {
      'ansible.builtin.template': { src: template, dest: wrapper, mode: '0755' },
      vars: { item: { name: 'image_deploy', subcommand: 'deploy' } },
    },
  ];
  const files = ['defaults', 'vars'].map((name) => join(role, name, 'main.yml'));
  const plays = [{ hosts: 'chameleon-image-tools', gather_facts: false, vars_files: files, tasks }];
  const { exitCode, text } = await play(plays, {
    ...site,
    role_path: role,
    chameleon_image_tools_cloud: 'site',
    _chameleon_image_tools_command: command,
  });
  expect({ exitCode, text }).toEqual({ exitCode: 0, text: expect.any(String) });

  const { stdout } = await run(wrapper, [], { environment: { CREDENTIALS_DIRECTORY: credentials } });

  expect(stdout).toBe(
    `${credentials}/site.yaml=/etc/chameleon_image_tools/site.yaml:` +
      `${credentials}/clouds.yaml=/etc/openstack/clouds.yaml deploy --site-yaml ${credentials}/site.yaml\n`,
  );
});

test('the present store without a URL is refused, where it is asked for', async () => {
  const plays = [{ hosts: 'chameleon-image-tools', gather_facts: false, roles: [{ role: 'chameleon_image_tools' }] }];
  const variables = { ...site, chameleon_image_tools_catalog: ['releases'], chameleon_image_tools_config_dir: folder };

  const { exitCode, text } = await play(plays, variables, preflight);

  expect(exitCode).toBe(2);
  expect(text).toContain('enable_image_deployer is true, but chameleon_image_tools_object_store_url is not set');
});

test('post_deploy.yml refuses to run in the place of that of CHI-in-a-Box, and can be imported by that one', async () => {
  const playbooks = join(folder, 'playbooks');
  cpSync(join(root, 'test/chi-in-a-box/playbooks'), playbooks, { recursive: true });
  // With no other tag than always, the role itself does nothing.
  const argv = ['--tags', 'always'];
  const own = join(root, 'playbooks/post_deploy.yml');
  writeFileSync(join(playbooks, 'site.yml'), stringify([{ import_playbook: own }]));
  const imported = await play(join(playbooks, 'site.yml'), {}, { argv });
  expect({ exitCode: imported.exitCode, text: imported.text }).toEqual({ exitCode: 0, text: expect.any(String) });

  cpSync(own, join(playbooks, 'post_deploy.yml'));
  const { exitCode, text } = await play(join(playbooks, 'post_deploy.yml'), {}, { argv });

  expect(exitCode).toBe(2);
  expect(text).toContain(`it is in ${playbooks} with hammers.yml of CHI-in-a-Box`);
});
