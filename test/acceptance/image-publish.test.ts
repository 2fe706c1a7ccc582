// Publishing into the real Swift, and into a folder that the real nginx shows: kill -9 at each write,
// and what a site then deploys.
import { expect, test } from '@jest/globals';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { send } from '../sandbox/contract-requests.js';
import { authOf, root } from './cloud.js';
import { mib } from './disk.js';
import { parseResult, startModule, type ModuleResult, type Running } from './executable.js';
import { onlyImage } from './images.js';
import { completeRelease, openPublishStore, type PublishStore } from './publish-store.js';
import { withSite, writesTo, type Site } from './site.js';

const patience = 600_000;
const first = '20250422-v1';
const base = ({ url, container }: PublishStore): string => `${url}/${container}`;

test(
  'publishes by the command line, and the site deploys it from the public container',
  withSite(async (site) => {
    const store = await openPublishStore(site);
    const file = store.makeFile();
    const argv = ['publish', site.name, file, '--release', first, '--current', '--image-container', store.container];
    const run = (...more: string[]): Promise<{ exitCode: number | null; stdout: string }> =>
      site.startCommand([...argv, '--scope', site.scope, '--manifest', 'build-distro=ubuntu', ...more]).ended;

    const planned = await run('--dry-run');
    const beforehand = await send('GET', `${base(store)}/${site.scope}/current`);
    const done = await run();
    const again = await run();

    expect([planned, done, again].map(({ exitCode }) => exitCode)).toEqual([0, 0, 0]);
    expect(planned.stdout).toContain('planned: 3 write');
    expect(beforehand.status).toBe(404);
    expect(done.stdout).toContain('\n3 write');
    expect(again.stdout).toContain('\n3 up_to_date');
    const image = onlyImage(await store.deploy());
    expect(image).toMatchObject({ action: 'deploy', release: first });
    expect(image.verified_by).toContain("store's sha256");
    expect(await site.glance.get(image.id)).toMatchObject({ 'build-distro': 'ubuntu', visibility: 'public' });
  }),
  patience,
);

test(
  'refuses other bytes, a missing container and a login without a role, and sites ask the right question',
  withSite(async (site) => {
    const store = await openPublishStore(site, { acl: '' });
    const published = await store.publish({ file: store.makeFile(), release: first, current: true });
    const other = await store.publish({ file: store.makeFile(), release: first });
    const missing = await store.publish({ file: store.makeFile(), release: first, image_container: 'nowhere' });
    const stranger = await store.publish({ auth: authOf(site.cloud, 'demo'), file: store.makeFile(), release: first });
    const hidden = await store.deploy();

    expect(published.warnings?.join()).toContain(`swift post -r '.r:*,.rlistings' ${store.container}`);
    expect(other).toMatchObject({ failed: true, changed: false, code: 'RELEASE_TAKEN' });
    expect(missing).toMatchObject({ failed: true, code: 'CONTAINER_MISSING' });
    expect(stranger).toMatchObject({ failed: true, code: 'CONTAINER_REFUSED' });
    expect(hidden).toMatchObject({ failed: true, code: 'STORE_OBJECT_HIDDEN' });
    expect(hidden.msg).toContain('is the container public? Swift needs the read ACL ".r:*,.rlistings" on it');
  }),
  patience,
);

/** The writes of an image of three segments: these, their list, manifest and current. */
const writes = 6;

