// What the journal of the service names: files that an operator can open.
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { readCloud, type CloudFacts } from './cloud.js';
import { expectPlayed, writeDefaults, writeInventory } from './role-site.js';
import { bootHost, openSiteFolder, type Host, type SiteFolder } from './systemd-host.js';

jest.setTimeout(900_000);

let cloud: CloudFacts;
let site: SiteFolder;
let host: Host;
const tidying: (() => unknown)[] = [];

beforeAll(async () => {
  cloud = readCloud();
  site = await openSiteFolder();
  tidying.push(() => site.remove());
  writeInventory(site, { 'role-journal': {} });
  // The run ends before anybody asks the store.
  writeDefaults(site, cloud, { scope: 'admin', storeUrl: 'http://127.0.0.1:9/' });
  host = await bootHost('role-journal');
  tidying.push(() => host.down());
});

afterAll(async () => {
  for (const tidy of tidying.reverse()) await tidy();
});

test("the journal names the file of the host, not systemd's copy", async () => {
  expectPlayed(await site.play(), { 'role-journal': expect.any(Number) }, [cloud.admin_password]);
  await host.shell("echo 'images: [' >>/etc/chameleon_image_tools/site.yaml");

  await host.shell('! systemctl start image_deploy.service');

  const journal = await host.shell('journalctl --unit=image_deploy.service --output=cat');
  expect(journal).toContain('chameleon-image-tools: --site-yaml: /etc/chameleon_image_tools/site.yaml');
  expect(journal).not.toContain('/run/credentials');
});
