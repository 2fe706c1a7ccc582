import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { HttpError, reasonFromBody } from '../../modules/clients/http/errors.js';
import { withoutCredentials } from '../../modules/core/urls.js';
import { startScriptedServer, testClient, type ScriptedAnswer, type ScriptedServer } from './http-server.js';

let site: ScriptedServer;
let url: string;
let seen: readonly string[];

beforeEach(async () => {
  site = await startScriptedServer();
  ({ url, seen } = site);
});

afterEach(() => site.close());

const ok: ScriptedAnswer = (_, response) => void response.end('fine');
const busy: ScriptedAnswer = (_, response) =>
  void response.writeHead(503).end('<html><head><title>503</title></head><body><h1>busy</h1> later</body></html>');
const drop: ScriptedAnswer = (request) => void request.socket.destroy();

describe('a request', () => {
  test.each([
    ['GET', [busy, ok]],
    ['HEAD', [drop, ok]],
    ['DELETE', [busy, drop, ok]],
  ] as const)('%s is repeated while the fault may pass', async (method, scripted) => {
    site.answer(...scripted);

    await testClient()({ method, url });

    expect(seen).toHaveLength(scripted.length);
  });

  test.each(['POST', 'PATCH'] as const)('%s is sent once, since the server may have acted on it', async (method) => {
    site.answer(busy, ok);

    await expect(testClient()({ method, url, body: '{}' })).rejects.toMatchObject({ status: 503 });
    expect(seen).toHaveLength(1);
  });

  test('with a stream for its body is sent once', async () => {
    site.answer(busy, ok);

    await expect(testClient()({ method: 'PUT', url, body: Readable.from(['data']) })).rejects.toMatchObject({
      status: 503,
    });
    expect(seen).toHaveLength(1);
  });

  test.each([400, 401, 403, 404, 409, 413])('that is answered %i is not repeated', async (status) => {
    site.answer((_, response) => void response.writeHead(status).end());

    await expect(testClient()({ method: 'GET', url })).rejects.toMatchObject({ status });
    expect(seen).toHaveLength(1);
  });

  test('is given up after four attempts, with the last answer as the reason', async () => {
    site.answer(
      (_, response) =>
        void response.writeHead(503, { 'Retry-After': '0' }).end('{"error": {"message": "no database"}}'),
    );

    const failure = testClient()({ method: 'GET', url: `${url}/v2/images` });

    await expect(failure).rejects.toThrow(`GET ${url}/v2/images answered 503: no database`);
    expect(seen).toHaveLength(4);
  });

  test('waits as long as Retry-After asks', async () => {
    site.answer((_, response) => void response.writeHead(429, { 'Retry-After': '1' }).end(), ok);
    const started = performance.now();

    await testClient()({ method: 'GET', url });

    expect(performance.now() - started).toBeGreaterThan(1000);
  });

  test.each([
    ['its own clock', (now: number) => ({ 'Retry-After': new Date(now + 1500).toUTCString() })],
    [
      'the clock of the server, which is an hour behind',
      (now: number) => ({
        Date: new Date(now - 3_600_000).toUTCString(),
        'Retry-After': new Date(now - 3_600_000 + 1500).toUTCString(),
      }),
    ],
  ])('waits for the date of Retry-After by %s', async (_, headers) => {
    site.answer((_request, response) => {
      response.sendDate = false;
      // Whole seconds are all that a header tells.
      response.writeHead(503, headers(Math.ceil(Date.now() / 1000) * 1000)).end();
    }, ok);
    const started = performance.now();

    await testClient()({ method: 'GET', url });

    expect(performance.now() - started).toBeGreaterThan(950);
    expect(performance.now() - started).toBeLessThan(10_000);
  });

  test('that is refused for good does not wait for Retry-After in the background', async () => {
    site.answer((_, response) => void response.writeHead(403, { 'Retry-After': '30' }).end());
    const timers = (): number =>
      (process as unknown as { getActiveResourcesInfo(): string[] })
        .getActiveResourcesInfo()
        .filter((name) => name === 'Timeout').length;
    const before = timers();

    await expect(testClient()({ method: 'GET', url })).rejects.toMatchObject({ status: 403 });

    expect(timers()).toBe(before);
  });

  test('that gets no answer ends with TIMEOUT', async () => {
    site.answer(() => undefined);

    const failure = testClient({ timeoutSeconds: 0.2 })({ method: 'POST', url, body: '' });

    await expect(failure).rejects.toMatchObject({
      code: 'TIMEOUT',
      message: `${url} did not answer POST within 0.2 s`,
    });
  });

  test('is aborted by the signal, with the signal’s reason', async () => {
    site.answer(() => undefined);
    const controller = new AbortController();
    const reason = new Error('deadline');
    const failure = testClient({ signal: controller.signal })({ method: 'GET', url });
    await once(site.server, 'request');

    controller.abort(reason);

    await expect(failure).rejects.toBe(reason);
  });

  test('with a token does not follow a redirect', async () => {
    site.answer(
      (_, response) => void response.writeHead(302, { Location: 'http://user:secret@elsewhere.example/' }).end(),
    );

    const failure = testClient()({ method: 'GET', url, headers: { 'X-Auth-Token': 'secret' } });

    await expect(failure).rejects.toThrow('answered 302: it redirects to http://elsewhere.example/');
    expect(seen).toHaveLength(1);
  });

  test('to a public store follows one', async () => {
    site.answer((_, response) => void response.writeHead(302, { Location: '/moved' }).end(), ok);

    const answer = await testClient()({ method: 'GET', url, followRedirects: true });

    expect(await answer.text()).toBe('fine');
    expect(seen).toEqual(['GET /', 'GET /moved']);
  });

  test.each([
    ['raw UTF-8 in Location', '/\u00c3\u00a9.img', '/%C3%A9.img'],
    ['other raw bytes', '/\u00e9.img', '/%E9.img'],
    ['a relative one', 'b/c', '/b/c'],
    ['one with spaces', ' /a b ', '/a%20b'],
    ['one without a scheme', '//HOST/x', '/x'],
  ])('follows %s', async (_, location, path) => {
    site.answer(
      (_request, response) =>
        void response.writeHead(302, { Location: location.replace('HOST', new URL(url).host) }).end(),
      ok,
    );

    await testClient()({ method: 'GET', url, followRedirects: true });

    expect(seen).toEqual(['GET /', `GET ${path}`]);
  });

  test.each([
    ['a loop', '/', 'TOO_MANY_REDIRECTS'],
    ['nowhere', '', 'REDIRECT_REFUSED'],
    ['another scheme', 'file:///etc/passwd', 'REDIRECT_REFUSED'],
    ['a login', 'http://user:secret@127.0.0.1/', 'REDIRECT_REFUSED'],
  ])('does not follow %s', async (_, location, code) => {
    site.answer((_request, response) => void response.writeHead(307, { Location: location }).end());

    const failure = testClient()({ method: 'GET', url, followRedirects: true });

    await expect(failure).rejects.toMatchObject({ code, message: expect.not.stringContaining('secret') });
  });

  test('with a login in its URL sends it as a header, and does not show it', async () => {
    let sent: string | undefined;
    site.answer((request, response) => {
      sent = request.headers.authorization;
      response.writeHead(401).end();
    });

    const failure = testClient()({ method: 'GET', url: url.replace('//', '//us%40er:p%3Ass@') });

    await expect(failure).rejects.toThrow(`GET ${url}/ answered 401`);
    expect(sent).toBe(`Basic ${Buffer.from('us@er:p:ss').toString('base64')}`);
  });

  test('that is answered with HTML instead of JSON says so', async () => {
    site.answer((_, response) => void response.end('<html><body>Welcome to nginx</body></html>'));
    const answer = await testClient()({ method: 'GET', url });

    await expect(answer.json()).rejects.toThrow('not JSON: "Welcome to nginx"');
  });

  test('leaves no listener behind on a signal that lives long', async () => {
    site.answer(ok);
    const { signal } = new AbortController();
    let listeners = 0;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = ((...args: Parameters<typeof add>) => (listeners++, add(...args))) as typeof add;
    signal.removeEventListener = ((...args: Parameters<typeof remove>) => (
      listeners--, remove(...args)
    )) as typeof remove;
    const send = testClient({ signal });

    for (let count = 0; count < 20; count++) await (await send({ method: 'GET', url })).text();

    expect(listeners).toBeLessThanOrEqual(1);
  });
});

