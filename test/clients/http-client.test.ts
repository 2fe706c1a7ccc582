import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { createHttpClient, type HttpClient, type HttpSettings } from '../../modules/clients/http/client.js';
import { HttpError, reasonFromBody, withoutCredentials } from '../../modules/clients/http/errors.js';

type Answer = (request: http.IncomingMessage, response: http.ServerResponse) => void;

let server: http.Server;
let url: string;
let answers: Answer[];
let seen: string[];

/** Answers the requests in turn, the last answer for all that follow. */
beforeEach(async () => {
  seen = [];
  server = http.createServer((request, response) => {
    seen.push(`${request.method} ${request.url}`);
    (answers.length > 1 ? answers.shift() : answers[0])?.(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(() => {
  server.closeAllConnections();
  server.close();
});

function client(settings: Partial<HttpSettings> = {}): HttpClient {
  return createHttpClient({ validateCerts: true, timeoutSeconds: 5, firstPauseMs: 1, signal: new AbortController().signal, ...settings });
}

const ok: Answer = (_, response) => void response.end('fine');
const busy: Answer = (_, response) => void response.writeHead(503).end('<html><head><title>503</title></head><body><h1>busy</h1> later</body></html>');
const drop: Answer = (request) => void request.socket.destroy();

describe('a request', () => {
  test.each([
    ['GET', [busy, ok]],
    ['HEAD', [drop, ok]],
    ['DELETE', [busy, drop, ok]],
  ] as const)('%s is repeated while the fault may pass', async (method, scripted) => {
    answers = [...scripted];

    await client()({ method, url });

    expect(seen).toHaveLength(scripted.length);
  });

  test.each(['POST', 'PATCH'] as const)('%s is sent once, since the server may have acted on it', async (method) => {
    answers = [busy, ok];

    await expect(client()({ method, url, body: '{}' })).rejects.toMatchObject({ status: 503 });
    expect(seen).toHaveLength(1);
  });

  test('with a stream for its body is sent once', async () => {
    answers = [busy, ok];

    await expect(client()({ method: 'PUT', url, body: Readable.from(['data']) })).rejects.toMatchObject({ status: 503 });
    expect(seen).toHaveLength(1);
  });

  test.each([400, 401, 403, 404, 409, 413])('that is answered %i is not repeated', async (status) => {
    answers = [(_, response) => void response.writeHead(status).end()];

    await expect(client()({ method: 'GET', url })).rejects.toMatchObject({ status });
    expect(seen).toHaveLength(1);
  });

  test('is given up after four attempts, with the last answer as the reason', async () => {
    answers = [(_, response) => void response.writeHead(503, { 'Retry-After': '0' }).end('{"error": {"message": "no database"}}')];

    const failure = client()({ method: 'GET', url: `${url}/v2/images` });

    await expect(failure).rejects.toThrow(`GET ${url}/v2/images answered 503: no database`);
    expect(seen).toHaveLength(4);
  });

  test('waits as long as Retry-After asks', async () => {
    answers = [(_, response) => void response.writeHead(429, { 'Retry-After': '1' }).end(), ok];
    const started = performance.now();

    await client()({ method: 'GET', url });

    expect(performance.now() - started).toBeGreaterThan(1000);
  });

  test('that gets no answer ends with TIMEOUT', async () => {
    answers = [() => undefined];

    const failure = client({ timeoutSeconds: 0.2 })({ method: 'POST', url, body: '' });

    await expect(failure).rejects.toMatchObject({ code: 'TIMEOUT', message: `${url} did not answer POST within 0.2 s` });
  });

  test('is broken off by the signal, with the signal’s reason', async () => {
    answers = [() => undefined];
    const controller = new AbortController();
    const reason = new Error('deadline');
    const failure = client({ signal: controller.signal })({ method: 'GET', url });
    await once(server, 'request');

    controller.abort(reason);

    await expect(failure).rejects.toBe(reason);
  });

  test('with a token does not follow a redirect', async () => {
    answers = [(_, response) => void response.writeHead(302, { Location: 'http://user:secret@elsewhere.example/' }).end()];

    const failure = client()({ method: 'GET', url, headers: { 'X-Auth-Token': 'secret' } });

    await expect(failure).rejects.toThrow('answered 302: it redirects to http://elsewhere.example/');
    expect(seen).toHaveLength(1);
  });

  test('to a public store follows one', async () => {
    answers = [(_, response) => void response.writeHead(302, { Location: '/moved' }).end(), ok];

    const answer = await client()({ method: 'GET', url, followRedirects: true });

    expect(await answer.text()).toBe('fine');
    expect(seen).toEqual(['GET /', 'GET /moved']);
  });

  test('that is answered with HTML instead of JSON says so', async () => {
    answers = [(_, response) => void response.end('<html><body>Welcome to nginx</body></html>')];
    const answer = await client()({ method: 'GET', url });

    await expect(answer.json()).rejects.toThrow('not JSON: "Welcome to nginx"');
  });

  test('leaves no listener behind on a signal that lives long', async () => {
    answers = [ok];
    const { signal } = new AbortController();
    let listeners = 0;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = ((...args: Parameters<typeof add>) => (listeners++, add(...args))) as typeof add;
    signal.removeEventListener = ((...args: Parameters<typeof remove>) => (listeners--, remove(...args))) as typeof remove;
    const send = client({ signal });

    for (let count = 0; count < 20; count++) await (await send({ method: 'GET', url })).text();

    expect(listeners).toBeLessThanOrEqual(1);
  });
});

test.each([
  ['a port where nobody listens', 'http://127.0.0.1:1', 'nothing listens there'],
  ['an unknown host', 'http://no-such-host.invalid', 'the host name'],
])('%s is UNREACHABLE', async (_, target, why) => {
  const failure = client()({ method: 'GET', url: target, repeatable: false });

  await expect(failure).rejects.toMatchObject({ code: 'UNREACHABLE', message: expect.stringContaining(why) });
});

test('a CA file that is not there is named', () => {
  expect(() => client({ caCert: '/no/such/ca.pem' })({ method: 'GET', url })).toThrow('ca_cert: /no/such/ca.pem cannot be read');
});

test.each([
  ['http://user:secret@host/path', 'http://host/path'],
  ['https://host/o?temp_url_sig=abc&temp_url_expires=5', 'https://host/o?temp_url_sig=********&temp_url_expires=5'],
  ['not a url//user:secret@host', 'not a url//host'],
])('%s is shown as %s', (text, shown) => {
  expect(withoutCredentials(text)).toBe(shown);
  expect(new HttpError({ method: 'GET', url: text, status: 500, reason: '' }).message).not.toContain('secret');
});

test.each([
  ['Keystone', '{"error": {"code": 401, "message": "The request you have made requires authentication.", "title": "Unauthorized"}}', 'The request you have made requires authentication.'],
  ['Nova', '{"conflictingRequest": {"code": 409, "message": "Cannot delete"}}', 'Cannot delete'],
  ['Ironic, JSON in JSON', '{"error_message": "{\\"faultstring\\": \\"Node is locked\\", \\"debuginfo\\": null}"}', 'Node is locked'],
  ['Glance', '<html>\n <head>\n  <title>409 Conflict</title>\n </head>\n <body>\n  <h1>409 Conflict</h1>\n  Image ID &quot;x&quot; exists<br /><br />\n </body>\n</html>', '409 Conflict Image ID "x" exists'],
  ['nobody', '', ''],
  ['plain text with control characters', 'bad\u001b[31m thing\n', 'bad [31m thing'],
])('the reason of %s is found in its body', (_, body, reason) => {
  expect(reasonFromBody(body)).toBe(reason);
});
