// The built modules as Ansible starts them.
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, jest, test } from '@jest/globals';
import { library, run, runModule } from './run.js';

jest.setTimeout(30_000);

const built = ['image_deploy', 'image_info'];

describe.each(built)('the built %s', (name) => {
  const file = join(library, `${name}.mjs`);

  test('is one executable file that sh starts, with the token that asks for JSON', () => {
    const text = readFileSync(file, 'utf8');

    expect(text.startsWith("#!/bin/sh\n':' /* WANT_JSON ")).toBe(true);
    expect(statSync(file).mode & 0o111).toBe(0o111);
    expect(existsSync(join(library, `${name}.yml`))).toBe(true);
  });

  test('is classified by ansible-core as a module that wants JSON', async () => {
    const { stdout } = await run('/usr/bin/python3', ['-c', classify, file]);

    expect(stdout.trim()).toBe('non_native_want_json');
  });

  test('refuses a misspelt option with the nearest name', async () => {
    const { result } = await runModule(file, { site_yml: '/x' });

    expect(result).toMatchObject({ failed: true, code: 'INVALID_INPUT' });
    expect(result.msg).toContain(`site_yml is not an option of ${name}; did you mean site_yaml?`);
  });

  test.each(['dash', 'bash', 'sh'])('runs under %s', async (shell) => {
    const { stdout } = await run(shell, [file, '/nonexistent/args']);

    expect(JSON.parse(stdout)).toMatchObject({ code: 'BAD_ARGUMENTS_FILE' });
  });

  test('reports in JSON if there is no Node.js, or none that is new enough', async () => {
    const { stdout } = await run('/bin/sh', [file, '/nonexistent/args'], {
      environment: { CHAMELEON_IMAGE_TOOLS_NODE: '/bin/false' },
    });

    expect(JSON.parse(stdout)).toMatchObject({
      failed: true,
      msg: expect.stringContaining('Node.js 18 or newer is needed on this host'),
    });
  });
});

/**
 * How ansible-core's module_common._find_module_utils tells modules apart, for what can occur here.
 */
const classify = `
import sys
from ansible.executor import module_common as m
b = open(sys.argv[1], 'rb').read()
if m._is_binary(b): print('binary')
elif m.REPLACER in b or m.NEW_STYLE_PYTHON_MODULE_RE.search(b): print('python')
elif m.REPLACER_WINDOWS in b or b'#Requires -' in b or b'#AnsibleRequires' in b: print('powershell')
elif m.REPLACER_JSONARGS in b: print('jsonargs')
else: print('non_native_want_json' if b'WANT_JSON' in b else 'old')
`;
