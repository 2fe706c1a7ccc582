// playbooks/sites.yml under the real ansible-playbook: five sites, two of them projects of the real cloud; the others fail.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { createProject, root } from './cloud.js';
import { mib } from './disk.js';
import { openGlance, type RawGlance } from './glance.js';
import { withSite, writesTo, type Site } from './site.js';
import { run, succeed, type Output } from './systemd-host.js';

const release = '20250422-v1-amd';
const wrongPassword = 'not-the-password-of-anybody';

interface ManySites {
  readonly folder: string;
  readonly second: RawGlance;
  play(operation: string, ...options: readonly string[]): Promise<Output>;
}

/**
 * `wrong` and `gone` fail, and are a batch of their own; `one` has its password in a vault, `two` is a cloud of clouds.yaml.
 * The two are projects of one cloud, so each has an image of its own: in one name they would be rivals.
 */
async function openManySites(site: Site): Promise<ManySites> {
  const { cloud, scope, name, storeProxy, glanceProxy, project } = site;
  const folder = site.addHost();
  const other = await createProject(cloud, `${scope}-two`);
  site.afterwards(() => other.remove());
  const second = openGlance(cloud.glance_url, other.token, other.id);
  site.afterwards(async () => Promise.all((await second.list()).map(({ id }) => second.remove(id))));
  const auth = { auth_url: cloud.keystone_url, username: 'admin', user_domain_id: 'default', project_id: project.id };
  const write = (file: string, content: string): void => writeFileSync(join(folder, file), content);
  write('vault-password', 'of this test');
  const vault = await succeed(
    '/usr/bin/ansible-vault',
    ['encrypt_string', '--vault-password-file', join(folder, 'vault-password'), cloud.admin_password],
    { cwd: folder },
  );
  const entry = { auth: { ...auth, project_id: other.id, password: cloud.admin_password }, region_name: 'RegionOne' };
  write('clouds.yaml', JSON.stringify({ clouds: { 'chi.two': entry } }));
  mkdirSync(join(folder, 'locks'));
  write(
    'inventory.yml',
    `sites:
  vars:
    options: {object_store_url: "${storeProxy.url}", scope: ${scope}, timeout: 20}
    deploy_options: {lock_dir: ${folder}/locks}
    info_options: {images: [${name}]}
    account: ${JSON.stringify(auth)}
    stored: ${vault.stdout.trim().replaceAll('\n', '\n    ')}
  hosts:
    wrong: {auth: "{{ account | combine({'password': '${wrongPassword}'}) }}"}
    gone: {auth: "{{ account | combine({'password': '${wrongPassword}', 'auth_url': 'http://127.0.0.1:9/v3'}) }}"}
    one:
      auth: "{{ account | combine({'password': stored}) }}"
      deploy_options: {lock_dir: ${folder}/locks, images: ["${name}"], endpoint_override: {image: "${glanceProxy.url}"}}
    two: {cloud: chi.two, deploy_options: {lock_dir: ${folder}/locks, images: ["${nameOfTwo(name)}"]}}
    nameless: {}
`,
  );
  return {
    folder,
    second,
    play: (operation, ...options) =>
      run(
        '/usr/bin/ansible-playbook',
        [
          ...['-i', join(folder, 'inventory.yml'), '--vault-password-file', join(folder, 'vault-password')],
          ...['-e', `operation=${operation}`, 'playbooks/sites.yml', ...options],
        ],
        {
          cwd: root,
          environment: {
            ...{ ANSIBLE_CONFIG: join(root, 'ansible.cfg'), ANSIBLE_NOCOLOR: '1', HOME: folder },
            ...{ OS_CLIENT_CONFIG_FILE: join(folder, 'clouds.yaml'), OS_CLOUD: 'chi.two' },
          },
        },
      ),
  };
}

const nameOfTwo = (name: string): string => `${name}-two`;

const lines = (text: string): string[] => text.split('\n').map((line) => line.trim().replace(/^"|",?$/g, ''));

