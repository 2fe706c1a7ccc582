// Several deployers at once: of different hosts exactly one uploads, on one host the others are
// turned away.
import { EventEmitter, once } from 'node:events';
import { expect, test } from '@jest/globals';
import { parseResult, type Ended, type ModuleResult } from './executable.js';
import { expectUpgraded, newRelease, onlyImage, publicImages, seedArchiveName, seedProduction } from './images.js';
import { uploadsTo, withSite, writesTo, type Site } from './site.js';

/** What lets a request through the proxy when the test says so. */
function gate(): { readonly reached: Promise<unknown>; open(): void; hook(): Promise<void> } {
  const events = new EventEmitter();
  const opened = once(events, 'open');
  return {
    reached: once(events, 'reached'),
    open: () => void events.emit('open'),
    hook: async () => {
      events.emit('reached');
      await opened;
    },
  };
}

test.concurrent.each([2, 10])('of %i deployers on different hosts exactly one uploads, and none fails', (count) =>
  withSite(async (site) => {
    const old = await seedProduction(site);
    const published = await site.store.publish(site.name, newRelease);

    const results = await Promise.all(Array.from({ length: count }, () => site.deploy({ lock_dir: site.addHost() })));

    expect(results.filter(({ failed }) => failed)).toEqual([]);
    // One that finds the other's image with all its data, but private still, may promote it as
    // well: resume.
    const actions = results.map((result) => onlyImage(result).action);
    expect(actions.filter((action) => action === 'deploy')).toHaveLength(1);
    expect(actions.filter((action) => !['deploy', 'resume', 'in_progress', 'up_to_date'].includes(action))).toEqual([]);
    expect(uploadsTo(site.glanceProxy)).toHaveLength(1);
    expect(await site.deploy()).toMatchObject({ changed: false });
    await expectUpgraded(site, old, published);
  })(),
);

test.concurrent(
  'a deployer that another overtakes between its plan and its first write leaves the image to the other',
  withSite(async (site) => {
    const old = await seedProduction(site);
    const published = await site.store.publish(site.name, newRelease);
    const creation = gate();
    site.glanceProxy.addFault({ method: 'POST', nth: 1, before: creation.hook });
    const slow = site.deploy({ lock_dir: site.addHost() });
    await creation.reached;
    const fast = await site.deploy({ lock_dir: site.addHost() });
    creation.open();

    const result = await slow;

    expect(onlyImage(fast).action).toBe('deploy');
    expect(result).toMatchObject({ changed: false });
    expect(result.failed).toBeUndefined();
    expect(onlyImage(result)).toMatchObject({
      action: 'up_to_date',
      reason: 'another run has deployed it in the meantime',
      id: onlyImage(fast).id,
    });
    expect(uploadsTo(site.glanceProxy)).toHaveLength(1);
    await expectUpgraded(site, old, published);
  }),
);

test.concurrent(
  'two deployers that promote the same image at once archive the old one once',
  withSite(async (site) => {
    const old = await seedProduction(site);
    const published = await site.store.publish(site.name, newRelease);
    const promotion = gate();
    site.glanceProxy.addFault({ method: 'PATCH', nth: 1, before: promotion.hook });
    const slow = site.deploy({ lock_dir: site.addHost() });
    await promotion.reached;
    const fast = await site.deploy({ lock_dir: site.addHost() });
    promotion.open();

    const result = await slow;

    expect([result.failed, fast.failed]).toEqual([undefined, undefined]);
    expect(uploadsTo(site.glanceProxy)).toHaveLength(1);
    await expectUpgraded(site, old, published);
  }),
);

test.concurrent(
  'a deployer during whose upload another host promoted another release replaces that one',
  withSite(async (site) => {
    const old = await seedProduction(site);
    await site.store.publish(site.name, newRelease);
    const slow = await startWaiting(site);
    await site.store.publish(site.name, '20250601-v1-amd');
    const { id: otherId } = onlyImage(await site.deploy({ lock_dir: site.addHost() }));

    const result = await slow.finish();

    expect(onlyImage(result)).toMatchObject({ action: 'deploy', release: newRelease, archived_id: otherId });
    expect(await publicImages(site)).toEqual([
      expect.objectContaining({ current: newRelease, image_tools_replaces: otherId }),
    ]);
    expect(await site.glance.get(old.id)).toMatchObject({ name: seedArchiveName(site), 'chameleon-supported': 'no' });
  }),
);

