// The state machine of the real Ironic, up and down, and out of every failed state that it can be
// brought into.
import { expect, test } from '@jest/globals';
import { withIronic, type BareResult, type BareSite, type Which } from './baremetal-site.js';
import { fact } from './cloud.js';
import { startImageServer } from './image-server.js';

const bring = (
  bare: BareSite,
  name: string,
  state: string,
  more: Readonly<Record<string, unknown>> = {},
): Promise<BareResult> => bare.run('baremetal_node', { name, state, ...more });

test.each<Which>(['keystone', 'noauth'])('up and down by the shortest way: %s', (which) =>
  withIronic(which, async (bare) => {
    const name = bare.name('way');
    const verbs = (): string[] => bare.writes().filter((write) => write.endsWith('/provision'));

    expect(await bring(bare, name, 'enroll', { driver: 'fake-hardware' })).toMatchObject({
      action: 'create',
      provision_state: 'enroll',
    });
    expect(verbs()).toHaveLength(0);
    expect(await bring(bare, name, 'active')).toMatchObject({ changed: true, provision_state: 'active' });
    expect(verbs()).toHaveLength(3);
    expect(await bring(bare, name, 'active')).toMatchObject({ changed: false });
    // It is active without an instance: in use all the same.
    expect(await bring(bare, name, 'available')).toMatchObject({
      failed: true,
      changed: false,
      code: 'CHANGE_REFUSED',
      msg: expect.stringContaining('in use'),
    });
    expect(await bring(bare, name, 'enroll', { extra: { a: 1 } })).toMatchObject({
      failed: true,
      code: 'CHANGE_REFUSED',
      msg: expect.stringContaining('in use'),
    });
    expect(await bring(bare, name, 'absent')).toMatchObject({
      failed: true,
      code: 'CHANGE_REFUSED',
      msg: expect.stringContaining('in use'),
    });
    expect(verbs()).toHaveLength(0);
    expect(await bring(bare, name, 'available', { force_in_use: true })).toMatchObject({
      changed: true,
      provision_state: 'available',
    });
    expect(await bring(bare, name, 'available')).toMatchObject({ changed: false, action: 'up_to_date' });
    expect(await bring(bare, name, 'manageable')).toMatchObject({ changed: true, provision_state: 'manageable' });
    expect(await bring(bare, name, 'enroll')).toMatchObject({ changed: false, provision_state: 'manageable' });
    expect(await bring(bare, name, 'absent')).toMatchObject({ changed: true, action: 'delete' });
    expect(await bring(bare, name, 'absent')).toMatchObject({ changed: false, action: 'up_to_date' });
    expect(await bare.find(name)).toBeUndefined();
  })(),
);

test(
  'what is allowed in one state only is changed on the way',
  withIronic('keystone', async (bare) => {
    const name = bare.name('order');
    await bring(bare, name, 'available', { driver: 'fake-hardware', resource_class: 'one' });

    expect(await bring(bare, name, 'available', { retired: true })).toMatchObject({
      failed: true,
      msg: expect.stringContaining('set state to manageable'),
    });
    expect(await bring(bare, name, 'manageable', { retired: true, retired_reason: 'old' })).toMatchObject({
      changed: true,
    });
    expect(await bare.find(name)).toMatchObject({
      retired: true,
      retired_reason: 'old',
      provision_state: 'manageable',
    });
    expect(await bring(bare, name, 'manageable', { retired: true, retired_reason: 'old' })).toMatchObject({
      changed: false,
    });
    expect(
      await bring(bare, name, 'active', { retired: false, protected: true, protected_reason: 'in production' }),
    ).toMatchObject({ changed: true });
    expect(await bare.find(name)).toMatchObject({
      protected: true,
      protected_reason: 'in production',
      provision_state: 'active',
    });
    expect(await bring(bare, name, 'absent', { force_in_use: true })).toMatchObject({
      failed: true,
      msg: expect.stringContaining('protected'),
    });
    expect(await bare.run('baremetal_node', { name, boot_interface: 'pxe', force_in_use: true })).toMatchObject({
      failed: true,
      changed: false,
      msg: expect.stringContaining('boot_interface can only be changed in the states'),
    });
  }),
);