test(
  'a failed site stops no other, and fails the play',
  withSite(async (site) => {
    const { folder, second, play } = await openManySites(site);
    const { name, glance, cloud } = site;
    for (const each of [name, nameOfTwo(name)]) await site.store.publish(each, release, { bytes: mib });

    const planned = await play('deploy', '--check', '--diff', '--limit', 'one,two', '-e', `report_dir=${folder}`);

    expect({ exitCode: planned.exitCode, output: planned.exitCode === 0 ? '' : planned.stdout }).toEqual({
      exitCode: 0,
      output: '',
    });
    expect(planned.stdout).toContain(`+++ after: image ${name}`);
    expect(writesTo(site.glanceProxy)).toEqual([]);
    expect(readFileSync(join(folder, 'sites.txt'), 'utf8')).toMatch(
      /^SITE {2}RESULT {3}SUMMARY\none {3}changed {2}Planned: 1 image to deploy .* at 127\.0\.0\.1; nothing failed\.\ntwo .* at chi\.two; nothing failed\.\n$/,
    );

    const done = await play('deploy', '-vvv', '-e', 'batch=2', '-e', `report_dir=${folder}`);

    expect(done.exitCode).toBe(2);
    const report = lines(done.stdout);
    const start = report.lastIndexOf('SITE      RESULT   SUMMARY');
    expect(report.slice(start + 1, start + 6)).toEqual([
      expect.stringMatching(/^wrong {5}failed {3}AUTHENTICATION_FAILED: /),
      expect.stringMatching(/^gone {6}failed {3}[A-Z_]+: .*127\.0\.0\.1:9/),
      expect.stringMatching(/^one {7}changed {2}1 image deployed \(.*\) at 127\.0\.0\.1; nothing failed\.$/),
      expect.stringMatching(/^two {7}changed {2}1 image deployed \(.*\) at chi\.two; nothing failed\.$/),
      expect.stringMatching(/^nameless {2}failed {3}Name the login of the site nameless: cloud, site_yaml or auth/),
    ]);
    expect(done.stdout).toMatch(/^wrong +: ok=.* failed=1 /m);
    expect(done.stdout).toMatch(/^two +: ok=.* failed=0 /m);
    expect((await glance.list()).map((image) => image.name)).toEqual([name]);
    expect((await second.list()).map((image) => image.name)).toEqual([nameOfTwo(name)]);
    expect(JSON.parse(readFileSync(join(folder, 'two.json'), 'utf8'))).toMatchObject({
      ...{ changed: true, images: [{ name: nameOfTwo(name), action: 'deploy' }] },
      summary: expect.stringContaining('at chi.two'),
    });
    expect(readFileSync(join(folder, 'sites.txt'), 'utf8')).toContain('\nwrong     failed   AUTHENTICATION_FAILED');
    for (const secret of [cloud.admin_password, wrongPassword]) {
      expect(done.stdout + done.stderr).not.toContain(secret);
      for (const file of ['wrong', 'one', 'two'])
        expect(readFileSync(join(folder, `${file}.json`), 'utf8')).not.toContain(secret);
    }
    expect(done.stderr).not.toContain('is unsafe');
  }),
);

test(
  'runs other operations, on some of the sites',
  withSite(async (site) => {
    const { play } = await openManySites(site);

    const found = await play('info', '--limit', 'one');
    const unknown = await play('depoly', '--limit', 'one');
    const empty = await play('info', '-e', 'sites_group=nowhere');

    expect({ exitCode: found.exitCode, output: found.exitCode === 0 ? '' : found.stdout }).toEqual({
      exitCode: 0,
      output: '',
    });
    expect(found.stdout).toMatch(/"one {3}ok {7}0 images"/);
    expect(unknown).toMatchObject({
      exitCode: 2,
      stdout: expect.stringContaining('Name the operation: -e operation=deploy'),
    });
    expect(empty).toMatchObject({ exitCode: 2, stdout: expect.stringContaining('has no host in the group nowhere') });
  }),
);
