// Drivers, interfaces and keys of driver_info that conductors do not offer are found in the plan.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { startNodeSite, type NodeSite } from './baremetal-site.js';
import { enrollingGuide } from './inventory-site.js';

let site: NodeSite;
beforeEach(async () => {
  site = await startNodeSite();
});
afterEach(() => site.close());

type NodeEntries = readonly Readonly<Record<string, unknown>>[];
const asked = (): string[] =>
  site.ironic.requests.filter(({ path }) => path.startsWith('/v1/drivers')).map(({ path }) => path);

describe('a plan', () => {
  const nodes = [
    { name: 'n1', driver: 'impi' },
    { name: 'n2', driver: 'ipmi', deploy_interface: 'dirct', driver_info: { ipmi_adress: 'x', ipmi_password: 'p' } },
    { name: 'n3', driver: 'ipmi', deploy_interface: 'direct', driver_info: { ipmi_address: 'x', vendor_key: 'y' } },
  ];
  const given = { nodes, state: 'enroll', check_images: false };

  test.each([{ checkMode: true }, {}])(
    'with %j refuses what no conductor offers, with what there is',
    async (options) => {
      const outcome = await site.enroll(given, options);

      expect((outcome.values.nodes as NodeEntries).map(({ action, error_code: code }) => [action, code])).toEqual([
        ['failed', 'CHANGE_REFUSED'],
        ['failed', 'CHANGE_REFUSED'],
        ['create', undefined],
      ]);
      expect(outcome.failures).toEqual([
        expect.stringMatching(
          /^node n1: driver: no conductor offers "impi"; there are: fake-hardware, ipmi; did you mean ipmi\?/,
        ),
        expect.stringMatching(
          /^node n2: deploy_interface: no conductor offers "dirct" .*; driver_info\.ipmi_adress: .* but ipmi_address; correct it/,
        ),
      ]);
      for (const failure of outcome.failures) expect(enrollingGuide()).toContain(failure);
      expect(site.ironic.nodes.map(({ name }) => name)).toEqual(options.checkMode ? [] : ['n3']);
      expect(asked().sort()).toEqual(['/v1/drivers', '/v1/drivers/ipmi/properties']);
    },
  );

  test('accepts a key that looks misspelt if the other one is given too, and says so', async () => {
    const outcome = await site.node({
      name: 'n1',
      driver: 'ipmi',
      driver_info: { ipmi_adress: 'x', ipmi_address: null },
    });

    expect(outcome).toMatchObject({ changed: true, warnings: [expect.stringContaining('it is kept, since')] });
    expect(site.ironic.nodes).toMatchObject([{ driver_info: { ipmi_adress: 'x' } }]);
  });

  test('asks for nothing that it does not need', async () => {
    site.ironic.seed({ name: 'n1', driver: 'gone', driver_info: { ipmi_adress: 'x' }, provision_state: 'manageable' });

    const same = await site.node({ name: 'n1', driver: 'gone', driver_info: { ipmi_adress: 'x' } });

    expect([same.changed, asked()]).toEqual([false, []]);
  });

  test('checks the interface that an existing node gets', async () => {
    site.ironic.seed({ name: 'n1', driver: 'ipmi', provision_state: 'manageable' });

    await expect(site.node({ name: 'n1', power_interface: 'ipmitol' }, { checkMode: true })).rejects.toMatchObject({
      code: 'CHANGE_REFUSED',
      message: expect.stringContaining('there are: ipmitool; did you mean ipmitool?'),
    });
    expect(site.nodeWrites()).toEqual([]);
  });

  test('enrolls nodes although the list of drivers cannot be had', async () => {
    site.ironic.intervene = ({ segments }) =>
      segments[1] === 'drivers' ? { status: 400, body: { error_message: '{}' } } : undefined;

    const outcome = await site.node({ name: 'n1', driver: 'ipmi' });

    expect(outcome).toMatchObject({
      changed: true,
      warnings: [expect.stringMatching(/were not checked, since Ironic did not list its drivers \(.*400/)],
    });
  });

  test.each([403, 500])('warns once that nothing was checked if drivers are answered with %i', async (status) => {
    site.ironic.intervene = ({ segments }) =>
      segments[1] === 'drivers' ? { status, body: { error_message: '{}' } } : undefined;

    const { warnings, failures } = await site.enroll(
      {
        ...given,
        nodes: nodes.filter(({ driver }) => driver === 'ipmi').map((node) => ({ ...node, deploy_interface: 'direct' })),
      },
      { checkMode: true },
    );

    expect(failures).toEqual([]);
    expect(warnings).toEqual([
      expect.stringMatching(new RegExp(`were not checked.*GET /v1/drivers is answered with ${status}`)),
    ]);
  });

  test('does without the properties of a driver whose conductor does not answer', async () => {
    site.ironic.intervene = ({ segments }) =>
      segments[3] === 'properties' ? { status: 500, body: { error_message: '{}' } } : undefined;

    expect(await site.node({ name: 'n1', driver: 'ipmi', driver_info: { ipmi_adress: 'x' } })).toMatchObject({
      changed: true,
      warnings: [],
    });
  });

  test('knows drivers by name alone on a server before 1.30', async () => {
    site.ironic.minor = 29;

    await expect(site.node({ name: 'n1', driver: 'impi' })).rejects.toMatchObject({
      message: expect.stringContaining('there are: fake-hardware, ipmi'),
    });
  });
});
