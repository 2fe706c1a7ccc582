// What the role refuses, and the Node.js that it downloads, on a fresh host.
import { once } from 'node:events';
import { createReadStream, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { readCloud, type CloudFacts } from './cloud.js';
import { expectPlayed, takeNodeFrom, writeDefaults, writeInventory } from './role-site.js';
import { bootHost, openSiteFolder, packNode, type Host, type SiteFolder } from './systemd-host.js';

jest.setTimeout(900_000);

let cloud: CloudFacts;
let site: SiteFolder;
let host: Host;
/** What the host is told about Node.js. */
let nodeVariables: Readonly<Record<string, unknown>>;
const tidying: (() => unknown)[] = [];

beforeAll(async () => {
  cloud = readCloud();
  site = await openSiteFolder();
  tidying.push(() => site.remove());
  writeInventory(site, { 'role-bare': {} });
  // Nothing is deployed here, so nobody asks the store.
  writeDefaults(site, cloud, { scope: 'admin', storeUrl: 'http://127.0.0.1:9/' });
  nodeVariables = await packNode(site.path);
  host = await bootHost('role-bare');
  tidying.push(() => host.down());
  await takeNodeFrom(host);
});

afterAll(async () => {
  for (const tidy of tidying.reverse()) await tidy();
});

/** Plays that must be refused before anything is changed. */
async function refusal(variables: Readonly<Record<string, unknown>>): Promise<string> {
  const result = await site.play(variables, ['--tags', 'chameleon_image_tools_preflight']);
  expect(result.exitCode).toBe(2);
  expect(result.changed).toEqual([]);
  return result.stdout.replace(/\\"/g, '"');
}

test('what cannot work is refused before anything is changed, with the name of what to set', async () => {
  const refusals: readonly (readonly [Readonly<Record<string, unknown>>, string])[] = [
    [
      { chameleon_image_tools_object_store_url: 'store' },
      'enable_image_deployer is true, but chameleon_image_tools_object_store_url is not an http or https URL',
    ],
    [
      { chameleon_image_tools_catalog: 'releases,objects', chameleon_image_tools_objects_store_url: 'x' },
      'chameleon_image_tools_objects_store_url is not an http or https URL',
    ],
    [{ keystone_admin_password: '' }, 'Without a value now: chameleon_image_tools_password'],
    [
      { hide_image_age_in_month: 18 },
      'hide_image_age_in_month (18) must be at least 1 and less than delete_image_age_in_month',
    ],
    [{ chameleon_image_tools_calendar: 'dayly' }, 'systemd does not understand chameleon_image_tools_calendar'],
    [{ _chameleon_image_tools_is_systemd: false }, 'Set chameleon_image_tools_manage_timers to false'],
  ];
  await Promise.all(
    refusals.map(async ([variables, message]) =>
      expect((await refusal(variables)).replace(/\s+/g, ' ')).toContain(message),
    ),
  );
});

test('Node.js is downloaded where there is no archive, and a wrong one is refused', async () => {
  const archive = join(site.path, 'node.tar.gz');
  const requested: string[] = [];
  const server = createServer((request, response) => {
    requested.push(`${request.url}`);
    createReadStream(archive).pipe(response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const mirror = `http://127.0.0.1:${(server.address() as AddressInfo).port}/dist/`;
    const argv = ['--tags', 'chameleon_image_tools_install'];

    const wrong = await site.play({ chameleon_image_tools_node_archive: archive }, argv);
    expect(wrong.exitCode).toBe(2);
    expect(wrong.stdout).toContain('as chameleon_image_tools_node_sha256.');
    expect(await host.shell('ls /opt/chameleon_image_tools')).not.toContain('node');

    const sha256 = nodeVariables.chameleon_image_tools_node_sha256;
    const right = await site.play(
      { chameleon_image_tools_node_mirror: mirror, chameleon_image_tools_node_sha256: sha256 },
      argv,
    );
    expectPlayed(right, { 'role-bare': expect.any(Number) }, [cloud.admin_password]);
    expect(requested).toEqual([
      expect.stringMatching(/^\/dist\/v(\d+\.\d+\.\d+)\/node-v\1-linux-(x64|arm64)\.tar\.xz$/),
    ]);
    expect(await host.shell('chameleon-image-tools --version')).not.toBe('');
  } finally {
    server.close();
  }
});

test('a role without its executables is refused', async () => {
  rmSync(join(site.path, 'roles/chameleon_image_tools/library'), { recursive: true });

  expect(await refusal({})).toContain('run `npm run build`');
});
