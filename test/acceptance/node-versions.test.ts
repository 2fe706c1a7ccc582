// The executables run on every Node.js from 18 on. scripts/node-versions brings the versions.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { readCloud, root } from './cloud.js';
import { parseResult, startCommand, startModule } from './executable.js';

const cloud = readCloud();
const modules = readdirSync(join(root, 'roles/chameleon_image_tools/library'))
  .filter((file) => file.endsWith('.mjs'))
  .map((file) => file.replace('.mjs', ''));

describe.each(['18', '20', '22', '24'])('on Node.js %s', (version) => {
  const node = join(root, '.nodes', version, 'bin/node');
  const environment = { CHAMELEON_IMAGE_TOOLS_NODE: node, OS_CLIENT_CONFIG_FILE: cloud.os_client_config_file };

  test('the version is installed', () => {
    expect({ node, exists: existsSync(node) }).toEqual({ node, exists: true });
  });

  test('a module plans a deployment', async () => {
    const given = { cloud: 'local', object_store_url: cloud.swift_url, _ansible_check_mode: true };

    const result = parseResult(await startModule('image_deploy', given, environment).ended);

    expect(result.msg).toMatch(/^planned: /);
    expect(result.images.map(({ name }) => name)).toContain('CC-Ubuntu22.04');
  });

  test('the command line lists images over HTTPS', async () => {
    const { exitCode, stdout, stderr } = await startCommand(['info', '--cloud', 'local-tls', '--json'], environment)
      .ended;

    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({ changed: false });
  });
});

// What the newest Node.js lacks is nothing; what the oldest lacks is found when a module is loaded.
test.each(modules)('%s is loaded by the oldest Node.js, and reports an unknown option', async (name) => {
  const environment = { CHAMELEON_IMAGE_TOOLS_NODE: join(root, '.nodes/18/bin/node') };

  const { stdout, stderr, exitCode } = await startModule(name, { colour: 'blue' }, environment).ended;

  expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: '' });
  expect(JSON.parse(stdout)).toMatchObject({
    failed: true,
    code: 'INVALID_INPUT',
    msg: expect.stringContaining(`colour is not an option of ${name}`),
  });
});
