// ipa_test puts nodes back that Ironic really cleans: each waits for a ramdisk, which here calls
// late or never.
import { expect, test } from '@jest/globals';
import { until } from './cloud.js';
import { asBefore, former, openIpaSite, resultOf, setCleaning, standingOf, type IpaSite } from './ipa-site.js';
import { startRamdiskAgent } from './ramdisk-agent.js';
import { sql } from './image-clean-site.js';
import { startModule } from './executable.js';
import { withSite } from './site.js';

const provision = /\/states\/provision$/;

/** A node whose deployment fails, and which is cleaned only when it is put back. */
async function openFailing(ipa: IpaSite): Promise<{ node: string; given: Readonly<Record<string, unknown>> }> {
  const node = await ipa.addNode({ deploy_interface: 'direct' });
  // Not counted: where nodes are hidden from the project, each verb is asked for twice.
  const beforeUndeployed = async (): Promise<void> => {
    const { provision_state: state } = await ipa.ironic.getNode(node);
    if (state === 'deploy failed') await setCleaning(ipa.ironic, node);
  };
  ipa.ironicProxy.addFault({ method: 'PUT', path: provision, before: beforeUndeployed });
  const image_source = `${ipa.site.cloud.store_static_url}/is-not-there.raw`;
  return {
    node,
    given: { deployer: 'ironic', instance_info: { image_source, image_checksum: 'd41d8cd98f00b204e9800998ecf8427e' } },
  };
}

/** How many verbs Ironic has accepted: an abort would be one more. */
function verbsIn(ipa: IpaSite): number {
  const verbs = ipa.ironicProxy.requests.filter(({ method, path }) => method === 'PUT' && provision.test(path));
  return verbs.filter(({ status }) => status === 202).length;
}

test.concurrent(
  'a cleaning that the putting back began is waited for until its ramdisk has called',
  withSite(async (site) => {
    const ipa = await openIpaSite(site);
    const { node, given } = await openFailing(ipa);
    const agent = await startRamdiskAgent(site, ipa.ironic);

    const running = ipa.start(given);
    await until(
      async () => (await ipa.ironic.getNode(node)).provision_state === 'clean wait',
      'the node to wait for its ramdisk',
    );
    // After five seconds Ironic would give it up.
    sql('ironic', `UPDATE nodes SET provision_updated_at = '2100-01-01' WHERE uuid = '${node}'`);
    const looks = (): number =>
      ipa.ironicProxy.requests.filter(({ method, path }) => method === 'GET' && path.endsWith(node)).length;
    const seen = looks();
    await until(async () => looks() > seen, 'the run to look at the node again');
    await agent.call(node);
    const result = resultOf(await running.ended);

    expect(result).toMatchObject({
      failed: true,
      passed: false,
      reason: expect.stringMatching(/did not become active, it is in state deploy failed: /),
    });
    expect(standingOf(await ipa.ironic.getNode(node))).toEqual(asBefore);
    expect([ipa.journal(), verbsIn(ipa)]).toEqual([[], 4]);
  }),
);

test.concurrent(
  'a ramdisk that never calls is told as Ironic tells it; restore, repeated, does not end the cleaning either',
  withSite(async (site) => {
    const ipa = await openIpaSite(site);
    const { node, given } = await openFailing(ipa);

    const failed = await ipa.run(given);
    const again = await ipa.run({ restore: true, deployer: 'ironic' });

    for (const result of [failed, again])
      expect([...(result.failures ?? []), result.msg].join()).toMatch(
        /has its former images, but did not become available after (deleted|provide), it is in state clean failed: .*Timeout reached while cleaning/,
      );
    expect(await ipa.ironic.getNode(node)).toMatchObject({
      provision_state: 'clean failed',
      driver_info: { deploy_kernel: former.deploy_kernel },
    });
    expect([ipa.journal().length, verbsIn(ipa)]).toEqual([1, 6]);

    await setCleaning(ipa.ironic, node, false);
    expect(await ipa.run({ restore: true, deployer: 'ironic' })).toMatchObject({
      restored: [expect.stringMatching(/has its former images and is available$/)],
    });
    expect([standingOf(await ipa.ironic.getNode(node)), ipa.journal()]).toEqual([asBefore, []]);
  }),
);

test.concurrent(
  'maintenance that Ironic set for a failed cleaning is ended on the way to available',
  withSite(async (site) => {
    const ipa = await openIpaSite(site);
    const node = await ipa.enrollNode();
    await ipa.ironic.makeManageable(node);
    // As cleaning_error_handler leaves it when a step fails, which fake hardware has none for.
    sql(
      'ironic',
      "UPDATE nodes SET provision_state = 'clean failed', target_provision_state = 'available', maintenance = 1, " +
        `fault = 'clean failure' WHERE uuid = '${node}'`,
    );
    const {
      stall_timeout: _s,
      attempts: _a,
      object_store_url: _o,
      scope: _c,
      lock_dir: _l,
      ...login
    } = site.argumentsOf({ uuid: node, state: 'available' });

    const run = async (): Promise<object> =>
      JSON.parse((await startModule('baremetal_node', login, {}).ended).stdout) as object;

    expect(await run()).toMatchObject({ changed: true, provision_state: 'available' });
    expect(await ipa.ironic.getNode(node)).toMatchObject({
      provision_state: 'available',
      maintenance: false,
      fault: null,
    });
    expect(await run()).toMatchObject({ changed: false });
  }),
);
