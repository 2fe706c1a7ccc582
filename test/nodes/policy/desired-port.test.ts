// What is sent to bring a port to its desired state.
import { describe, expect, test } from '@jest/globals';
import { parsePort, portChanges } from '../../../modules/nodes/policy/desired-port.js';

describe('a port', () => {
  const served = {
    pxe_enabled: true,
    physical_network: null,
    local_link_connection: {},
    extra: { a: 1 },
    is_smartnic: false,
  };
  const changes = (given: Record<string, unknown>, purge = false): unknown =>
    portChanges(
      served,
      { attributes: parsePort({ mac: '525400abcdef', ...given }).desired?.attributes ?? {} },
      purge,
    ).flatMap(({ steps }) => steps);

  test.each<[string, Record<string, unknown>, boolean, unknown]>([
    ['the same', { pxe_enabled: true, physical_network: '', local_link_connection: {}, extra: { a: 1 } }, false, []],
    ['another network', { physical_network: 'n' }, false, [{ op: 'add', path: '/physical_network', value: 'n' }]],
    [
      'a link as a whole',
      { llc: { switch_id: '5254.0000.0001', port_id: 1 } },
      false,
      [{ op: 'add', path: '/local_link_connection', value: { switch_id: '52:54:00:00:00:01', port_id: '1' } }],
    ],
    ['extra by key', { extra: { b: 2, a: null } }, false, [{ op: 'add', path: '/extra', value: { b: 2 } }]],
    ['extra exactly', { extra: { b: 2 } }, true, [{ op: 'add', path: '/extra', value: { b: 2 } }]],
  ])('%s', (_, given, purge, expected) => expect(changes(given, purge)).toEqual(expected));
});

test('null removes what a port has, but leaves a switch, which Ironic cannot remove', () => {
  const { desired } = parsePort({ mac: '525400abcdef', pxe_enabled: null, physical_network: null });

  for (const pxe_enabled of [false, true])
    expect(
      portChanges({ pxe_enabled, physical_network: 'n', extra: {} }, { attributes: desired?.attributes ?? {} }, false),
    ).toMatchObject([{ steps: [{ op: 'remove', path: '/physical_network' }] }]);
});
