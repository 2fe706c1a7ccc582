import { describe, expect, test } from '@jest/globals';

import { waitFor } from './contract-requests.js';
import type { Reply } from './contract-requests.js';
import { inWrongState, refused } from './ironic.contract.js';
import type { IronicContract } from './ironic.contract.js';

/** What is done to a node beside its provision state. */
export function describeActions(contract: IronicContract): void {
  const { ask, create, show } = contract;
  const power = (uuid: string, target: string): Promise<Reply> =>
    ask('PUT', `/nodes/${uuid}/states/power`, { json: { target } });

  describe('besides the states', () => {
    test('power is switched in the background', async () => {
      const uuid = await create();
      const [on, off] = ['power on', 'power off'];

      for (const [target, state] of [
        [off, off],
        ['rebooting', on],
        ['soft power off', off],
        ['soft rebooting', on],
      ] as const) {
        expect((await power(uuid, target)).status).toBe(202);
        const node = await waitFor(
          `${target} of ${uuid}`,
          () => show(uuid),
          ({ power_state, reservation }) => power_state === state && reservation === null,
        );
        expect(node.target_power_state).toBeNull();
      }
      expect(refused(await power(uuid, 'off'))).toEqual(inWrongState(uuid, 'off', on));
      expect((await ask('GET', `/nodes/${uuid}/states`)).json).toMatchObject({
        power_state: on,
        provision_state: 'enroll',
        target_power_state: null,
        last_error: null,
      });
    });

    test('maintenance can be set and ended repeatedly', async () => {
      const uuid = await create();
      const path = `/nodes/${uuid}/maintenance`;

      expect([(await ask('PUT', path, { json: { reason: 'mine' } })).status, await show(uuid)]).toEqual([
        202,
        expect.objectContaining({ maintenance: true, maintenance_reason: 'mine' }),
      ]);
      expect([(await ask('PUT', path, { json: {} })).status, (await show(uuid)).maintenance_reason]).toEqual([
        202,
        null,
      ]);
      for (let count = 0; count < 2; count++)
        expect([(await ask('DELETE', path)).status, (await show(uuid)).maintenance]).toEqual([202, false]);
    });

    test('traits are replaced, added and removed', async () => {
      const uuid = await create();
      const path = `/nodes/${uuid}/traits`;

      expect((await ask('PUT', path, { json: { traits: ['HW_CPU_X86_VMX', 'CUSTOM_A'] } })).status).toBe(204);
      expect((await ask('PUT', `${path}/CUSTOM_B`)).status).toBe(204);
      expect((await ask('GET', path)).json).toEqual({ traits: ['CUSTOM_A', 'CUSTOM_B', 'HW_CPU_X86_VMX'] });
      expect((await show(uuid)).traits).toHaveLength(3);
      expect(refused(await ask('PUT', path, { json: { traits: ['bad'] } }))).toEqual([
        400,
        expect.stringMatching(/^Schema error for body: 'bad' is not valid/),
      ]);
      expect((await ask('DELETE', `${path}/CUSTOM_B`)).status).toBe(204);
      expect(refused(await ask('DELETE', `${path}/CUSTOM_B`))).toEqual([
        404,
        `Node ${uuid} doesn't have a trait 'CUSTOM_B'`,
      ]);
      expect([(await ask('DELETE', path)).status, (await show(uuid)).traits]).toEqual([204, []]);
    });

    test('validation reports the fault of each interface', async () => {
      const fake = (await ask('GET', `/nodes/${await create()}/validate`)).json;
      const ipmi = (await ask('GET', `/nodes/${await create({ driver: 'ipmi' })}/validate`)).json;

      expect(fake).toMatchObject({ boot: { result: true }, deploy: { result: true }, power: { result: true } });
      expect(ipmi).toMatchObject({
        power: {
          result: false,
          reason: "Missing the following IPMI credentials in node's driver_info: ['ipmi_address'].",
        },
        boot: { result: false, reason: expect.stringContaining('does not have any port associated with it') },
        network: { result: true },
        bios: { result: false, reason: 'Driver ipmi does not support bios (disabled or not implemented).' },
      });
    });
  });
}
