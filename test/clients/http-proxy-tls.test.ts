import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import net, { type AddressInfo } from 'node:net';
import { createHttpClient } from '../../modules/clients/http/client.js';
import { temporaryFolder, type TemporaryFolder } from './temporary-folder.js';

let folder: TemporaryFolder;
let target: https.Server;
let proxy: http.Server;
let connects = 0;

beforeAll(async () => {
  folder = temporaryFolder();
  const options = '-x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1,DNS:localhost';
  execFileSync('openssl', ['req', ...options.split(' '), '-keyout', `${folder.path}/key`, '-out', `${folder.path}/cert`], { stdio: 'ignore' });
  target = https.createServer({ key: readFileSync(`${folder.path}/key`), cert: readFileSync(`${folder.path}/cert`) }, (_, response) => response.end('hello'));
  proxy = http.createServer().on('connect', (request: http.IncomingMessage, client: net.Socket) => {
    connects += 1;
    const upstream = net.connect(Number(request.url?.split(':')[1]), '127.0.0.1', () => {
      client.write('HTTP/1.1 200 OK\r\n\r\n');
      upstream.pipe(client).pipe(upstream);
    });
    for (const socket of [upstream, client]) socket.on('error', () => {});
  });
  await Promise.all([target, proxy].map((server) => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))));
  process.env.https_proxy = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  process.env.no_proxy = '';
});

afterAll(() => {
  delete process.env.https_proxy;
  target.close();
  proxy.close();
  folder.remove();
});

const common = { timeoutSeconds: 5, signal: new AbortController().signal };

function get(settings: { validateCerts: boolean; caCert?: string }): Promise<string> {
  const url = `https://localhost:${(target.address() as AddressInfo).port}/`;
  return createHttpClient({ ...common, ...settings })({ method: 'GET', url, repeatable: false }).then((answer) => answer.text());
}

test.each([
  ['the CA that was given', () => ({ validateCerts: true, caCert: `${folder.path}/cert` })],
  ['validate_certs: no', () => ({ validateCerts: false })],
])('%s holds through a proxy', async (_, settings) => {
  connects = 0;

  expect(await get(settings())).toBe('hello');
  expect(connects).toBe(1);
});

test('an unknown certificate is rejected through a proxy too', async () => {
  await expect(get({ validateCerts: true })).rejects.toMatchObject({ code: 'CERTIFICATE_REJECTED' });
});
