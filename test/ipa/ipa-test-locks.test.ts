// Nodes whose lock is held when a test takes them: power is switched, or looked at, for a moment.
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { startIpaSite, type IpaTestSite } from './ipa-test-site.js';

let site: IpaTestSite;

beforeEach(async () => {
  site = await startIpaSite(['baremetal']);
});
afterEach(async () => {
  await site.close();
});

test.each([
  ['that was named', { node: 'rack1-01' }],
  ['that is the only free one', {}],
])('the lock of a node %s, held for a moment, is waited for', async (_, args) => {
  const node = site.addNode();
  site.users.baremetal.lock(node.uuid, 4);

  const outcome = await site.test({
    deployer: 'ironic',
    instance_info: { image_source: 'http://127.0.0.1/d' },
    lock_timeout: 20,
    ...args,
  });

  expect(outcome).toMatchObject({ failures: [], values: { passed: true, node: { uuid: node.uuid } } });
});

test('a lock that is not released is reported with its holder, and another node is used', async () => {
  const [first, second] = [site.addNode(), site.addNode()];
  const { baremetal } = site.users;
  const given = { deployer: 'ironic', instance_info: { image_source: 'http://127.0.0.1/d' }, lock_timeout: 1 };
  baremetal.lock(first.uuid, 1000);

  const outcome = await site.test({ ...given, node: 'rack1-01' });

  expect(outcome.failures).toEqual([
    'the test could not be run: node rack1-01 was not taken: ' +
      'conductor conductor-2 did not release its lock within 1 s (lock_timeout)',
  ]);
  expect([site.allWrites(), site.journal()]).toEqual([[], []]);

  // Locked only after it was chosen.
  first.reservation = null;
  let isLocked = false;
  baremetal.intervene = ({ method, segments }) => {
    if (method === 'GET' && segments[2] === first.uuid && !isLocked)
      isLocked = Boolean((first.reservation = 'conductor-2'));
    return undefined;
  };
  expect(await site.test(given)).toMatchObject({
    failures: [],
    values: { passed: true, node: { uuid: second.uuid } },
    warnings: [expect.stringMatching(/did not release its lock within 1 s/)],
  });
});
