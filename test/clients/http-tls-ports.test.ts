// http where https is meant, the other way round, and files of CAs that hold none: each is told at
// once, by one request or none, since no repetition would help.
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { HttpSettings } from '../../modules/clients/http/client.js';
import { listenOnLoopback, testClient } from './http-server.js';
import { selfSigned, type SelfSigned } from './self-signed.js';
import { temporaryFolder, type TemporaryFolder } from './temporary-folder.js';

let folder: TemporaryFolder;
let own: SelfSigned;
const servers: net.Server[] = [];

async function listen(server: net.Server): Promise<number> {
  servers.push(server);
  return listenOnLoopback(server);
}

let tls: https.Server;
beforeAll(() => {
  folder = temporaryFolder();
  own = selfSigned(folder);
  tls = https.createServer(own, (_, response) => response.end('hello'));
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
    ['is a request', () => own.cert.replaceAll('CERTIFICATE', 'CERTIFICATE REQUEST'), 'contains no certificate'],
    ['is cut off', () => own.cert.slice(0, 400), 'contains no certificate that can be read; it may be cut off'],
    ['is garbled', () => own.cert.replace(/\n.{20}/, `\n${'!'.repeat(20)}`), 'no certificate that can be read'],
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
    const port = await listen(https.createServer(own, (_, response) => response.end('hello')));
    const caCert = folder.write('ca', `${own.cert.replace(/\n.{20}/, `\n${'!'.repeat(20)}`)}${own.cert}`);

    const answer = await testClient({ caCert })({ method: 'GET', url: `https://localhost:${port}/` });

    expect(await answer.text()).toBe('hello');
  });
});
