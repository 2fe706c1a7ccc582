// How a node is put back that is cleaned on the way, as real ones are: its ramdisk takes its time
// to call, good or not.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { cloudOf } from '../clients/cloud-of.js';
import { look, travel } from '../sandbox/ironic-activity.js';
import type { StoredNode } from '../sandbox/ironic.js';
import { former, startIpaSite, type IpaTestSite } from './ipa-test-site.js';

let site: IpaTestSite;

afterEach(async () => {
  await site.close();
});

const patient = { clean_timeout: 30, deploy_timeout: 30 } as const;
const byIronic = {
  ...patient,
  deployer: 'ironic',
  instance_info: { image_source: 'http://127.0.0.1/disk.raw', image_checksum: 'd41d8cd98f00b204e9800998ecf8427e' },
} as const;

function verbs(): string[] {
  return site.users.baremetal.requests
    .filter(({ method, path }) => method === 'PUT' && path.endsWith('/provision'))
    .map(({ body }) => (body as { target: string }).target);
}

function standing({
  driver_info: { deploy_kernel, deploy_ramdisk },
  provision_state: state,
  maintenance,
  instance_info,
}: StoredNode): unknown {
  return { deploy_kernel, deploy_ramdisk, state, maintenance: maintenance === true, instance_info };
}

const asBefore = { ...former, state: 'available', maintenance: false, instance_info: {} };

async function open(services: ('compute' | 'baremetal' | 'network')[] = ['baremetal', 'network']): Promise<StoredNode> {
  site = await startIpaSite(services);
  // Whoever wants to end a cleaning does so at the first look.
  site.users.baremetal.waits = { 'clean wait': 2 };
  return site.addNode();
}

/** What a run that was killed right there has left of its test. */
async function leave(node: StoredNode): Promise<void> {
  const { identity: cloud } = await cloudOf(site);
  mkdirSync(join(site.folder, 'journal'), { recursive: true });
  const entry = {
    version: 1,
    kind: 'test',
    name: 'CC-IPA-TEST-x',
    cloud,
    startedAt: '2026-06-01T00:00:00.000Z',
    step: 'tear down',
    node: { uuid: node.uuid, name: node.name },
    former: { node: former },
    wanted: tested(),
  };
  writeFileSync(join(site.folder, 'journal', 'ipa-CC-IPA-TEST-x.json'), JSON.stringify(entry));
}

const tested = (): { deploy_kernel: string; deploy_ramdisk: string } => ({
  deploy_kernel: site.kernel.id,
  deploy_ramdisk: site.initramfs.id,
});

/** A node that its conductor cleans. */
function clean(node: StoredNode, images: object, { isHeld = false } = {}): void {
  const { baremetal } = site.users;
  Object.assign(node, { driver_info: { ...images } });
  travel(baremetal, node, { verb: 'provide', way: ['cleaning', 'available'] });
  look(baremetal, node);
  if (isHeld) Object.assign(node, { provision_state: 'clean hold' });
}