test(
  'a failed deployment says why, and is left by deploying again or by undeploying',
  withIronic('keystone', async (bare) => {
    const name = bare.name('deploy');
    const server = await startImageServer(bare.site);
    server.files.set('disk.raw', { content: 'a disk' });
    await bring(bare, name, 'available', { driver: 'fake-hardware', deploy_interface: 'direct' });

    expect(await bring(bare, name, 'active')).toMatchObject({
      failed: true,
      code: 'NODE_INVALID',
      msg: expect.stringContaining('image_source'),
    });
    const gone = {
      image_source: server.url('gone.raw'),
      image_os_hash_algo: 'sha256',
      image_os_hash_value: '0'.repeat(64),
    };
    expect(await bring(bare, name, 'active', { instance_info: gone })).toMatchObject({
      failed: true,
      changed: false,
      code: 'CHANGE_REFUSED',
      msg: expect.stringContaining('answered by 404'),
    });
    const failed = await bring(bare, name, 'active', { instance_info: gone, check_images: false });
    expect(failed).toMatchObject({
      failed: true,
      changed: true,
      error_code: 'NODE_FAILED',
      provision_state: 'deploy failed',
      msg: expect.stringMatching(/deploy failed: .*404/),
    });
    // The node failed to do what was asked: asking again takes it up, here with an image that is
    // there, as far as its agent's call.
    const waiting = await bring(bare, name, 'active', {
      instance_info: { image_source: server.url('disk.raw'), image_os_hash_algo: null, image_os_hash_value: null },
      state_timeout: 60,
    });
    expect(waiting).toMatchObject({ failed: true, msg: expect.stringMatching(/wait call-back|deploy failed/) });
    expect(await bring(bare, name, 'available')).toMatchObject({
      failed: true,
      msg: expect.stringContaining('in use'),
    });
    expect(await bring(bare, name, 'available', { force_in_use: true })).toMatchObject({
      changed: true,
      provision_state: 'available',
    });
  }),
);

test(
  'a failed cleaning says why, and is left by manage',
  withIronic('keystone', async (bare) => {
    const name = bare.name('clean');

    const failed = await bring(bare, name, 'available', {
      driver: 'fake-hardware',
      deploy_interface: 'direct',
      automated_clean: true,
    });
    expect(failed).toMatchObject({
      failed: true,
      changed: true,
      error_code: 'NODE_FAILED',
      provision_state: 'clean failed',
      msg: expect.stringMatching(/did not become available after provide, it is in state clean failed: ./),
    });
    // A node in "clean failed" may be in maintenance by Ironic's own fault handling; that is lifted
    // on demand only.
    expect(await bring(bare, name, 'available', { automated_clean: false, maintenance: false })).toMatchObject({
      changed: true,
      provision_state: 'available',
    });
  }),
);

test(
  'a controller that does not answer leaves the node enrolled and is told',
  withIronic('keystone', async (bare) => {
    const failed = await bring(bare, bare.name('dead'), 'available', {
      driver: 'ipmi',
      driver_info: { ipmi_address: '127.0.0.1', ipmi_port: 9, ipmi_username: 'a', ipmi_password: 'b c d e' },
    });

    expect(failed).toMatchObject({
      failed: true,
      changed: true,
      error_code: 'NODE_FAILED',
      provision_state: 'enroll',
      msg: expect.stringMatching(/did not become manageable after manage, it is in state enroll: .*(IPMI|power)/),
    });
  }),
);

test(
  'a slow node is waited for, its lock too; the deadline is told with the state',
  withIronic('keystone', async (bare) => {
    const name = bare.name('slow');
    const slow = { driver: 'fake-hardware', conductor_group: fact(bare.site.cloud, 'ironic_slow_group') };
    await bring(bare, name, 'enroll', slow);

    const late = await bring(bare, name, 'available', { state_timeout: 1 });
    expect(late).toMatchObject({
      failed: true,
      error_code: 'WAIT_TIMEOUT',
      msg: expect.stringMatching(/gave up waiting for node .* after 1 s: it is in state verifying/),
    });
    // It is still on its way, and locked: the next run waits and goes on.
    expect(await bring(bare, name, 'available', { extra: { a: 1 } })).toMatchObject({
      changed: true,
      provision_state: 'available',
    });
    expect(await bare.find(name)).toMatchObject({ extra: { a: 1 } });
  }),
);
