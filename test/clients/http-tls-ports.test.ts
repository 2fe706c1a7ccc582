// http where https is meant, the other way round, and files of CAs that hold none: each is told at
// once, by one request or none, since no repetition would help.
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import net, { type AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { HttpSettings } from '../../modules/clients/http/client.js';
import { testClient } from './http-server.js';
import { temporaryFolder, type TemporaryFolder } from './temporary-folder.js';

let folder: TemporaryFolder;
let certificate: string;
const servers: net.Server[] = [];

async function listen(server: net.Server): Promise<number> {
  servers.push(server.listen(0, '127.0.0.1'));
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

let tls: https.Server;
beforeAll(() => {
  folder = temporaryFolder();
  const options = '-x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost';
  execFileSync(
    'openssl',
    ['req', ...options.split(' '), '-keyout', `${folder.path}/key`, '-out', `${folder.path}/cert`],
    { stdio: 'ignore' },
  );
  certificate = readFileSync(`${folder.path}/cert`, 'utf8');
  tls = https.createServer({ key: readFileSync(`${folder.path}/key`), cert: certificate }, (_, response) =>
    response.end('hello'),
  );
});

afterAll(() => {
  for (const server of servers) server.close();
  folder.remove();
});

/** What a request fails with, and how many were sent. */
async function failureOf(
  url: string,
  settings: Partial<HttpSettings> = {},
): Promise<{ code: unknown; message: string; requests: number }> {
  let requests = 0;
  const trace = (): void => void requests++;
  try {
    await testClient({ ...settings, trace })({ method: 'GET', url });
  } catch (error) {
    const { code, message } = error as { code: unknown; message: string };
    return { code, message, requests };
  }
  return { code: undefined, message: 'no failure', requests };
}

describe('the wrong scheme is told after one request', () => {
  test('http to a port that speaks TLS', async () => {
    const port = await listen(tls);

    expect(await failureOf(`http://localhost:${port}/`)).toEqual({
      code: 'NOT_HTTP',
      message: `http://localhost:${port} speaks TLS and does not answer plain HTTP: the URL must begin with https://`,
      requests: 1,
    });
  });

  test('https to a port that speaks plain HTTP', async () => {
    const port = await listen(http.createServer((_, response) => response.end('hello')));

    expect(await failureOf(`https://localhost:${port}/`)).toMatchObject({
      code: 'UNREACHABLE',
      message: expect.stringContaining('is this plain HTTP, or another version of TLS?'),
      requests: 1,
    });
  });
});

test('a connection that is only broken is tried again', async () => {
  const port = await listen(
    net.createServer((socket) => socket.on('error', () => undefined).once('data', () => socket.end())),
  );

  expect(await failureOf(`http://localhost:${port}/`)).toMatchObject({ code: 'CONNECTION_BROKEN', requests: 4 });
});

describe('a file of CAs', () => {
  test.each([
    ['is a key', () => readFileSync(`${folder.path}/key`, 'utf8'), 'contains no certificate; it must be a PEM file'],
    ['is a request', () => certificate.replaceAll('CERTIFICATE', 'CERTIFICATE REQUEST'), 'contains no certificate'],
    ['is cut off', () => certificate.slice(0, 400), 'contains no certificate that can be read; it may be cut off'],
    ['is garbled', () => certificate.replace(/\n.{20}/, `\n${'!'.repeat(20)}`), 'no certificate that can be read'],
  ])('that %s is refused before anything is sent', async (_, text, message) => {
    const caCert = folder.write('ca', text());

    expect(() => testClient({ caCert })).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }));
    expect(() => testClient({ caCert })).toThrow(message);
  });

  test('that a variable names is refused if it holds none', async () => {
    const environment = { REQUESTS_CA_BUNDLE: folder.write('bundle', 'text') };

    expect(await failureOf('https://localhost:9/', { environment })).toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringMatching(/^REQUESTS_CA_BUNDLE: .*bundle contains no certificate/),
      requests: 0,
    });
  });

  test('may hold others that cannot be read', async () => {
    const port = await listen(
      https.createServer({ key: readFileSync(`${folder.path}/key`), cert: certificate }, (_, response) =>
        response.end('hello'),
      ),
    );
    const caCert = folder.write('ca', `${certificate.replace(/\n.{20}/, `\n${'!'.repeat(20)}`)}${certificate}`);

    const answer = await testClient({ caCert })({ method: 'GET', url: `https://localhost:${port}/` });

    expect(await answer.text()).toBe('hello');
  });
});
