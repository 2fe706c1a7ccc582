// Connections that break and answers that do not end, between the built executables and real
// services.
import { expect, test } from '@jest/globals';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startFaultProxy } from '../cloud/fault-proxy.js';
import { root, until } from './cloud.js';
import { parseResult, startCommand, startModule, type Ended } from './executable.js';
import { expectDeployed, newRelease } from './images.js';
import { withSite, type Site } from './site.js';

const current = { method: 'GET', path: /\/current$/ };

/** Seconds and MiB that a run of a module took. */
async function measured(
  name: string,
  given: Record<string, unknown>,
): Promise<Ended & { readonly seconds: number; readonly mebibytes: number }> {
  const folder = mkdtempSync(join(tmpdir(), 'memory-'));
  const report = join(folder, 'memory');
  const started = performance.now();
  const ended = await startModule(name, given, {
    NODE_OPTIONS: `--require=${join(root, 'test/acceptance/report-memory.cjs')}`,
    MEMORY_REPORT: report,
  }).ended;
  const mebibytes = Number(readFileSync(report, 'utf8')) / 1024;
  rmSync(folder, { recursive: true });
  return { ...ended, seconds: (performance.now() - started) / 1000, mebibytes };
}

function expectOrderly(ended: Awaited<ReturnType<typeof measured>>, message: RegExp): void {
  const result = parseResult(ended);
  expect(result).toMatchObject({ failed: true, msg: expect.stringMatching(message) });
  expect(result.code).not.toBe('INTERNAL_ERROR');
  expect(ended.seconds).toBeLessThan(60);
  expect(ended.mebibytes).toBeLessThan(400);
}

test('a catalogue that is cut off is read again, and a manifest, and the first bytes', async () => {
  await withSite(async (site) => {
    const published = await site.store.publish(site.name, newRelease);
    site.storeProxy.addFault({ ...current, nth: 1, cutResponseAfter: 1 });
    site.storeProxy.addFault({ method: 'GET', path: /\.manifest$/, nth: 1, cutResponseAfter: 1 });
    site.storeProxy.addFault({ method: 'GET', path: /\.qcow2$/, nth: 1, cutResponseAfter: 1 });

    const result = await site.deploy();

    expect(result.failed).toBeUndefined();
    await expectDeployed(site, published);
  })();
});

test('a catalogue that is always cut off is reported with its URL', async () => {
  await withSite(async (site) => {
    site.storeProxy.addFault({ ...current, cutResponseAfter: 1 });
    await site.store.publish(site.name, newRelease);

    const result = await site.deploy();

    expect(result).toMatchObject({
      failed: true,
      code: 'CONNECTION_BROKEN',
      msg: expect.stringContaining(`${site.storeProxy.url}`),
    });
  })();
});

test.each<[string, (site: Site) => void, RegExp]>([
  [
    'a catalogue that is not there',
    (site) => void site.storeProxy.addFault({ ...current, status: 404, endless: true }),
    /the store has no catalogue/,
  ],
  [
    'a catalogue',
    (site) => void site.storeProxy.addFault({ ...current, status: 200, endless: true }),
    /larger than 4194304 bytes/,
  ],
  [
    'a list of Glance',
    (site) => void site.glanceProxy.addFault({ method: 'GET', path: /v2\/images\?/, status: 200, endless: true }),
    /more than 67108864 bytes/,
  ],
  [
    'an error of Glance',
    (site) =>
      void site.glanceProxy.addFault({
        method: 'GET',
        path: /v2\/images\?/,
        status: 400,
        endless: true,
        body: '{"message": "no"',
      }),
    /400/,
  ],
])('the body of %s that does not end costs little time and memory', async (_, break_, message) => {
  await withSite(async (site) => {
    await site.store.publish(site.name, newRelease);
    break_(site);

    expectOrderly(await measured('image_deploy', site.argumentsOf()), message);
  })();
});

