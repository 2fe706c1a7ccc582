// What the journal of the service names: files that an operator can open; and the check that ends a play.
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { readCloud, until, type CloudFacts } from './cloud.js';
import { expectPlayed, writeDefaults, writeInventory } from './role-site.js';
import { bootHost, openSiteFolder, type Host, type SiteFolder } from './systemd-host.js';

jest.setTimeout(900_000);

const lastSuccess = 'periodic_task_last_success{name="image_deploy"} 1700000000';

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

test("the journal names the file of the host, not systemd's copy, and knows it for an error", async () => {
  // As an earlier version of the role, and an operator, have left them.
  await host.shell(`mkdir /srv/textfile; cd /srv/textfile; chown nobody .
    printf '# TYPE periodic_task_last_success gauge\\n%s\\n' '${lastSuccess}' >image_deploy.prom
    printf '[Service]\\nType=oneshot\\nExecStart=/usr/bin/touch /srv/noted-%%i\\n' >/etc/systemd/system/note@.service`);
  const variables = {
    chameleon_image_tools_textfile_dir: '/srv/textfile',
    chameleon_image_tools_on_failure: 'note@%n.service',
  };
  expectPlayed(await site.play(variables), { 'role-journal': expect.any(Number) }, [cloud.admin_password]);
  await host.shell("echo 'images: [' >>/etc/chameleon_image_tools/site.yaml");

  await host.shell('! systemctl start image_deploy.service');

  const journal = await host.shell('journalctl --unit=image_deploy.service --output=cat --priority=err');
  expect(journal).toContain('chameleon-image-tools: --site-yaml: /etc/chameleon_image_tools/site.yaml');
  expect(await host.shell('journalctl --unit=image_deploy.service')).not.toContain('/run/credentials');
});

test('a unit of the site learns of the failure, and monitoring its code; the last success stays as it was', async () => {
  await until(async () => (await host.try('ls /srv/noted-image_deploy.service')).exitCode === 0, 'the note');

  const metrics = await host.shell('cat /srv/textfile/image_deploy.prom');
  expect(metrics.split('\n')).toContain(lastSuccess);
  expect(metrics).toContain('image_tools_last_run_failures{name="image_deploy",code="INVALID_INPUT"} 1');
});

test('what the user of the service puts in the place of the metrics is not published', async () => {
  await host.shell(
    'ln -sf /etc/chameleon_image_tools/site.yaml /var/lib/private/chameleon_image_tools/image_deploy.prom',
  );

  await host.shell('EXIT_STATUS=0 /usr/local/sbin/chameleon-image-deploy --publish-metrics');
  await host.shell(
    'cd /var/lib/private/chameleon_image_tools; rm image_deploy.prom; cp /etc/chameleon_image_tools/site.yaml image_deploy.prom',
  );
  await host.shell('EXIT_STATUS=0 /usr/local/sbin/chameleon-image-deploy --publish-metrics');

  expect(await host.shell('ls -A /srv/textfile; cat /srv/textfile/image_deploy.prom')).toMatch(
    /^image_deploy\.prom\n# (?:TYPE|HELP) /,
  );
});

test('a play that is to check ends with what would fail tonight, and well where nothing would', async () => {
  const check = { chameleon_image_tools_check: 'true' };
  const argv = ['--tags', 'chameleon_image_tools_configure,chameleon_image_tools_check'];

  const refused = await site.play(check, argv);
  const inStore = { chameleon_image_tools_object_store_url: cloud.swift_url, chameleon_image_tools_scope: 'prod' };
  const passed = await site.play({ ...check, ...inStore }, argv);

  expect(refused).toMatchObject({ exitCode: 2, changed: ['Write site.yaml'] });
  expect(refused.stdout).toMatch(/catalogue releases: .*127\.0\.0\.1:9/);
  expect(passed).toMatchObject({ exitCode: 0, changed: ['Write site.yaml'] });
  expect(passed.stdout).toContain('Check whether the next runs can succeed');
  expect(refused.stdout + passed.stdout).not.toContain(cloud.admin_password);
});
