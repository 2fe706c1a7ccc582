import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import { send } from './contract-requests.js';
import type { Reply } from './contract-requests.js';
import { describeIronic } from './ironic.contract.js';
import { startIronic } from './ironic.js';
import type { IronicDouble, StoredNode } from './ironic.js';
import { logIn, wholeSystem } from './log-in.js';
import { startSandbox } from './sandbox.js';

describeIronic('the double', async () => {
  const sandbox = await startSandbox();
  const { baremetal } = sandbox.users;
  baremetal.looks = 3;
  return {
    url: baremetal.url,
    admin: { token: await logIn(sandbox.auth), projectId: sandbox.keystone.admin.project.id },
    system: { token: await logIn(sandbox.auth, wholeSystem) },
    demo: { token: await logIn(sandbox.demoAuth) },
    failDeployment: (uuid) => void (baremetal.fails[`${uuid}/active`] = 'Failed to prepare to deploy: nothing answers'),
    close: sandbox.close,
  };
});

describe('what only the double supports', () => {
  let ironic: IronicDouble;

  beforeEach(async () => {
    ironic = await startIronic({ minor: 112 });
  });

  afterEach(() => ironic.close());

  const ask = (method: string, path: string, json?: object): Promise<Reply> =>
    send(method, `${ironic.url}/v1${path}`, { json, headers: { 'X-OpenStack-Ironic-API-Version': 'latest' } });
  const say = (node: StoredNode, target: string): Promise<Reply> =>
    ask('PUT', `/nodes/${node.uuid}/states/provision`, { target });
  const stateAfterLook = async (node: StoredNode): Promise<string> =>
    (await ask('GET', `/nodes/${node.uuid}`)).json.provision_state as string;

  test('it runs without a login, or with HTTP basic', async () => {
    const basic = await startIronic({ basic: { username: 'ironic', password: 'of no use' } });
    const login = (text: string): Promise<Reply> =>
      send('GET', `${basic.url}/v1/nodes`, {
        headers: { Authorization: `Basic ${Buffer.from(text).toString('base64')}` },
      });

    const replies = [
      await ask('GET', '/nodes'),
      await login('ironic:of no use'),
      await login('ironic:wrong'),
      await send('GET', `${basic.url}/v1/nodes`),
    ];

    expect(replies.map(({ status }) => status)).toEqual([200, 200, 401, 401]);
    expect(replies[2]!.json).toEqual({ error: { code: 401, message: 'Incorrect username or password' } });
    await basic.close();
  });

  test('an older server refuses unknown fields and verbs', async () => {
    ironic.minor = 46;

    expect((await ask('GET', '/nodes')).headers.get('x-openstack-ironic-api-version')).toBe('1.46');
    expect((await ask('POST', '/nodes', { driver: 'fake-hardware', automated_clean: true })).status).toBe(406);
    expect(
      (await send('GET', `${ironic.url}/v1/nodes`, { headers: { 'X-OpenStack-Ironic-API-Version': '1.47' } })).status,
    ).toBe(406);
  });

  test('each stage takes the configured number of requests', async () => {
    ironic.looks = 2;
    const node = ironic.seed({ provision_state: 'active' });
    await say(node, 'deleted');

    const states: string[] = [];
    for (let count = 0; count < 5; count++) states.push(await stateAfterLook(node));

    expect(states).toEqual(['deleting', 'deleting', 'cleaning', 'cleaning', 'available']);
  });

  test('with none it ends immediately', async () => {
    ironic.looks = 0;
    const node = ironic.seed({ provision_state: 'enroll' });

    for (const verb of ['manage', 'provide', 'active']) expect((await say(node, verb)).status).toBe(202);

    expect(node).toMatchObject({ provision_state: 'active', target_provision_state: null, reservation: null });
  });

  test('a node can be held in a state, waits unlocked for its ramdisk, and gives up', async () => {
    const release = ironic.hold('clean wait', 'rack3-07');
    const [held, free] = [
      ironic.seed({ name: 'rack3-07', provision_state: 'manageable' }),
      ironic.seed({ name: 'rack3-08', provision_state: 'manageable' }),
    ];
    for (const node of [held, free]) await say(node, 'provide');

    for (let count = 0; count < 4; count++) await ask('GET', '/nodes');

    expect([held, free]).toMatchObject([
      { provision_state: 'clean wait', target_provision_state: 'available', reservation: null },
      { provision_state: 'available' },
    ]);
    expect((await say(held, 'abort')).status).toBe(202);
    expect(held).toMatchObject({
      provision_state: 'clean failed',
      target_provision_state: 'available',
      last_error: 'By request, the clean operation was aborted',
    });
    release();
    await say(held, 'manage');
    // What leads there at once leaves the error.
    expect(held).toMatchObject({
      provision_state: 'manageable',
      target_provision_state: null,
      last_error: 'By request, the clean operation was aborted',
    });
  });

  test('a lock ends after a number of requests, including refused ones', async () => {
    const node = ironic.seed({});
    ironic.lock(node.uuid, 2);
    const patch = (): Promise<Reply> =>
      ask('PATCH', `/nodes/${node.uuid}`, [{ op: 'add', path: '/description', value: 'd' }]);

    expect([(await patch()).status, (await patch()).status, (await patch()).status]).toEqual([409, 409, 200]);
  });

  test('moving a node by hand ends what was in progress', async () => {
    const node = ironic.seed({ provision_state: 'manageable' });
    await say(node, 'provide');
    Object.assign(node, { provision_state: 'active', target_provision_state: null, reservation: null });

    expect([await stateAfterLook(node), await stateAfterLook(node)]).toEqual(['active', 'active']);
  });
});
