// A Keystone whose answers break off, stall or are no JSON.
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { connect } from '../../modules/clients/keystone/cloud.js';
import { resolveLogin } from '../../modules/clients/keystone/login.js';
import { OperationError } from '../../modules/core/errors.js';
import { raw, startScriptedServer, testClient, type ScriptedServer } from './http-server.js';

let site: ScriptedServer;

beforeEach(async () => void (site = await startScriptedServer()));
afterEach(() => site.close());

const head = 'HTTP/1.1 201 Created\r\nX-Subject-Token: t\r\nContent-Type: application/json\r\nConnection: close\r\n';

async function logIn(signal = new AbortController().signal): Promise<unknown> {
  const auth = {
    auth_url: site.url,
    username: 'u',
    password: 'p',
    project_name: 'w',
    user_domain_name: 'Default',
    project_domain_name: 'Default',
  };
  return connect(await resolveLogin({ auth }, {}), testClient({ signal, timeoutSeconds: 0.3 }));
}

test.each([
  ['breaks off', raw(`${head}Content-Length: 99\r\n\r\n{`, 'reset'), 'CONNECTION_BROKEN'],
  ['stalls', raw(`${head}Content-Length: 99\r\n\r\n{`, 'wait'), 'STALLED'],
  ['is no JSON', raw(`${head}Content-Length: 4\r\n\r\nhtml`, 'close'), 'NOT_KEYSTONE'],
  ['is null', raw(`${head}Content-Length: 4\r\n\r\nnull`, 'close'), 'NOT_KEYSTONE'],
] as const)('a token that %s is told as what it is', async (_, answer, code) => {
  site.answer(answer);

  await expect(logIn()).rejects.toMatchObject({ code });
});

test('an interruption while a token stalls ends the login with its own reason', async () => {
  site.answer(
    (_, response) => void response.writeHead(201, { 'X-Subject-Token': 't', 'Content-Length': '99' }).write('{'),
  );
  const controller = new AbortController();
  const reason = new OperationError('INTERRUPTED', 'interrupted by SIGTERM');

  const login = logIn(controller.signal);
  login.catch(() => undefined);
  await once(site.server, 'request');
  controller.abort(reason);

  await expect(login).rejects.toBe(reason);
});