test(
  'killed at each write, no reader ever sees half a release, and the next run goes on',
  withSite(async (site) => {
    const store = await openPublishStore(site);
    const request = { file: store.makeFile({ bytes: 2 * mib }), segment_size: mib, current: true };
    let before: string | undefined;
    for (const hook of ['before', 'answered', 'after'] as const) {
      for (let nth = 1; nth <= writes; nth += 1) {
        const release = `${first}-${hook}-${nth}`;
        const seen = await killedAt(site, store, { request: { ...request, release }, nth, hook });
        const isDone = nth === writes && hook !== 'before';

        expect({ release, seen }).toEqual({ release, seen: isDone ? release : before });
        const sent = writesTo(store.proxy).length;
        expect(await store.publish({ ...request, release })).toMatchObject({ changed: !isDone });
        // What was sent completely is not sent again; killed before, Swift may still have received it.
        const left = writes - (hook === 'before' ? nth - 1 : nth);
        expect([left, hook === 'before' ? left - 1 : left]).toContain(writesTo(store.proxy).length - sent);
        expect(await completeRelease(base(store), site.scope, site.name)).toBe(release);
        before = release;
      }
    }
    expect(onlyImage(await store.deploy())).toMatchObject({ action: 'deploy', release: before });
  }),
  patience,
);

interface Death {
  readonly request: Readonly<Record<string, unknown>>;
  readonly nth: number;
  readonly hook: 'before' | 'answered' | 'after';
}

/** What anybody reads when the run has been killed. */
async function killedAt(site: Site, store: PublishStore, { request, nth, hook }: Death): Promise<string | undefined> {
  let running: Running | undefined;
  let isKilled = false;
  store.proxy.addFault({
    method: 'PUT',
    nth,
    [hook]: async () => {
      await running?.kill();
      isKilled = true;
    },
  });
  running = store.start(request);
  await running.ended;
  while (!isKilled) await sleep(20);
  store.proxy.clearFaults();
  return completeRelease(base(store), site.scope, site.name);
}

test.each([false, true])(
  'killed before each step in a folder (in_place: %s), the web server shows whole releases, and the next run goes on',
  (inPlace) =>
    withSite(async (site) => {
      const store = await openPublishStore(site);
      const container = `own-${site.scope}`;
      const folder = join(site.cloud.cloud_state, 'store', container);
      mkdirSync(folder);
      site.afterwards(() => rmSync(folder, { recursive: true }));
      const file = store.makeFile({ bytes: 2 * mib });
      const publish = async (release: string, at: number): Promise<ModuleResult | 'killed'> => {
        const kill = { KILL_AT: String(at), KILL_BELOW: folder };
        const options = { NODE_OPTIONS: `--require=${join(root, 'test/acceptance/kill-at.cjs')}`, ...kill };
        const given = { file, release, current: true, store_dir: folder, in_place: inPlace };
        const ended = await startModule('image_publish', store.argumentsOf(given), options).ended;
        return ended.exitCode === null ? 'killed' : parseResult(ended);
      };
      const seen = (): Promise<string | undefined> =>
        completeRelease(`${site.cloud.store_static_url}/${container}`, site.scope, site.name);
      let before: string | undefined;
      let at = 1;
      for (; ; at += 1) {
        const release = `${first}-${at}`;
        if ((await publish(release, at)) !== 'killed') break;
        // In place, a web server over a plain folder may show half of `current`; a bucket does not.
        const now = inPlace ? await seen().catch(() => before) : await seen();
        expect([before, release]).toContain(now);
        expect(await publish(release, 0)).not.toHaveProperty('failed');
        expect(await seen()).toBe(release);
        before = release;
      }

      expect(at).toBeGreaterThan(10);
      const deployed = await site.deploy({
        object_store_url: site.cloud.store_static_url,
        image_container: container,
      });
      expect(onlyImage(deployed)).toMatchObject({ action: 'deploy', release: `${first}-${at}` });
      expect(readFileSync(join(folder, site.scope, 'current'), 'utf8')).toMatch(/\n$/);
    })(),
  patience,
);

test(
  'a raw image next to a qcow2 is what a site of the type raw deploys',
  withSite(async (site) => {
    const store = await openPublishStore(site);
    await store.publish({ file: store.makeFile(), release: first, current: true });

    const result = await store.publish({ file: store.makeFile({ format: 'raw' }), release: first });

    expect(result).toMatchObject({ changed: true, msg: '1 write, 1 up_to_date' });
    expect(onlyImage(await store.deploy({ image_type: 'raw' }))).toMatchObject({ action: 'deploy' });
  }),
  patience,
);
