// Answers of the Bare Metal service that are not what was asked for.
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { openIronic, type Ironic } from '../../modules/clients/ironic/api.js';
import { createNode, getNode, latestError, validateNode } from '../../modules/clients/ironic/nodes.js';
import { getPort } from '../../modules/clients/ironic/ports.js';
import { getPortGroup } from '../../modules/clients/ironic/port-groups.js';
import { startSandbox, type Sandbox } from '../sandbox/sandbox.js';
import { cloudOf } from './cloud-of.js';

let sandbox: Sandbox;
let ironic: Ironic;

beforeEach(async () => {
  sandbox = await startSandbox({ services: ['baremetal'] });
  ironic = await openIronic(await cloudOf(sandbox));
});

afterEach(() => sandbox.close());

test.each<[string, (ironic: Ironic) => Promise<unknown>]>([
  ['a node', (api) => getNode(api, 'n1')],
  ['a new node', (api) => createNode(api, { driver: 'ipmi' })],
  ['a validation', (api) => validateNode(api, 'n1')],
  ['a port', (api) => getPort(api, 'p1')],
  ['a port group', (api) => getPortGroup(api, 'g1')],
])('%s that is not a JSON object is reported', async (_, request) => {
  sandbox.users.baremetal.intervene = () => ({ status: 200, body: [] });

  await expect(request(ironic)).rejects.toMatchObject({
    code: 'UNEXPECTED_ANSWER',
    message: expect.stringContaining('without a JSON object'),
  });
});

test('fields of another kind are read as absent', async () => {
  sandbox.users.baremetal.intervene = ({ segments }) => ({
    status: 200,
    body: segments.at(-1) === 'history' ? { history: [1, { severity: 5 }] } : { uuid: 'u', name: 5, driver_info: [] },
  });

  expect(await getNode(ironic, 'n1')).toMatchObject({ uuid: 'u', name: '', driver_info: {}, extra: {} });
  expect(await latestError(ironic, 'n1', new Date(0))).toBeUndefined();
});
