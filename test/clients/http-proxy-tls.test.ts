import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import net, { type AddressInfo } from 'node:net';
import type { HttpSettings } from '../../modules/clients/http/client.js';
import { testClient } from './http-server.js';
import { selfSigned } from './self-signed.js';
import { temporaryFolder, type TemporaryFolder } from './temporary-folder.js';

let folder: TemporaryFolder;
let target: https.Server;
let plain: http.Server;
let proxy: http.Server;
let secureProxy: https.Server;
let seen: { readonly url: string | undefined; readonly login: string | undefined }[];

/** A server that does with each connection what the test says. */
let rude: net.Server;
let rudeness: (socket: net.Socket) => void;

beforeAll(async () => {
  folder = temporaryFolder();
  const tls = selfSigned(folder, 'IP:127.0.0.1,DNS:localhost');
  target = https.createServer(tls, (request, response) => {
    if (request.url === '/downgrade') response.writeHead(302, { Location: urlOf(plain) });
    response.end('hello');
  });
  plain = http.createServer((_, response) => void response.end('hello'));
  proxy = withProxy(http.createServer());
  secureProxy = withProxy(https.createServer(tls));
  rude = net.createServer((socket) => {
    socket.on('error', () => undefined);
    rudeness(socket);
  });
  for (const server of [target, plain, proxy, secureProxy, rude])
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
});

beforeEach(() => void (seen = []));

afterAll(() => {
  for (const server of [target, plain, proxy, secureProxy, rude]) server.close();
  folder.remove();
});

/** CONNECT and plain requests, whatever their host is called. */
function withProxy<S extends http.Server>(server: S): S {
  const note = ({ url, headers }: http.IncomingMessage): void =>
    void seen.push({ url, login: headers['proxy-authorization'] });
  server.on('connect', (request: http.IncomingMessage, client: net.Socket) => {
    note(request);
    const upstream = net.connect(Number(request.url?.split(':')[1]), '127.0.0.1', () => {
      client.write('HTTP/1.1 200 OK\r\n\r\n');
      upstream.pipe(client).pipe(upstream);
    });
    for (const socket of [upstream, client]) socket.on('error', () => {});
  });
  server.on('request', (request: http.IncomingMessage, response: http.ServerResponse) => {
    note(request);
    if (new URL(request.url ?? '').pathname === '/login') return void response.writeHead(407).end('who are you?');
    response.end('by proxy');
  });
  return server;
}

