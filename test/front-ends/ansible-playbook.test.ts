// The modules under the real ansible-core of this machine.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, jest, test } from '@jest/globals';
import { launcherFor } from '../../scripts/launcher.js';
import { fakeModule, root, run, withFolder, type Ended } from './run.js';

jest.setTimeout(60_000);

const ansible = '/usr/bin/ansible';
const playbookProgram = '/usr/bin/ansible-playbook';
const secret = 'hunter2-and-more';

/** Runs tasks with the fake module in a role's place, and returns what ansible-playbook says. */
function play(tasks: string, ...options: string[]): Promise<Ended> {
  return withFolder((folder) => {
    mkdirSync(join(folder, 'library'));
    const module = `${launcherFor('module')}import ${JSON.stringify(`file://${fakeModule}`)};\n`;
    writeFileSync(join(folder, 'library/fake_operation.mjs'), module, { mode: 0o755 });
    const indented = tasks.trim().replaceAll('\n', '\n    ');
    writeFileSync(join(folder, 'play.yml'), `- hosts: localhost\n  gather_facts: false\n  tasks:\n    ${indented}\n`);
    const environment = {
      ANSIBLE_CONFIG: join(root, 'ansible.cfg'),
      ANSIBLE_LIBRARY: join(folder, 'library'),
      ANSIBLE_NOCOLOR: '1',
    };
    return run(playbookProgram, ['play.yml', ...options], { folder, environment });
  });
}

const describeWithAnsible = existsSync(ansible) ? describe : describe.skip;

describeWithAnsible('ansible-playbook (needs /usr/bin/ansible)', () => {
  test('registers what the module returns, with values spelt as templates spell them', async () => {
    const { stdout, code } = await play(`
- fake_operation: { count: "{{ 3 + 4 }}", names: [a, b], force: yes }
  register: done
- assert: { that: [done.given.count == 7, done.given.force, done.given.names | join == 'ab', not done.changed] }`);

    expect(stdout).toContain('All assertions passed');
    expect(code).toBe(0);
  });

  test('passes check mode on, and shows the difference', async () => {
    const { stdout } = await play(
      `
- fake_operation: { behaviour: change }
- fake_operation:
  register: done
- assert: { that: done.check_mode }`,
      '--check',
      '--diff',
    );

    expect(stdout).toContain('--- before: image "one"\n+++ after: image "one"\n');
    expect(stdout).toContain('-visibility: private\n+visibility: public\n');
    expect(stdout).toContain('All assertions passed');
  });

  test('shows no secret at -vvv', async () => {
    const { stdout, stderr } = await play(
      `- fake_operation: { behaviour: fail, password: ${secret}, auth: { token: ${secret} } }`,
      '-vvv',
    );

    expect(stdout).toContain('it broke with password ********');
    expect(stdout).toContain('"token": "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"');
    expect(stdout + stderr).not.toContain(secret);
  });

  test('reads separators that break lines elsewhere', async () => {
    const { stdout } = await play(`
- fake_operation: { behaviour: awkward }
  register: done
- assert:
    that: done.text is search('separator, next')`);

    expect(stdout).toContain('All assertions passed');
  });

  test('loops, and fails for the item that fails', async () => {
    const { stdout, code } = await play(`
- fake_operation: { behaviour: "{{ item }}" }
  loop: [echo, part, change]`);

    expect(stdout).toContain('ok: [localhost] => (item=echo)');
    expect(stdout).toContain('failed: [localhost] (item=part)');
    expect(stdout).toContain('changed: [localhost] => (item=change)');
    expect(code).toBe(2);
  });

  test('runs it in the background, too', async () => {
    const { stdout } = await play(`
- fake_operation: { behaviour: change }
  async: 30
  poll: 1
  register: done
- assert: { that: [done.changed, done.msg == 'one thing changed'] }`);

    expect(stdout).toContain('All assertions passed');
  });

  test('names a misspelt option', async () => {
    const { stdout } = await play('- fake_operation: { cuont: 1 }');

    expect(stdout).toContain('cuont is not an option of fake_operation; did you mean count?');
  });
});

describeWithAnsible('from the root of the project', () => {
  test('ansible finds the modules', async () => {
    const { stdout, stderr } = await run(ansible, ['localhost', '-m', 'image_info', '-a', 'cloud=nowhere'], {
      folder: root,
      environment: { OS_CLIENT_CONFIG_FILE: '/nonexistent' },
    });

    expect(stdout).toContain('OS_CLIENT_CONFIG_FILE names /nonexistent');
    expect(stderr).toBe('');
  });

  test.each(['image_deploy', 'image_info'])('ansible-doc prints %s', async (name) => {
    const { stdout, code } = await run('/usr/bin/ansible-doc', ['-t', 'module', name], { folder: root });

    expect(stdout).toContain(`> ${name.toUpperCase()}`);
    expect(stdout).toContain('SUBOPTIONS');
    expect(stdout).toContain('RETURN VALUES');
    expect(stdout).not.toMatch(/[A-Z]\([^)]*`/);
    expect(code).toBe(0);
  });
});
