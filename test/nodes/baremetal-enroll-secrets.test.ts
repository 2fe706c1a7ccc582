// Passwords in an inventory: what is compared, what is written.
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { startInventorySite, type InventorySite } from './inventory-site.js';

let site: InventorySite;
beforeEach(async () => {
  site = await startInventorySite();
});
afterEach(() => site.close());

describe('a secret', () => {
  const key = 'k'.repeat(32);
  const inventory = (password: string): string => `n1:\n  driver_info: {ipmi_password: ${password}, ipmi_address: a}\n`;
  const passwordWrites = (): number =>
    site.ironic.requests.filter(
      ({ method, body }) => ['POST', 'PATCH'].includes(method) && JSON.stringify(body).includes('ipmi_password'),
    ).length;

  test('that could not be compared is reported, with advice', async () => {
    await site.enrollText('nodes.yml', inventory('one'));
    const again = await site.enrollText('nodes.yml', inventory('two'));

    expect(again).toMatchObject({
      changed: false,
      warnings: [expect.stringMatching(/^driver_info\.ipmi_password of n1: .*update_secrets: changed/)],
    });
    expect(site.ironic.nodes).toMatchObject([{ driver_info: { ipmi_password: 'one' } }]);
  });

  test('of a node that has never worked is written before it is verified', async () => {
    site.ironic.fails = { 'n1/manage': 'Invalid password' };
    const failed = await site.enrollText('nodes.yml', inventory('one'), { state: 'manageable' });
    const planned = await site.enroll(
      {
        nodes: [{ name: 'n1', driver: 'fake-hardware', driver_info: { ipmi_password: 'two' } }],
        state: 'manageable',
        check_images: false,
      },
      { checkMode: true },
    );
    site.ironic.fails = {};
    const corrected = await site.enrollText('nodes.yml', inventory('two'), { state: 'manageable' });
    const later = await site.enrollText('nodes.yml', inventory('three'), { state: 'manageable' });

    expect(failed.failures).toEqual([expect.stringContaining('Invalid password')]);
    for (const outcome of [planned, corrected])
      expect(outcome).toMatchObject({
        changed: true,
        failures: [],
        warnings: [],
        values: { nodes: [{ action: 'change', reason: 'driver_info.ipmi_password, provision_state' }] },
      });
    expect(JSON.stringify([planned, corrected])).not.toMatch(/"two"/);
    expect(later).toMatchObject({ changed: false, warnings: [expect.stringContaining('it was left as it is')] });
    expect(site.ironic.nodes).toMatchObject([{ provision_state: 'manageable', driver_info: { ipmi_password: 'two' } }]);
  });

  test('that is only what Ironic shows instead of one is never written', async () => {
    await site.enrollText('nodes.yml', inventory('right'));

    const outcome = await site.enrollText('nodes.yml', inventory("'******'"), { state: 'manageable' });

    expect(outcome.warnings).toEqual([expect.stringMatching(/^driver_info\.ipmi_password of n1: /)]);
    expect(site.ironic.nodes).toMatchObject([
      { provision_state: 'manageable', driver_info: { ipmi_password: 'right' } },
    ]);
  });

  test('that was rotated is written once by update_secrets: changed, and hidden', async () => {
    const changed = { update_secrets: 'changed', secrets_key: key };
    await site.enrollText('nodes.yml', inventory('one'), changed);
    const same = await site.enrollText('nodes.yml', inventory('one'), changed);
    const planned = await site.enroll(
      {
        inventory: join(site.folder, 'nodes.yml'),
        defaults: { driver: 'fake-hardware', driver_info: {} },
        state: 'enroll',
        check_images: false,
        ...changed,
      },
      { checkMode: true },
    );
    const rotated = await site.enrollText('nodes.yml', inventory('twofold'), changed);
    const comparison = await site.enrollText('nodes.yml', inventory('twofold'), {
      ...changed,
      purge: ['extra', 'driver_info'],
    });

    expect([same, planned, comparison]).toEqual(
      Array(3).fill(expect.objectContaining({ changed: false, warnings: [] })),
    );
    expect(rotated).toMatchObject({ changed: true, warnings: [] });
    expect(site.ironic.nodes).toMatchObject([{ driver_info: { ipmi_password: 'twofold', ipmi_address: 'a' } }]);
    expect(passwordWrites()).toBe(2);
    expect(JSON.stringify([rotated, site.ironic.nodes[0]?.extra])).not.toMatch(/twofold|kkkk/);
  });

  test.each<[string, () => void, Record<string, unknown>]>([
    ['the record was dropped', () => void (site.ironic.nodes[0]!.extra = {}), {}],
    ['the key was changed', () => undefined, { secrets_key: 'x'.repeat(32) }],
    ['somebody removed it', () => void (site.ironic.nodes[0]!.driver_info = {}), {}],
  ])('is written once more if %s', async (_, happen, given) => {
    const changed = { update_secrets: 'changed', secrets_key: key, ...given };
    await site.enrollText('nodes.yml', inventory('one'), { ...changed, secrets_key: key });
    happen();

    expect(await site.enrollText('nodes.yml', inventory('one'), changed)).toMatchObject({ changed: true });
    expect(await site.enrollText('nodes.yml', inventory('one'), changed)).toMatchObject({
      changed: false,
      warnings: [],
    });
    expect(passwordWrites()).toBe(2);
  });

  test.each<[Record<string, unknown>, string]>([
    [{}, 'requires either secrets_key_file or secrets_key'],
    [{ secrets_key: 'short' }, 'secrets_key: the key has 5 characters; it must have at least 32'],
    [{ secrets_key: key, secrets_key_file: '/x' }, 'requires either secrets_key_file or secrets_key'],
    [{ secrets_key_file: '/nonexistent' }, 'secrets_key_file: /nonexistent cannot be read'],
  ])('is not compared with %j', async (given, expected) => {
    await expect(
      site.enrollText('nodes.yml', inventory('one'), { update_secrets: 'changed', ...given }),
    ).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringContaining(expected),
    });
  });

  test('has its key in a file that only its owner and group may read', async () => {
    const file = join(site.folder, 'key');
    writeFileSync(file, `${key}\n`, { mode: 0o644 });
    const given = { update_secrets: 'changed', secrets_key_file: file };
    await expect(site.enrollText('nodes.yml', inventory('one'), given)).rejects.toMatchObject({
      message: expect.stringContaining('chmod o='),
    });
    chmodSync(file, 0o600);

    await site.enrollText('nodes.yml', inventory('one'), given);
    expect(
      await site.enrollText('nodes.yml', inventory('one'), { update_secrets: 'changed', secrets_key: key }),
    ).toMatchObject({
      changed: false,
    });
  });
});
