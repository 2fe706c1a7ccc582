// The executables run on every Node.js from 18 on. scripts/node-versions brings the versions. The command line loads every
// operation when it starts, so that one module stands for all: another has nothing that these two have not.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { readCloud, root } from './cloud.js';
import { parseResult, startCommand, startModule } from './executable.js';

const cloud = readCloud();

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
