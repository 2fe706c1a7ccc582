// The archive of the role that `make dist` writes, as a site has it that has nothing else.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, jest, test } from '@jest/globals';
import { root, run, withFolder } from './run.js';

jest.setTimeout(120_000);

const playbooks = ['chameleon_image_tools', 'enroll_nodes', 'image_cache', 'ipa_test', 'post_deploy'];

/** Installs the role as ansible-galaxy does, into `roles/` of a folder. */
async function withInstalled(use: (site: string, role: string) => Promise<void>): Promise<void> {
  const { stdout } = await run(join(root, 'scripts/dist'), []);
  await withFolder(async (site) => {
    mkdirSync(join(site, 'roles'));
    await run('tar', ['-xzf', join(root, stdout.trim()), '-C', join(site, 'roles')]);
    await use(site, join(site, 'roles/chameleon_image_tools'));
  });
}

test('stands alone: it has the playbooks and the variables, and no dead link', async () => {
  await withInstalled(async (_, role) => {
    const page = readFileSync(join(role, 'README.md'), 'utf8');
    const links = [...page.matchAll(/\]\(([^)\s#]+)/g)].map(([, link = '']) => link);

    for (const name of playbooks) expect(existsSync(join(role, 'playbooks', `${name}.yml`))).toBe(true);
    expect(readFileSync(join(role, 'defaults.yml'))).toEqual(readFileSync(join(root, 'defaults.yml')));
    expect(links).toContain('defaults.yml');
    expect(links.filter((link) => !link.startsWith('https://') && !existsSync(join(role, link)))).toEqual([]);
    expect(links.filter((link) => link.startsWith('https://')).map((link) => dirname(link))).toContainEqual(
      expect.stringMatching(/\/blob\/main\/docs$/),
    );
    expect(page).toContain('image_clean.timer');
  });
});

test('has playbooks and modules that Ansible finds by the two variables that its README names', async () => {
  await withInstalled(async (site, role) => {
    writeFileSync(join(site, 'inventory'), '[chameleon-image-tools]\nlocalhost ansible_connection=local\n');
    const environment = { ANSIBLE_ROLES_PATH: 'roles', ANSIBLE_LIBRARY: join('roles/chameleon_image_tools/library') };
    const files = playbooks.map((name) => join(role, 'playbooks', `${name}.yml`));

    const ended = await run('ansible-playbook', ['-i', 'inventory', '--syntax-check', ...files], {
      folder: site,
      environment,
    });

    expect(ended).toMatchObject({ code: 0, stderr: expect.not.stringContaining('ERROR') });
  });
});
