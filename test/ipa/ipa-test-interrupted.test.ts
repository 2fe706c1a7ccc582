// Roll-outs that are interrupted, and what is left of tests and roll-outs for the next run.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { cloudOf } from '../clients/cloud-of.js';
import type { Answer } from '../sandbox/http-double.js';
import type { StoredNode } from '../sandbox/ironic.js';
import { first } from '../nodes/bring-to-site.js';
import { former, imagesOf, resultsOf, startIpaSite, type IpaTestSite } from './ipa-test-site.js';

const pushOnly = { deployer: 'ironic', push: true, test: false, batch_size: 1 } as const;
const refused = (): Answer => ({ status: 400, body: { error_message: 'refused' } });

let site: IpaTestSite;
let nodes: readonly [StoredNode, StoredNode];
beforeEach(async () => {
  site = await startIpaSite(['baremetal']);
  nodes = [site.addNode(), site.addNode()];
});
afterEach(() => site.close());

const pushed = (): unknown => ({ deploy_kernel: site.kernel.id, deploy_ramdisk: site.initramfs.id });

/** Interrupts a roll-out when it has changed the first node. */
async function interrupt(): Promise<Awaited<ReturnType<IpaTestSite['test']>>> {
  const interruption = new AbortController();
  site.users.baremetal.spoil = ({ method }) => {
    if (method === 'PATCH') interruption.abort(new Error('interrupted'));
    return undefined;
  };
  const outcome = await site.test(pushOnly, { signal: interruption.signal });
  site.users.baremetal.spoil = () => undefined;
  return outcome;
}

describe('a roll-out that was interrupted', () => {
  test('says so, and what continues or undoes it', async () => {
    const outcome = await interrupt();

    expect(outcome.failures).toContainEqual(
      expect.stringMatching(
        /^interrupted: the roll-out is incomplete; another push continues it, restore rolls it back \(\S+\/ipa-push-\S+\.json\)$/,
      ),
    );
    expect(resultsOf(outcome)).toContain('rack1-02 skipped: the run was interrupted before its turn');
    expect([imagesOf(nodes[1]), site.journal().length]).toEqual([former, 1]);
  });

  test('is continued by another push', async () => {
    await interrupt();

    expect((await site.test(pushOnly)).failures).toEqual([]);

    expect([nodes.map(imagesOf), site.journal()]).toEqual([[pushed(), pushed()], []]);
  });

  test('is pointed to by a test, which leaves it as it is', async () => {
    await interrupt();

    const { warnings } = await site.test(
      { deployer: 'ironic', instance_info: { image_source: 'http://127.0.0.1/d' } },
      { checkMode: true },
    );

    expect(warnings).toContainEqual(
      expect.stringMatching(
        /has an interrupted roll-out \(push-\S+\): another push continues it, restore rolls it back$/,
      ),
    );
  });

  test('is rolled back by restore', async () => {
    await interrupt();

    expect(await site.test({ restore: true })).toMatchObject({
      failures: [],
      values: { restored: [expect.stringMatching(/^push-\S+: 1 nodes have their former images$/)] },
    });

    expect([nodes.map(imagesOf), site.journal()]).toEqual([[former, former], []]);
  });

  test('stays in the journal where restore is refused, with the node that it failed for', async () => {
    await interrupt();
    site.users.baremetal.intervene = ({ method }) => (method === 'PATCH' ? refused() : undefined);

    expect((await site.test({ restore: true })).failures).toEqual([
      expect.stringMatching(/^push-\S+: node rack1-01: it could not be rolled back: .*refused; \S+ has the details$/),
    ]);

    expect(site.journal()).toHaveLength(1);
  });
});

describe('a node of a roll-out', () => {
  test('whose images something else sets again fails it, and the images are put back', async () => {
    let reads = 0;
    site.users.baremetal.intervene = ({ method, segments: [, , uuid] }) => {
      const hasImages = nodes[0].driver_info.deploy_kernel === site.kernel.id;
      if (method === 'GET' && uuid === nodes[0].uuid && hasImages && ++reads === 2)
        Object.assign(nodes[0].driver_info, former);
      return undefined;
    };

    const outcome = await site.test(pushOnly);

    expect(resultsOf(outcome)).toContain(
      'rack1-01 failed: node rack1-01 lost its images immediately after they were set: something else sets them',
    );
    expect([nodes.map(imagesOf), site.journal()]).toEqual([[former, former], []]);
  });

  test('that does not end what it is doing is skipped with the reason', async () => {
    Object.assign(nodes[0], { provision_state: 'cleaning', target_provision_state: 'available' });

    const outcome = await site.test({ ...pushOnly, lock_timeout: 1 });

    expect(resultsOf(outcome)).toEqual([
      expect.stringMatching(/^rack1-01 skipped: unchanged after 1 s: .*cleaning/),
      'rack1-02 updated: it is available',
    ]);
  });

  test('whose change is always refused as locked fails with what the last refusal said', async () => {
    site.users.baremetal.intervene = ({ method, segments: [, , uuid] }) =>
      method === 'PATCH' && uuid === nodes[0].uuid
        ? { status: 409, body: { error_message: `Node ${uuid} is locked by host conductor-2, please retry` } }
        : undefined;

    const outcome = await site.test({ ...pushOnly, lock_timeout: 1 });

    expect(resultsOf(outcome)).toContainEqual(
      expect.stringMatching(/^rack1-01 failed: node \S+ did not accept its images within 1 s: .*is locked by host/),
    );
    expect(imagesOf(nodes[0])).toEqual(former);
  });
});

test('what a killed run has put into instance_info is removed by restore, and nothing else', async () => {
  const { identity: cloud } = await cloudOf(site);
  const [node] = nodes;
  Object.assign(node, { instance_info: { image_source: 'http://127.0.0.1/d', image_tools_test: 'x', theirs: 1 } });
  mkdirSync(join(site.folder, 'journal'), { recursive: true });
  const entry = {
    ...{
      version: 1,
      kind: 'test',
      name: 'CC-IPA-TEST-x',
      cloud,
      startedAt: '2026-06-01T00:00:00.000Z',
      step: 'deploy',
    },
    node: { uuid: node.uuid, name: node.name },
    former: { node: former },
    instanceKeys: ['image_source', 'image_tools_test'],
  };
  writeFileSync(join(site.folder, 'journal', 'ipa-CC-IPA-TEST-x.json'), JSON.stringify(entry));
  // Another operation holds the node at the first attempt.
  site.users.baremetal.intervene = first(
    1,
    ({ method }) => method === 'PATCH',
    () => ({ status: 409, body: { error_message: 'Node is locked by host conductor-2, please retry' } }),
  );

  expect(await site.test({ restore: true })).toMatchObject({ failures: [], message: '1 restored' });

  expect([node.instance_info, site.journal()]).toEqual([{ theirs: 1 }, []]);
});

test('the journal of a roll-out has the former images of each node before it is changed', async () => {
  let text = '';
  site.users.baremetal.intervene = ({ method }) => {
    if (method === 'PATCH') text ||= readFileSync(join(site.folder, 'journal', String(site.journal()[0])), 'utf8');
    return undefined;
  };

  await site.test(pushOnly);

  expect(JSON.parse(text)).toMatchObject({
    kind: 'rollout',
    wanted: pushed(),
    nodes: { [nodes[0].uuid]: { name: 'rack1-01', former: { node: former } } },
  });
});
