import { describe, expect, test } from '@jest/globals';

import type { Reply } from './contract-requests.js';
import { refused } from './ironic.contract.js';
import type { IronicContract } from './ironic.contract.js';

type Drivers = Readonly<Record<string, unknown>>[];

export function describeDrivers({ ask, create, patch, target }: IronicContract): void {
  /** By default, listing drivers needs a role on the system. */
  const get = (path: string, minor = 82): Promise<Reply> =>
    ask('GET', `/drivers${path}`, { minor, token: target().system.token });
  const named = async (name: string, minor: number, query = '?detail=true'): Promise<Drivers[number]> => {
    const { json } = await get(query, minor);
    return (json.drivers as Drivers).find((driver) => driver.name === name) ?? {};
  };

  describe('drivers', () => {
    test('are listed with the interfaces that conductors have enabled for them', async () => {
      const ipmi = await named('ipmi', 82);

      expect(ipmi).toMatchObject({
        name: 'ipmi',
        type: 'dynamic',
        hosts: expect.arrayContaining([expect.any(String)]),
        default_power_interface: 'ipmitool',
        enabled_power_interfaces: ['ipmitool'],
        enabled_deploy_interfaces: ['direct'],
        enabled_management_interfaces: ['ipmitool'],
        enabled_boot_interfaces: ['pxe'],
      });
      expect(ipmi).not.toHaveProperty('enabled_firmware_interfaces');
      expect(await named('ipmi', 82, '')).not.toHaveProperty('enabled_power_interfaces');
    });

    test('are shown without what the version does not know', async () => {
      const old = await named('ipmi', 30);

      expect(old).toHaveProperty('enabled_power_interfaces', ['ipmitool']);
      for (const kind of ['storage', 'rescue', 'bios']) expect(old).not.toHaveProperty(`enabled_${kind}_interfaces`);
      expect(await named('ipmi', 29, '')).not.toHaveProperty('type');
      expect(refused(await get('?detail=true', 29))[0]).toBe(406);
    });

    test('of fake hardware take interfaces that are not listed for them', async () => {
      const { enabled_power_interfaces: listed } = await named('fake-hardware', 82);
      const uuid = await create({ power_interface: 'ipmitool' });

      expect(listed).toEqual(['fake']);
      expect((await patch(uuid, { op: 'add', path: '/power_interface', value: 'fake' })).status).toBe(200);
    });

    test('have properties, which are keys of driver_info', async () => {
      const { status, json } = await get('/ipmi/properties');

      expect(status).toBe(200);
      for (const key of [
        'ipmi_address',
        'ipmi_username',
        'ipmi_password',
        'ipmi_port',
        'deploy_kernel',
        'deploy_ramdisk',
      ])
        expect(json).toHaveProperty(key, expect.any(String));
      expect(json).not.toHaveProperty('ipmi_adress');
    });

    test('that no conductor has are unknown', async () => {
      expect(refused(await get('/no-such-driver/properties'))).toEqual([
        404,
        "The driver 'no-such-driver' is unknown.",
      ]);
      expect(refused(await get('/no-such-driver'))).toEqual([
        404,
        'Could not find the following driver(s) or hardware type(s): no-such-driver.',
      ]);
    });

    test('are hidden from a user without a role on the system', async () => {
      const { token } = target().demo;

      for (const path of ['/drivers', '/drivers/ipmi/properties'])
        expect([403, 500]).toContain((await ask('GET', path, { token })).status);
      expect((await get('')).status).toBe(200);
    });
  });
}