function urlOf(server: net.Server, scheme = 'http'): string {
  return `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function get(url: string, settings: Partial<HttpSettings>): Promise<string> {
  return testClient(settings)({ method: 'GET', url, repeatable: false, followRedirects: true }).then((answer) =>
    answer.text(),
  );
}

const secureUrl = (): string => urlOf(target, 'https').replace('127.0.0.1', 'localhost');
const ownCa = (): string => `${folder.path}/cert`;

describe('through a proxy', () => {
  test.each([
    ['the CA that was given', () => ({ validateCerts: true, caCert: ownCa() })],
    ['validate_certs: no', () => ({ validateCerts: false })],
  ])('%s holds', async (_, settings) => {
    expect(await get(secureUrl(), { ...settings(), environment: { https_proxy: urlOf(proxy) } })).toBe('hello');
    expect(seen).toHaveLength(1);
  });

  test('an unknown certificate is rejected too', async () => {
    await expect(get(secureUrl(), { environment: { https_proxy: urlOf(proxy) } })).rejects.toMatchObject({
      code: 'CERTIFICATE_REJECTED',
    });
  });

  test('without a scheme, https and plain URLs are read', async () => {
    const named = urlOf(proxy).replace('http://', '');
    const settings = { caCert: ownCa(), environment: { https_proxy: named, http_proxy: named } };

    expect(await get(secureUrl(), settings)).toBe('hello');
    expect(await get('http://store.example/', settings)).toBe('by proxy');
    expect(seen.map(({ url }) => url)).toEqual([secureUrl().replace('https://', ''), 'http://store.example/']);
  });

  test('that speaks TLS, both are read', async () => {
    const settings = { caCert: ownCa(), environment: { all_proxy: urlOf(secureProxy, 'https') } };

    expect(await get(secureUrl(), settings)).toBe('hello');
    expect(await get('http://store.example/', settings)).toBe('by proxy');
  });

  test('that speaks TLS with an unknown certificate, it is the proxy’s that is rejected', async () => {
    const failure = get(secureUrl(), { environment: { all_proxy: urlOf(secureProxy, 'https') } });

    await expect(failure).rejects.toMatchObject({
      code: 'CERTIFICATE_REJECTED',
      message: expect.stringContaining(`the proxy ${urlOf(secureProxy, 'https')} of all_proxy`),
    });
  });

  test('its login is sent to it, for both kinds of URLs', async () => {
    const settings = { caCert: ownCa(), environment: { all_proxy: urlOf(proxy).replace('//', '//us%40er:p%ss@') } };

    await get(secureUrl(), settings);
    await get('http://store.example/', settings);

    const login = `Basic ${Buffer.from('us@er:p%ss').toString('base64')}`;
    expect(seen.map((request) => request.login)).toEqual([login, login]);
  });

  test('that requires a login for a plain URL, 407 is reported with its name', async () => {
    await expect(
      get('http://store.example/login', { environment: { http_proxy: urlOf(proxy) } }),
    ).rejects.toMatchObject({
      status: 407,
      message: `GET http://store.example/login answered 407 through the proxy ${urlOf(proxy)} of http_proxy: who are you?`,
    });
  });

  test('of another kind, the variable is named', async () => {
    await expect(
      get('http://store.example/', { environment: { ALL_PROXY: 'socks5://127.0.0.1:1080' } }),
    ).rejects.toMatchObject({
      code: 'PROXY_UNUSABLE',
      message: expect.stringContaining('ALL_PROXY names a socks5 proxy'),
    });
  });
});

describe('a proxy that', () => {
  test.each<[string, (socket: net.Socket) => void, string]>([
    ['closes at once', (socket) => socket.end(), 'UNREACHABLE'],
    ['resets at once', (socket) => socket.resetAndDestroy(), 'UNREACHABLE'],
    ['closes when it is asked', (socket) => socket.once('data', () => socket.end()), 'UNREACHABLE'],
    ['resets when it is asked', (socket) => socket.once('data', () => socket.resetAndDestroy()), 'UNREACHABLE'],
    ['closes within its answer', (socket) => socket.once('data', () => socket.end('HTTP/1.1 200 O')), 'UNREACHABLE'],
    ['speaks no HTTP', (socket) => socket.once('data', () => socket.end('SSH-2.0-x\r\n\r\n')), 'NOT_HTTP'],
    ['does not answer', () => undefined, 'TIMEOUT'],
    [
      'answers 407',
      (socket) => socket.once('data', () => socket.end('HTTP/1.1 407 No\r\nContent-Length: 2\r\n\r\nno')),
      'PROXY_REFUSED',
    ],
    [
      'answers 404 with a body',
      (socket) => socket.once('data', () => socket.end('HTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\nno')),
      'PROXY_REFUSED',
    ],
    [
      'redirects',
      (socket) =>
        socket.once('data', () =>
          socket.end('HTTP/1.1 302 No\r\nLocation: http://127.0.0.1/\r\nContent-Length: 0\r\n\r\n'),
        ),
      'PROXY_REFUSED',
    ],
    [
      'closes behind its 200',
      (socket) => socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\n\r\n')),
      'CONNECTION_BROKEN',
    ],
    [
      'resets behind its 200',
      (socket) => socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\n\r\n', () => socket.resetAndDestroy())),
      'CONNECTION_BROKEN',
    ],
  ])('%s is named in the error of an https URL', async (_, act, code) => {
    rudeness = act;

    const failure = get(secureUrl(), { timeoutSeconds: 0.5, environment: { https_proxy: urlOf(rude) } });

    await expect(failure).rejects.toMatchObject({
      name: 'ConnectionError',
      code,
      message: expect.stringContaining(`the proxy ${urlOf(rude)} of https_proxy`),
    });
  });

  test.each<[string, (socket: net.Socket) => void, string]>([
    ['closes at once', (socket) => socket.end(), 'CONNECTION_BROKEN'],
    ['resets when it is asked', (socket) => socket.once('data', () => socket.resetAndDestroy()), 'CONNECTION_BROKEN'],
    ['does not answer', () => undefined, 'TIMEOUT'],
  ])('%s is named in the error of a plain URL', async (_, act, code) => {
    rudeness = act;

    const failure = get('http://store.example/', { timeoutSeconds: 0.5, environment: { http_proxy: urlOf(rude) } });

    await expect(failure).rejects.toMatchObject({
      code,
      message: expect.stringContaining(`the proxy ${urlOf(rude)} of http_proxy`),
    });
  });

  test.each(['http://store.example/', 'https://store.example/'])(
    'is not there is named in the error of %s',
    async (url) => {
      await expect(get(url, { environment: { all_proxy: '127.0.0.1:1' } })).rejects.toMatchObject({
        code: 'UNREACHABLE',
        message: expect.stringContaining('the proxy http://127.0.0.1:1 of all_proxy'),
      });
    },
  );
});

