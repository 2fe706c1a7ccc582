// The certificates of the servers that a client connects to, directly and through a proxy.
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { SeenCertificate } from '../../modules/clients/http/certificate-watch.js';
import { listenOnLoopback, testClient } from './http-server.js';
import { selfSigned } from './self-signed.js';
import { temporaryFolder, type TemporaryFolder } from './temporary-folder.js';

let folder: TemporaryFolder;
let tlsPort: number;
let proxyPort: number;
const servers: http.Server[] = [];

async function listen(server: http.Server): Promise<number> {
  servers.push(server);
  return listenOnLoopback(server);
}

beforeAll(async () => {
  folder = temporaryFolder();
  tlsPort = await listen(https.createServer(selfSigned(folder), (_, response) => response.end('hello')));
  const proxy = http.createServer().on('connect', (request, client: net.Socket) => {
    const [, port] = (request.url ?? '').split(':');
    const server = net.connect(Number(port), '127.0.0.1', () => {
      client.write('HTTP/1.1 200 OK\r\n\r\n');
      server.pipe(client).pipe(server);
    });
    for (const socket of [client, server]) socket.on('error', () => undefined);
  });
  proxyPort = await listen(proxy);
});

afterAll(() => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
  folder.remove();
});

const variants: readonly (readonly [string, () => Record<string, string>])[] = [
  ['directly', () => ({})],
  ['through a proxy', () => ({ https_proxy: `http://127.0.0.1:${proxyPort}` })],
];

test.each(variants)('%s, a connection tells when the certificate ends', async (_, environment) => {
  const seen: SeenCertificate[] = [];
  const client = testClient({
    caCert: `${folder.path}/cert`,
    environment: environment(),
    onCertificate: (certificate) => seen.push(certificate),
  });

  await (await client({ method: 'GET', url: `https://localhost:${tlsPort}/` })).text();

  expect(seen).toMatchObject([{ origin: `https://localhost:${tlsPort}` }]);
  const hoursLeft = ((seen[0]?.validTo.getTime() ?? 0) - Date.now()) / 3_600_000;
  expect(hoursLeft).toBeGreaterThan(47);
  expect(hoursLeft).toBeLessThan(48.1);
});

test('one that is refused is not told, but why', async () => {
  const seen: SeenCertificate[] = [];
  const client = testClient({ onCertificate: (certificate) => seen.push(certificate) });

  await expect(client({ method: 'GET', url: `https://localhost:${tlsPort}/` })).rejects.toMatchObject({
    code: 'CERTIFICATE_REJECTED',
  });
  expect(seen).toEqual([]);
});