describe('a cleaning with the former images is waited for', () => {
  test('after a deployment that failed', async () => {
    const node = await open();
    site.users.baremetal.fails = { active: 'the image is not there' };

    const outcome = await site.test(byIronic);

    expect(outcome.failures).toEqual([
      expect.stringMatching(/did not become active, it is in state deploy failed: the image is not there$/),
    ]);
    expect([standing(node), site.journal()]).toEqual([asBefore, []]);
    expect(verbs()).toEqual(['manage', 'provide', 'active', 'deleted']);
  });

  test('after a server of Nova was deleted', async () => {
    const node = await open(['compute', 'baremetal', 'network']);
    const { compute, baremetal } = site.users;
    compute.bootFails = 'the agent did not call';
    // Ironic cleans as soon as Nova has given the node up.
    let isCleaned = false;
    baremetal.intervene = () => {
      if (isCleaned || compute.servers.length > 0 || !compute.requests.some(({ method }) => method === 'POST'))
        return undefined;
      isCleaned = true;
      clean(node, node.driver_info);
      return undefined;
    };

    const outcome = await site.test(patient);

    expect(outcome.failures).toEqual([expect.stringMatching(/the agent did not call$/)]);
    expect([isCleaned, standing(node), site.journal()]).toEqual([true, asBefore, []]);
    expect(verbs()).not.toContain('abort');
  });

  test.each([
    ['by the run after it', {}],
    ['by restore', { restore: true }],
  ])('that a killed run began, %s', async (_, args) => {
    const node = await open();
    await leave(node);
    clean(node, former);

    const outcome = await site.test({ ...byIronic, ...args });

    expect(outcome).toMatchObject({
      failures: [],
      values: { restored: [expect.stringMatching(/has its former images and is available$/)] },
    });
    expect([standing(node), site.journal()]).toEqual([asBefore, []]);
    expect(verbs()).not.toContain('abort');
  });

  test('for no longer than clean_timeout; a repeated restore continues to wait, and ends nothing', async () => {
    const node = await open();
    await leave(node);
    clean(node, former);
    const release = site.users.baremetal.hold('clean wait');

    for (const _ of [1, 2]) {
      const late = await site.test({ restore: true, clean_timeout: 1 });
      expect(late).toMatchObject({
        message: '1 not restored',
        failures: [
          expect.stringMatching(
            new RegExp(
              'was not completely restored: gave up waiting for node .* after 1 s: it is in state clean wait; ' +
                '.* has the details, and the next run or restore continues$',
            ),
          ),
        ],
      });
      expect([site.journal().length, verbs()]).toEqual([1, []]);
    }
    release();

    expect(await site.test({ ...patient, restore: true })).toMatchObject({ failures: [], message: '1 restored' });
    expect([standing(node), site.journal()]).toEqual([asBefore, []]);
  });

  test("and its failure is reported, with Ironic's reason", async () => {
    const node = await open();
    await leave(node);
    Object.assign(node, { provision_state: 'manageable', driver_info: tested() });
    site.users.baremetal.fails = { 'clean wait': 'the disk is broken' };

    const outcome = await site.test({ ...patient, restore: true });

    expect(outcome.failures).toEqual([
      expect.stringMatching(
        /has its former images, but did not become available after provide, it is in state clean failed: the disk is broken/,
      ),
    ]);
    expect([standing(node), site.journal().length]).toEqual([{ ...asBefore, state: 'clean failed' }, 1]);
    expect(verbs()).not.toContain('abort');
  });
});

describe('maintenance', () => {
  test('that a failed cleaning has set is ended', async () => {
    const node = await open();
    await leave(node);
    Object.assign(node, {
      provision_state: 'clean failed',
      target_provision_state: 'available',
      driver_info: tested(),
      maintenance: true,
      fault: 'clean failure',
    });

    expect(await site.test({ ...patient, restore: true })).toMatchObject({ failures: [], warnings: [] });
    expect([standing(node), site.journal()]).toEqual([asBefore, []]);
  });

  test('of a power failure is left to Ironic and reported, with the former images in place', async () => {
    const node = await open();
    await leave(node);
    Object.assign(node, {
      provision_state: 'manageable',
      driver_info: tested(),
      maintenance: true,
      maintenance_reason: 'no answer',
      fault: 'power failure',
    });

    const outcome = await site.test({ ...patient, restore: true });

    expect(outcome).toMatchObject({
      failures: [],
      values: {
        restored: [expect.stringMatching(/is left manageable because Ironic itself set maintenance: power failure$/)],
      },
    });
    expect(outcome.warnings).toEqual([
      expect.stringMatching(
        /^node rack1-01 is left manageable: it is in maintenance .* power failure: no answer; Ironic ends it as soon as .*then bring it to available$/,
      ),
    ]);
    expect([standing(node), verbs()]).toEqual([{ ...asBefore, state: 'manageable', maintenance: true }, []]);
  });
});

describe('what the tested images have begun is ended', () => {
  test('a cleaning that they were booted for, which may never end', async () => {
    const node = await open();
    site.users.baremetal.waits = { 'clean wait': 4 };
    await leave(node);
    clean(node, tested());

    expect(await site.test({ ...patient, restore: true })).toMatchObject({ failures: [] });

    expect([standing(node), site.journal()]).toEqual([asBefore, []]);
    expect(verbs()).toEqual(['abort', 'manage', 'provide']);
  });

  test('also if it is held', async () => {
    const node = await open();
    site.users.baremetal.minor = 96;
    await leave(node);
    clean(node, tested(), { isHeld: true });

    expect(await site.test({ ...patient, restore: true })).toMatchObject({ failures: [] });

    expect([standing(node), verbs()]).toEqual([asBefore, ['abort', 'manage', 'provide']]);
  });

  test('and a cleaning that somebody holds with the former images is left, and reported', async () => {
    const node = await open();
    site.users.baremetal.minor = 96;
    await leave(node);
    clean(node, former, { isHeld: true });

    const outcome = await site.test({ ...patient, restore: true });

    expect(outcome.failures).toEqual([
      expect.stringMatching(
        new RegExp(
          'is in state clean hold, and no verb that this program may request leads from there to available: ' +
            'an operator holds it there; the verb unhold lets it continue, abort ends it',
        ),
      ),
    ]);
    expect([verbs(), site.journal().length]).toEqual([[], 1]);
  });
});
