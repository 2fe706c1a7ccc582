// Services that give secrets back in their words, and what a module and the command line then
// print.
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { commandLine, library, run, runModule, withFolder } from './run.js';

const password = 'p@ss"w\\ord<ö>&1234';
const token = `gAAAAABn${'aB3-_x9Z'.repeat(22)}`;

interface Words {
  /** What Keystone says to the login, instead of a token. */
  readonly keystone?: string;
  /** What Glance says to every request. */
  readonly glance?: string;
}

let server: Server | undefined;

afterEach(() => new Promise<void>((resolve) => (server ? server.close(() => resolve()) : resolve())));

/** A Keystone and a Glance that refuse, with words of the test's. Gives the auth URL. */
async function refusingCloud(words: Words): Promise<string> {
  const started = createServer((request: IncomingMessage, response) => {
    request.resume();
    const url = `http://127.0.0.1:${(started.address() as AddressInfo).port}`;
    const say = (status: number, body: string, headers: Record<string, string> = {}): void =>
      void response.writeHead(status, { connection: 'close', ...headers }).end(body);
    if (!request.url?.includes('/auth/tokens')) return say(403, words.glance ?? '');
    if (words.keystone !== undefined) return say(400, words.keystone);
    const dates = { issued_at: new Date().toISOString(), expires_at: new Date(Date.now() + 3_600_000).toISOString() };
    const catalog = [
      { type: 'image', name: 'glance', endpoints: [{ interface: 'public', region: 'one', region_id: 'one', url }] },
    ];
    return say(
      201,
      JSON.stringify({
        token: { ...dates, project: { id: 'p1', name: 'admin' }, user: { id: 'u1', name: 'admin' }, catalog },
      }),
      { 'x-subject-token': token },
    );
  });
  server = started;
  await new Promise<void>((resolve) => started.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(started.address() as AddressInfo).port}`;
}

const login = (authUrl: string): Record<string, unknown> => ({
  auth: {
    auth_url: authUrl,
    username: 'admin',
    password,
    project_name: 'admin',
    user_domain_name: 'Default',
    project_domain_name: 'Default',
  },
});

const asciiJson = (text: string): string =>
  JSON.stringify(text).replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);

/** No piece of a secret in any spelling that a person could put together again. */
function expectNothingOf(text: string): void {
  expect(text).toContain('********');
  expect(text).not.toMatch(/w\\+ord|w%5Cord|(?:6|\\b)1234|gAAAAAB|aB3-_x9Z/i);
}

describe('a password that Keystone repeats', () => {
  test.each([
    ['as it is', password],
    ['as JSON', JSON.stringify(password)],
    ['as JSON in ASCII', asciiJson(password)],
    ['in a URL', encodeURIComponent(password)],
    ['where our own message would have been cut', `${'x'.repeat(365)} ${password}`],
  ])('%s is hidden', async (_, words) => {
    const authUrl = await refusingCloud({
      keystone: JSON.stringify({ error: { message: `Invalid input: ${words} is not of type object`, code: 400 } }),
    });

    const { stdout, result } = await runModule(join(library, 'image_info.mjs'), {
      ...login(authUrl),
      _ansible_verbosity: 4,
    });

    expect(result.failed).toBe(true);
    expectNothingOf(stdout);
  });
});

describe('a token that Glance repeats', () => {
  test.each([
    ['whole', `<html><title>403</title><body>the token ${token} is not for this</body></html>`],
    ['cut off by Glance', JSON.stringify({ message: `token ${token.slice(0, 50)}...` })],
    ['where our own message is cut', `${'x'.repeat(365)} ${token}`],
    ['with its base64', Buffer.from(`admin:${password}`).toString('base64')],
  ])('%s is hidden', async (_, words) => {
    const authUrl = await refusingCloud({ glance: words });

    const { stdout, result } = await runModule(join(library, 'image_info.mjs'), {
      ...login(authUrl),
      _ansible_verbosity: 4,
    });

    expect(result).toMatchObject({ failed: true, code: 'HTTP_ERROR' });
    expect(stdout).not.toContain(Buffer.from(password).toString('base64').slice(4, -4));
    expect(stdout).not.toMatch(/gAAAAAB|aB3-_x9Z/);
  });

  test('is hidden on the command line too, at its highest verbosity', async () => {
    const authUrl = await refusingCloud({ glance: `the token ${token} is not for this` });
    const environment = {
      OS_AUTH_URL: authUrl,
      OS_USERNAME: 'admin',
      OS_PASSWORD: password,
      OS_PROJECT_NAME: 'admin',
      OS_USER_DOMAIN_NAME: 'Default',
      OS_PROJECT_DOMAIN_NAME: 'Default',
    };

    const { code, stderr } = await run(commandLine, ['info', '-vvv'], { environment });

    expect(code).toBe(1);
    expectNothingOf(stderr);
  });
});

describe('URLs with signatures', () => {
  test.each([
    ['a signature of Swift', 'temp_url_sig', 'da39a3ee5e6b4b0d3255bfef95601890afd80709'],
    ['a signature of S3', 'X-Amz-Signature', 'fe5f80f77d5fa3beca038a248ff027d0445342fe2855ddc963176630326f1024'],
    ['a token of Azure', 'sig', 'kYh7vQm2%2BtYw%3D'],
  ])('of the cache lose %s, in the refusal and in the invocation', async (_, name, signature) => {
    const host = await refusingCloud({
      glance: `AccessDenied: ${name}=${signature}, ${decodeURIComponent(signature)}`,
    });

    const { stdout, result } = await withFolder((folder) =>
      runModule(join(library, 'image_cache.mjs'), {
        files: [{ url: `${host}/a.img?${name}=${signature}` }],
        dest: folder,
      }),
    );

    expect(result.failed).toBe(true);
    expect(result.invocation).toBeDefined();
    expect(stdout).not.toContain(signature);
    expect(stdout).not.toContain(decodeURIComponent(signature));
  });

  test('of a node lose password and signature', async () => {
    const host = await refusingCloud({ glance: 'no' });
    const kernel = `${host.replace('//', '//u:url-password@')}/k?sig=a-signature-of-sorts`;
    const node = { name: 'rack1', driver: 'ipmi', driver_info: { deploy_kernel: kernel, deploy_ramdisk: `${host}/r` } };

    const { stdout, result } = await runModule(join(library, 'baremetal_node.mjs'), {
      ...node,
      auth_type: 'none',
      endpoint_override: { baremetal: host },
      _ansible_verbosity: 4,
    });

    expect(result.failed).toBe(true);
    expect(stdout).not.toContain('url-password');
    expect(stdout).not.toContain('a-signature-of-sorts');
  });
});