describe('a CA is trusted that', () => {
  test.each([
    ['ca_cert names', () => ({ caCert: ownCa() })],
    ['the system has (SSL_CERT_FILE)', () => ({ environment: { SSL_CERT_FILE: ownCa() } })],
    ['REQUESTS_CA_BUNDLE names', () => ({ environment: { REQUESTS_CA_BUNDLE: ownCa() } })],
    ['CURL_CA_BUNDLE names', () => ({ environment: { CURL_CA_BUNDLE: ownCa() } })],
    ['NODE_EXTRA_CA_CERTS names', () => ({ environment: { NODE_EXTRA_CA_CERTS: ownCa() } })],
    [
      'NODE_EXTRA_CA_CERTS names beside another in ca_cert',
      () => ({ caCert: '/etc/ssl/certs/ca-certificates.crt', environment: { NODE_EXTRA_CA_CERTS: ownCa() } }),
    ],
    ['is in a folder that REQUESTS_CA_BUNDLE names', () => ({ environment: { REQUESTS_CA_BUNDLE: caFolder() } })],
    ['is in a folder of SSL_CERT_DIR', () => ({ environment: { SSL_CERT_DIR: `/no/such:${caFolder()}` } })],
  ])('%s', async (_, settings) => {
    expect(await get(secureUrl(), settings())).toBe('hello');
  });

  test.each([{}, { SSL_CERT_FILE: '/no/such/file' }, { NODE_EXTRA_CA_CERTS: '/no/such/file' }])(
    'nobody names, with %j, is not',
    async (environment) => {
      await expect(get(secureUrl(), { environment })).rejects.toMatchObject({ code: 'CERTIFICATE_REJECTED' });
    },
  );

  test.each(['REQUESTS_CA_BUNDLE', 'CURL_CA_BUNDLE'])('%s names but cannot be read is reported', async (name) => {
    await expect(get(secureUrl(), { environment: { [name]: '/no/such/file' } })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringContaining(`${name}: /no/such/file`),
    });
  });
});

test('ca_cert without a certificate in it is refused', () => {
  expect(() => testClient({ caCert: `${folder.path}/key` })).toThrow('contains no certificate');
});

test('redirects from https to http are refused', async () => {
  await expect(get(`${secureUrl()}/downgrade`, { caCert: ownCa() })).rejects.toMatchObject({
    code: 'REDIRECT_REFUSED',
  });
});

function caFolder(): string {
  const path = `${folder.path}/cas`;
  mkdirSync(path, { recursive: true });
  writeFileSync(`${path}/own.pem`, readFileSync(ownCa()));
  return path;
}