test.each([
  ['a port where nobody listens', 'http://127.0.0.1:1', 'the connection was refused'],
  ['an unknown host', 'http://no-such-host.invalid', 'the host name'],
])('%s is UNREACHABLE', async (_, target, why) => {
  const failure = testClient()({ method: 'GET', url: target, repeatable: false });

  await expect(failure).rejects.toMatchObject({ code: 'UNREACHABLE', message: expect.stringContaining(why) });
});

test('a CA file that does not exist is named', () => {
  expect(() => testClient({ caCert: '/no/such/ca.pem' })({ method: 'GET', url })).toThrow(
    'ca_cert: /no/such/ca.pem cannot be read',
  );
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
  [
    'Keystone',
    '{"error": {"code": 401, "message": "The request you have made requires authentication.", "title": ' +
      '"Unauthorized"}}',
    'The request you have made requires authentication.',
  ],
  ['Nova', '{"conflictingRequest": {"code": 409, "message": "Cannot delete"}}', 'Cannot delete'],
  [
    'Ironic, JSON in JSON',
    '{"error_message": "{\\"faultstring\\": \\"Node is locked\\", \\"debuginfo\\": null}"}',
    'Node is locked',
  ],
  [
    'Glance',
    '<html>\n <head>\n  <title>409 Conflict</title>\n </head>\n <body>\n  <h1>409 Conflict</h1>\n' +
      '  Image ID &quot;x&quot; exists<br /><br />\n </body>\n</html>',
    '409 Conflict Image ID "x" exists',
  ],
  ['nobody', '', ''],
  ['plain text with control characters', 'bad\u001b[31m thing\n', 'bad [31m thing'],
])('the reason of %s is found in its body', (_, body, reason) => {
  expect(reasonFromBody(body)).toBe(reason);
});
