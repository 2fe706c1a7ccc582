// The playbook under the real ansible-playbook, with two hosts that are this machine.
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { may, startCacheSite, type CacheSite } from '../cache/cache-site.js';
import { root } from './cloud.js';

let site: CacheSite;

beforeEach(async () => {
  site = await startCacheSite();
});

afterEach(() => site.close());

async function play(
  variables: string,
  ...options: string[]
): Promise<{ readonly code: number; readonly text: string }> {
  const host = (name: string): string =>
    `${name} ansible_connection=local ansible_python_interpreter=/usr/bin/python3 folder=${site.folder}/${name}`;
  const inventory = site.put('inventory', `[ironic-conductor]\n${host('c1')}\n${host('c2')}\n`);
  writeFileSync(join(site.folder, 'variables.yml'), variables);
  const child = spawn(
    '/usr/bin/ansible-playbook',
    ['-i', inventory, '-e', `@${site.folder}/variables.yml`, 'playbooks/image_cache.yml', ...options],
    {
      cwd: root,
      env: {
        PATH: process.env.PATH,
        HOME: site.folder,
        ANSIBLE_NOCOLOR: '1',
        ANSIBLE_CONFIG: join(root, 'ansible.cfg'),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  const [code] = (await once(child, 'close')) as [number];
  return { code, text };
}

const sets = (): string =>
  `image_cache_sets: [{name: ipa, dest: "{{ folder }}", kernel: {url: "${site.url}/{{ kernel | default('kernel') ` +
  `}}"}, ramdisk: {url: "${site.url}/ramdisk"}}]\n`;

test('every conductor gets the same copy, a second run changes nothing, and check mode writes nothing', async () => {
  for (const name of ['kernel', 'ramdisk']) site.serve(`/${name}`, name, { lastModified: may });

  const dry = await play(sets(), '--check');
  expect(dry.text).toMatch(/c1 .*changed=1 .*failed=0/);
  expect(site.exists('c1')).toBe(false);
  const first = await play(sets());
  const second = await play(`${sets()}image_cache_keep: 0\n`);

  expect({ code: first.code, text: first.text }).toEqual({
    code: 0,
    text: expect.stringMatching(/c2 .*changed=1 .*failed=0/),
  });
  expect({ code: second.code, text: second.text }).toEqual({
    code: 0,
    text: expect.stringMatching(/c1 .*changed=0 [\s\S]*c2 .*changed=0 /),
  });
  for (const name of ['c1', 'c2']) expect(readFileSync(join(site.folder, name, 'ipa/kernel'), 'utf8')).toBe('kernel');
});

test('fails if their digests differ', async () => {
  site.serve('/ramdisk', 'ramdisk', { lastModified: may });
  const kernel = site.serve('/kernel', 'kernel 1', { lastModified: may });
  // The second conductor comes a release later.
  kernel.onRequest = (method) => {
    if (method === 'GET') kernel.body = Buffer.from('kernel 2');
  };

  const { code, text } = await play(sets(), '--forks', '1');

  expect(code).not.toBe(0);
  expect(text).toContain('The copies differ: c1 has ');
});

test('fails if one of them cannot fetch it', async () => {
  site.serve('/ramdisk', 'ramdisk', { lastModified: may });

  const { code, text } = await play(sets());

  expect(code).not.toBe(0);
  expect(text).toMatch(/\/kernel answered 404/);
});
