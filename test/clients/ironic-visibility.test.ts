// Whether a login sees all nodes of a cloud whose Ironic enforces scope.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createHttpClient } from '../../modules/clients/http/client.js';
import { seesAllNodes } from '../../modules/clients/ironic/visibility.js';
import { connect, type Cloud } from '../../modules/clients/keystone/cloud.js';
import { resolveLogin, type LoginArguments } from '../../modules/clients/keystone/login.js';
import { startSandbox, type Sandbox } from '../sandbox/sandbox.js';

const http = createHttpClient({
  validateCerts: true,
  timeoutSeconds: 5,
  firstPauseMs: 1,
  signal: new AbortController().signal,
});

let sandbox: Sandbox;

beforeEach(async () => {
  sandbox = await startSandbox({ services: ['baremetal'] });
  sandbox.users.baremetal.enforcesScope = true;
});

afterEach(() => sandbox.close());

async function open(args: LoginArguments = { auth: { ...sandbox.auth } }): Promise<Cloud> {
  return connect(await resolveLogin(args, {}), http);
}

describe('whether all nodes are visible', () => {
  test('yes, with a role on the system', async () => {
    expect(await seesAllNodes(await open())).toEqual({ seen: true, why: 'all nodes may be listed' });
  });

  test('yes, if Ironic does not require one', async () => {
    sandbox.users.baremetal.enforcesScope = false;
    sandbox.keystone.admin.systemRoles = [];

    expect(await seesAllNodes(await open())).toMatchObject({ seen: true });
  });

  test('yes, in a Bare Metal service that runs by itself', async () => {
    expect(
      await seesAllNodes(await open({ auth_type: 'none', endpoint_override: { baremetal: 'http://127.0.0.1:9' } })),
    ).toMatchObject({ seen: true });
  });

  test.each([[48], [60]])('yes, in an Ironic that speaks 1.%i at most and lists its conductors', async (minor) => {
    Object.assign(sandbox.users.baremetal, { minor, enforcesScope: false });

    expect(await seesAllNodes(await open())).toMatchObject({ seen: true });
  });

  test('no, by an application credential', async () => {
    const { id, secret } = sandbox.keystone.admin.applicationCredential;

    const { seen, why } = await seesAllNodes(
      await open({
        auth: { auth_url: sandbox.auth.auth_url, application_credential_id: id, application_credential_secret: secret },
      }),
    );

    expect(seen).toBe(false);
    expect(why).toBe(
      'not all nodes are shown to this login (GET /v1/conductors is answered with 403); ' +
        'the login from the option auth sees only the nodes of its project, and a system-scoped token is needed: ' +
        'give the user a role on the system (openstack role add --user USER --system all admin) ' +
        'and log in with a password, since application credentials cannot have system scope',
    );
  });

  test.each([
    ['conductors', 500],
    ['nodes', 403],
  ])('no, where GET /v1/%s is answered by %i', async (resource, status) => {
    sandbox.users.baremetal.intervene = (call) => (call.segments[1] === resource ? { status, body: {} } : undefined);

    expect(await seesAllNodes(await open())).toMatchObject({ seen: false });
  });

  test('is an error if Ironic does not answer', async () => {
    sandbox.users.baremetal.intervene = () => ({ status: 503, body: {} });

    await expect(seesAllNodes(await open())).rejects.toMatchObject({ status: 503 });
  });
});
