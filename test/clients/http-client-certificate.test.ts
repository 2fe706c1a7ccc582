import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { createHttpClient } from '../../modules/clients/http/client.js';
import { selfSigned } from './self-signed.js';
import { temporaryFolder, type TemporaryFolder } from './temporary-folder.js';

let folder: TemporaryFolder;
let server: https.Server;

beforeAll(async () => {
  folder = temporaryFolder();
  const { key, cert } = selfSigned(folder);
  folder.write('both', `${key}${cert}`);
  const tls = { key, cert, ca: cert, requestCert: true, rejectUnauthorized: true };
  server = https.createServer(tls, (_, response) => response.end('hello'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
});

afterAll(() => {
  server.close();
  folder.remove();
});

async function get(certificate: { clientCert?: string; clientKey?: string }): Promise<string> {
  const url = `https://localhost:${(server.address() as AddressInfo).port}/`;
  const client = createHttpClient({
    validateCerts: true,
    caCert: `${folder.path}/cert`,
    timeoutSeconds: 5,
    signal: new AbortController().signal,
    ...certificate,
  });
  return (await client({ method: 'GET', url, repeatable: false })).text();
}

describe('a service that asks for a certificate', () => {
  test.each([
    ['with its key in another file', () => ({ clientCert: `${folder.path}/cert`, clientKey: `${folder.path}/key` })],
    ['with its key in the same file', () => ({ clientCert: `${folder.path}/both` })],
  ])('is shown it %s', async (_, certificate) => {
    expect(await get(certificate())).toBe('hello');
  });

  test('refuses clients without one', async () => {
    await expect(get({})).rejects.toMatchObject({ code: expect.any(String) });
  });
});

test.each([
  ['is not there', () => ({ clientCert: `${folder.path}/none` }), /^cert: .*none cannot be read/],
  ['is not PEM', () => ({ clientCert: folder.write('text', 'text') }), /^cert: .*text contains no certificate/],
  [
    'has its key elsewhere',
    () => ({ clientCert: `${folder.path}/cert` }),
    /both must be PEM, and the key without a password/,
  ],
])('a certificate that %s is told of with its file', async (_, certificate, message) => {
  await expect((async () => get(certificate()))()).rejects.toMatchObject({
    code: 'INVALID_INPUT',
    message: expect.stringMatching(message),
  });
});