test('an error of Keystone that does not end costs little time and memory', async () => {
  await withSite(async (site) => {
    const keystone = await startFaultProxy(site.cloud.keystone_url);
    site.afterwards(() => keystone.close());
    keystone.addFault({ method: 'POST', path: /auth\/tokens/, status: 500, endless: true });
    const { auth } = site.argumentsOf() as { auth: object };

    expectOrderly(await measured('image_info', { auth: { ...auth, auth_url: keystone.url } }), /answered 500/);
  })();
});

test('a list of Glance that stalls ends within the time-out', async () => {
  await withSite(async (site) => {
    site.glanceProxy.addFault({ method: 'GET', path: /v2\/images\?/, stallResponseAfter: 20 });

    const ended = await measured('image_info', {
      ...site.argumentsOf(),
      ...{ object_store_url: undefined },
      timeout: 1,
      ...infoOnly,
    });

    expectOrderly(ended, /sent nothing for 1 s/);
    expect(ended.seconds).toBeLessThan(15);
  })();
});

/** What image_deploy knows and image_info does not. */
const infoOnly = { scope: undefined, lock_dir: undefined, stall_timeout: undefined, attempts: undefined };

test('SIGTERM ends a run whose catalogue stalls', async () => {
  await withSite(async (site) => {
    await site.store.publish(site.name, newRelease);
    site.storeProxy.addFault({ ...current, stallResponseAfter: 1 });
    const running = site.startCommand([
      'deploy',
      '--object-store-url',
      site.storeProxy.url,
      '--scope',
      site.scope,
      '--lock-dir',
      site.addHost(),
    ]);
    await until(
      async () => site.storeProxy.requests.some(({ bytesSent }) => bytesSent === 1),
      'the catalogue to stall',
    );

    running.terminate();

    expect(await running.ended).toMatchObject({ exitCode: 143, stderr: expect.stringContaining('SIGTERM') });
  })();
});

test('a site behind a proxy without a scheme is reached, and what no_proxy names is not asked through it', async () => {
  await withSite(async (site) => {
    const asked: string[] = [];
    const proxy = http.createServer((request, response) => {
      asked.push(new URL(request.url ?? '').host);
      const onward = http.request(
        request.url ?? '',
        { method: request.method, headers: request.headers, agent: false },
        (answer) => {
          response.writeHead(answer.statusCode ?? 502, answer.headers);
          answer.pipe(response);
        },
      );
      request.pipe(onward.on('error', () => response.destroy()));
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', () => resolve()));
    site.afterwards(() => proxy.close());
    const hostOf = (url: string): string => new URL(url).host;
    const variables = {
      OS_CLIENT_CONFIG_FILE: site.cloud.os_client_config_file,
      http_proxy: `127.0.0.1:${(proxy.address() as AddressInfo).port}`,
      no_proxy: hostOf(site.cloud.keystone_url),
    };
    const published = await site.store.publish(site.name, newRelease);

    const result = parseResult(await startModule('image_deploy', site.argumentsOf(), variables).ended);

    expect(result.failed).toBeUndefined();
    await expectDeployed(site, published);
    expect([...new Set(asked)].sort()).toEqual([hostOf(site.glanceProxy.url), hostOf(site.storeProxy.url)].sort());
  })();
});

test('a proxy that hangs up is named, and the run ends in order', async () => {
  const rude = net.createServer((socket) => void socket.end()).listen(0, '127.0.0.1');
  await until(async () => rude.listening, 'the proxy');
  const proxy = `127.0.0.1:${(rude.address() as AddressInfo).port}`;

  const ended = await startCommand(['info'], {
    OS_AUTH_TYPE: 'token',
    OS_TOKEN: 'x',
    OS_AUTH_URL: 'https://keystone.example',
    https_proxy: proxy,
  }).ended;

  rude.close();
  expect(ended.exitCode).toBe(1);
  expect(ended.stderr).toContain(`the proxy http://${proxy} of https_proxy`);
});