test.concurrent(
  'a deployer during whose upload a stranger took the name leaves its image private',
  withSite(async (site) => {
    const old = await seedProduction(site);
    await site.store.publish(site.name, newRelease);
    const slow = await startWaiting(site);
    const stranger = await seedProduction(site);

    const result = await slow.finish();

    expect(result.failed).toBe(true);
    expect(onlyImage(result).reason).toContain(stranger.id);
    expect(await publicImages(site)).toEqual([old, stranger]);
  }),
);

/** Starts a run that waits in its upload until `finish` is called. */
async function startWaiting(site: Site): Promise<{ finish(): Promise<ModuleResult> }> {
  const upload = gate();
  site.glanceProxy.addFault({ method: 'PUT', nth: 1, before: upload.hook });
  const running = site.startDeploy();
  await upload.reached;
  return {
    finish: async () => {
      upload.open();
      return parseResult(await running.ended);
    },
  };
}

test.concurrent(
  'a second run on the same host is turned away while the first is at it: module, and command line with exit code 75',
  withSite(async (site) => {
    const old = await seedProduction(site);
    const published = await site.store.publish(site.name, newRelease);
    const first = await startWaiting(site);
    const writesBefore = writesTo(site.glanceProxy).length;

    const second = await site.deploy();
    const command = await site.startCommand(['deploy', '--json', ...flagsOf(site)]).ended;

    expect(second).toMatchObject({ changed: false, failed: true, code: 'RUN_IN_PROGRESS' });
    expect(second.msg).toContain(String(site.argumentsOf().lock_dir));
    expect(command).toMatchObject({ exitCode: 75 });
    expect(JSON.parse(command.stdout)).toMatchObject({ changed: false, code: 'RUN_IN_PROGRESS' });
    expect(writesTo(site.glanceProxy)).toHaveLength(writesBefore);
    expect(onlyImage(await first.finish())).toMatchObject({ action: 'deploy' });
    await expectUpgraded(site, old, published);
  }),
);

test.concurrent(
  'check mode is not turned away by a run in progress, and says what that run is at',
  withSite(async (site) => {
    await site.store.publish(site.name, newRelease);
    const first = await startWaiting(site);

    const planned = await site.deploy({ _ansible_check_mode: true });

    expect(planned).toMatchObject({ changed: false });
    expect(onlyImage(planned)).toMatchObject({ action: 'in_progress' });
    expect((await first.finish()).failed).toBeUndefined();
  }),
);

test.concurrent(
  'the command line does the same as the module: exit code 0, one JSON document, then nothing to do',
  withSite(async (site) => {
    const old = await seedProduction(site);
    const published = await site.store.publish(site.name, newRelease);

    const first = await site.startCommand(['deploy', '--json', ...flagsOf(site)]).ended;
    const second = await site.startCommand(['deploy', '--json', ...flagsOf(site)]).ended;

    expect([first, second]).toMatchObject([{ exitCode: 0 }, { exitCode: 0 }]);
    expect([first, second].map(documentOf)).toMatchObject([
      { changed: true, images: [{ action: 'deploy' }] },
      { changed: false, images: [{ action: 'up_to_date' }] },
    ]);
    await expectUpgraded(site, old, published);
  }),
);

function documentOf({ stdout }: Ended): unknown {
  return JSON.parse(stdout);
}

/**
 * The site's arguments as options; a mapping is a file on the command line, so Glance is reached
 * without its proxy.
 */
function flagsOf(site: Site): string[] {
  const { object_store_url: url, scope, lock_dir: folder } = site.argumentsOf();
  return ['--object-store-url', String(url), '--scope', String(scope), '--lock-dir', String(folder)];
}
