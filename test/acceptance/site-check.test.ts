// What keeps tonight's runs from succeeding on the real services, found beforehand; nothing is ever
// changed.
import { once } from 'node:events';
import { chmodSync, mkdirSync, readdirSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { selfSigned } from '../clients/self-signed.js';
import { temporaryFolder } from '../clients/temporary-folder.js';
import { createUser, fact, root } from './cloud.js';
import { parseResult, startModule, type Arguments } from './executable.js';
import { newRelease, seedProduction } from './images.js';
import { startSecondGlance } from './second-glance.js';
import { withSite, writesTo, type Site } from './site.js';

interface Finding {
  readonly result: string;
  readonly check: string;
  readonly subject?: string;
  readonly text: string;
  readonly fails?: readonly string[];
}

/** A new release is 219 days and more old. */
const fresh = { stale_after: 0 };

async function check(site: Site, given: Arguments = {}, environment = {}): Promise<readonly Finding[]> {
  const { lock_dir, object_store_url, scope, auth, endpoint_override, region_name } = site.argumentsOf();
  const journal = { journal_dir: site.addHost() };
  const args = {
    lock_dir,
    object_store_url,
    scope,
    auth,
    endpoint_override,
    region_name,
    ...journal,
    ...fresh,
    ...given,
  };
  const running = startModule('site_check', args, environment);
  site.afterwards(() => running.kill());
  const result = parseResult(await running.ended) as unknown as { findings?: readonly Finding[]; changed: boolean };
  expect(result).toMatchObject({ changed: false, findings: expect.any(Array) });
  return result.findings ?? [];
}

const faultsIn = (findings: readonly Finding[]): readonly Finding[] => findings.filter(({ result }) => result !== 'ok');
const faultsOf = async (site: Site, given?: Arguments, environment = {}): Promise<readonly Finding[]> =>
  faultsIn(await check(site, given, environment));

/** A site with a production image, and a newer release in the store. */
async function outdate(site: Site): Promise<void> {
  await seedProduction(site);
  await site.store.publish(site.name, newRelease);
}

async function loginAs(site: Site, role: string): Promise<Arguments> {
  const { user_id, password, remove } = await createUser(site.cloud, site.project, { role });
  site.afterwards(remove);
  return { auth: { auth_url: site.cloud.keystone_url, user_id, password, project_id: site.project.id } };
}

test.concurrent(
  'finds nothing on a site where all is well, says what it looked at, and leaves everything as it is',
  withSite(async (site) => {
    await outdate(site);
    const before = await site.glance.list();
    const folder = String(site.argumentsOf()['lock_dir']);

    const findings = await check(site);

    expect(faultsIn(findings)).toEqual([]);
    expect(findings.map(({ check: kind, subject = '' }) => `${kind} ${subject}`.trim())).toEqual(
      expect.arrayContaining([
        ...['login project', 'login system', 'permission', 'protections', 'import', 'stores', 'clean-up', 'clock'],
        ...['service identity', 'service image', 'service baremetal', 'catalogue releases'],
        ...[`object ${site.name}`, 'uses image', 'uses baremetal', 'lock folder', 'journal folder'],
      ]),
    );
    for (const service of findings.filter((each) => each.check === 'service' && each.subject !== undefined))
      expect(service.text).toMatch(/ with API version \d+\.\d+ answers at http/);
    expect(await site.glance.list()).toEqual(before);
    expect(new Set(writesTo(site.glanceProxy).map(({ method, status }) => `${method} ${status}`))).toEqual(
      new Set(['PATCH 409']),
    );
    expect(readdirSync(folder)).toEqual([]);
  }),
);

test.concurrent(
  'a user without the role',
  withSite(async (site) => {
    await outdate(site);

    const member = await loginAs(site, 'member');

    const asMember = await faultsOf(site, { ...member, runs: ['deploy'] });
    const asReader = await faultsOf(site, { ...(await loginAs(site, 'reader')), runs: ['deploy'] });
    const toClean = await faultsOf(site, { ...member, runs: ['clean'] });

    expect(asMember).toMatchObject([{ result: 'failed', subject: 'make an image public', fails: ['deploy'] }]);
    // In Zed a reader may still change the images of the project.
    expect(asReader.map(({ subject }) => subject)).toEqual(
      expect.arrayContaining(['create images', 'make an image public']),
    );
    expect(toClean.filter(({ check: kind }) => kind === 'uses').map(({ subject }) => subject)).toEqual(
      expect.arrayContaining(['baremetal', 'image']),
    );
    expect((await site.glance.list()).map(({ visibility }) => visibility)).toEqual(['public']);
  }),
);

test.concurrent(
  "a project's admin before an Ironic that hides nodes",
  withSite(async (site) => {
    await outdate(site);
    const endpoint_override = { image: site.glanceProxy.url, baremetal: fact(site.cloud, 'ironic_scoped_url') };

    const faults = await faultsOf(site, { ...(await loginAs(site, 'admin')), endpoint_override, runs: ['clean'] });

    expect(faults).toMatchObject([
      {
        result: 'failed',
        check: 'uses',
        subject: 'baremetal',
        text: expect.stringContaining('a system-scoped token is needed'),
        fails: ['clean'],
      },
    ]);
  }),
);

test.concurrent(
  'properties that Glance protects, and a Glance without web-download',
  withSite(async (site) => {
    await outdate(site);
    const glance = await startSecondGlance({
      protects: '^(chameleon-supported|image_tools_name)$',
      importMethods: ['glance-direct', 'copy-image'],
    });
    site.afterwards(() => glance.close());
    const there = { endpoint_override: { image: glance.url }, runs: ['deploy'] };

    const refused = await faultsOf(site, { ...there, ...(await loginAs(site, 'member')) });
    const admitted = await faultsOf(site, there);
    const unfetched = await faultsOf(site, { ...there, import_method: 'web-download' });

    expect(refused).toContainEqual(
      expect.objectContaining({
        result: 'failed',
        check: 'protections',
        text: 'Glance does not let this login set chameleon-supported, image_tools_name: it is protected',
        fails: ['deploy'],
      }),
    );
    expect(admitted).toEqual([]);
    expect(unfetched).toMatchObject([{ result: 'failed', check: 'import', fails: ['deploy'] }]);
  }),
);

test.concurrent(
  'a store without one of its objects, and a release that is old',
  withSite(async (site) => {
    await outdate(site);
    await site.store.publish(`${site.name}-2`, newRelease);
    await site.store.withdraw(site.name, newRelease, 'qcow2');

    const faults = await faultsOf(site, { stale_after: 30 });

    expect(faults).toMatchObject([
      {
        result: 'failed',
        check: 'object',
        subject: site.name,
        text: expect.stringContaining('the store has no image'),
      },
      { result: 'warning', check: 'age', text: expect.stringContaining('days old, more than stale_after (30)') },
    ]);
  }),
);

test.concurrent(
  'a certificate near its end, before the real Glance',
  withSite(async (site) => {
    await outdate(site);
    const folder = temporaryFolder();
    site.afterwards(() => folder.remove());
    const server = https.createServer(selfSigned(folder), (request, response) => {
      const upstream = http.request(
        `${site.cloud.glance_url}${request.url}`,
        { method: request.method, headers: request.headers },
        (answer) => {
          response.writeHead(answer.statusCode ?? 502, answer.headers);
          answer.pipe(response);
        },
      );
      request.pipe(upstream);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    site.afterwards(() => server.close());
    const origin = `https://localhost:${(server.address() as AddressInfo).port}`;

    expect(
      await faultsOf(site, { endpoint_override: { image: origin }, ca_cert: `${folder.path}/cert` }),
    ).toMatchObject([
      { result: 'warning', check: 'certificate', subject: origin, text: expect.stringMatching(/in 1 day$/) },
    ]);
  }),
);

test.concurrent(
  'a clock that is ahead',
  withSite(async (site) => {
    await outdate(site);
    const ahead = (seconds: number) => ({
      NODE_OPTIONS: `--require=${join(root, 'test/acceptance/other-clock.cjs')}`,
      CLOCK_AHEAD: String(seconds),
    });

    expect(await faultsOf(site, {}, ahead(300))).toMatchObject([{ result: 'warning', check: 'clock' }]);
    expect(await faultsOf(site, {}, ahead(7200))).toMatchObject([
      { result: 'failed', check: 'clock', text: expect.stringContaining('2 h 0 min ahead of'), fails: ['clean'] },
    ]);
  }),
);

test.concurrent(
  'a lock folder that this user may not write to, by the command, and as one line for monitoring',
  withSite(async (site) => {
    await outdate(site);
    const folder = join(site.addHost(), 'of-root');
    mkdirSync(folder);
    chmodSync(folder, 0o755);
    chmodSync(join(folder, '..'), 0o755);
    const words = [
      ...['check', '--object-store-url', site.storeProxy.url, '--scope', site.scope, '--stale-after', '0'],
      ...['--lock-dir', folder, '--runs', 'deploy', '--region-name', 'RegionOne'],
    ];
    const asNobody = { user: 65534 };

    const refused = await site.startCommand(words, asNobody).ended;
    const monitored = await site.startCommand([...words, '--monitoring'], asNobody).ended;
    const allowed = await site.startCommand([...words, '--monitoring']).ended;

    expect(refused).toMatchObject({ exitCode: 1, stderr: '' });
    expect(refused.stdout).toMatch(
      new RegExp(`^failed +lock folder +lock_dir: no lock can be created in ${folder}: EACCES`, 'm'),
    );
    expect(monitored).toMatchObject({ exitCode: 2, stderr: '' });
    expect(monitored.stdout).toMatch(
      /^IMAGE TOOLS CRITICAL - 1 failed, \d+ ok; lock folder: lock_dir: .*\| ok=\d+ warning=0 failed=1\n$/,
    );
    expect(allowed).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/^IMAGE TOOLS OK - \d+ ok \| ok=\d+ /),
    });
    expect(readdirSync(folder)).toEqual([]);
  }),
);
