// The metrics that a run hands over, and that no trouble with them is a failure of the run.
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, jest, test } from '@jest/globals';
import { fakeCommand, run, withFolder, type Ended } from './run.js';

jest.setTimeout(30_000);

const fake = (words: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<Ended> =>
  run(process.execPath, [fakeCommand, 'fake', ...words], { environment });

const former = 'periodic_task_last_success{name="fake_operation"} 1700000000';

/** The gauges in a text, by name and labels. */
function gaugesIn(text: string): Record<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return Object.fromEntries(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]),
  );
}

/** The gauges that a run writes over those of an earlier success. */
function recorded(words: readonly string[]): Promise<Record<string, number>> {
  return withFolder(async (folder) => {
    const path = join(folder, 'fake.prom');
    writeFileSync(path, `${former}\n`);
    await fake(['--metrics-file', path, ...words]);
    return gaugesIn(readFileSync(path, 'utf8'));
  });
}

describe('--metrics-file', () => {
  test('gets the time of a success', async () => {
    const gauges = await recorded([]);

    expect(
      Math.abs(Date.now() / 1000 - (gauges['periodic_task_last_success{name="fake_operation"}'] ?? 0)),
    ).toBeLessThan(60);
    expect(gauges).toMatchObject({ 'image_tools_last_run_success{name="fake_operation"}': 1 });
  });

  test.each([
    ['fail', 'IT_BROKE'],
    ['part', 'PART_FAILED'],
    ['crash', 'INTERNAL_ERROR'],
    ['reject', 'INTERNAL_ERROR'],
    ['refuse', 'INVALID_INPUT'],
  ])('gets the failure of a run that does %s, and keeps the last success', async (behaviour, code) => {
    expect(await recorded(['--behaviour', behaviour])).toMatchObject({
      'periodic_task_last_success{name="fake_operation"}': 1700000000,
      'image_tools_last_run_success{name="fake_operation"}': 0,
      [`image_tools_last_run_failures{name="fake_operation",code="${code}"}`]: 1,
    });
  });

  test.each([
    ['that another run keeps from starting', ['--behaviour', 'busy']],
    ['that is dry', ['--dry-run']],
  ])('gets nothing of a run %s', async (_, words) => {
    expect(await recorded(words)).toEqual({ 'periodic_task_last_success{name="fake_operation"}': 1700000000 });
  });

  test('gets the interruption of a run', async () => {
    await withFolder(async (folder) => {
      const path = join(folder, 'fake.prom');
      const words = [fakeCommand, 'fake', '--behaviour', 'wait', '--metrics-file', path];

      expect(await run(process.execPath, words, { signals: ['SIGTERM'] })).toMatchObject({ code: 143 });

      expect(gaugesIn(readFileSync(path, 'utf8'))).toMatchObject({
        'image_tools_last_run_failures{name="fake_operation",code="INTERRUPTED"}': 1,
      });
    });
  });

  test('may be named by the environment; the option takes precedence', async () => {
    await withFolder(async (folder) => {
      const [one, other] = [join(folder, 'one.prom'), join(folder, 'other.prom')];
      const environment = { CHAMELEON_IMAGE_TOOLS_METRICS_FILE: one };

      await fake(['--metrics-file', other], environment);
      expect([existsSync(one), existsSync(other)]).toEqual([false, true]);
      await fake([], environment);
      expect(existsSync(one)).toBe(true);
    });
  });

  test.each([
    ['succeeds', 'echo', 0],
    ['fails', 'fail', 1],
  ])('that cannot be written is a warning of a run that %s', async (_, behaviour, code) => {
    await withFolder(async (folder) => {
      mkdirSync(join(folder, 'fake.prom'));
      chmodSync(folder, 0o700);

      const ended = await fake(['--metrics-file', join(folder, 'fake.prom'), '--behaviour', behaviour]);

      expect(ended.code).toBe(code);
      expect(ended.stderr).toContain(`warning: the metrics cannot be written to ${folder}/fake.prom: `);
    });
  });
});

interface Gateway {
  readonly url: string;
  readonly requests: { readonly line: string; readonly authorization: string | undefined; readonly body: string }[];
}

/** A push gateway that answers as it is told. */
async function withGateway(
  answer: (response: ServerResponse) => void,
  use: (gateway: Gateway) => Promise<void>,
): Promise<void> {
  const requests: Gateway['requests'] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => (body += text));
    request.on('end', () => {
      requests.push({ line: `${request.method} ${request.url}`, authorization: request.headers.authorization, body });
      answer(response);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    await use({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests });
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

const accept = (response: ServerResponse): void => void response.writeHead(200).end();

describe('--push-gateway', () => {
  test('gets a success at the path that the alerts of sites expect, past any proxy', async () => {
    await withGateway(accept, async ({ url, requests }) => {
      const ended = await fake(['--push-gateway', `${url}/`], { http_proxy: 'http://127.0.0.1:9', no_proxy: '' });

      expect(ended).toMatchObject({ code: 0, stderr: '' });
      expect(requests.map(({ line }) => line)).toEqual(['POST /metrics/job/periodic_task/name/fake_operation']);
      expect(Object.keys(gaugesIn(requests[0]?.body ?? ''))).toContain(
        'periodic_task_last_success{name="fake_operation"}',
      );
    });
  });

  test('gets a failure without the name of the last success, which so stays there', async () => {
    await withGateway(accept, async ({ url, requests }) => {
      await fake(['--behaviour', 'fail'], { CHAMELEON_IMAGE_TOOLS_PUSH_GATEWAY: url });

      expect(requests[0]?.body).toContain('code="IT_BROKE"} 1');
      expect(requests[0]?.body).not.toContain('periodic_task_last_success');
    });
  });

  test('gets nothing of a run that another run keeps from starting', async () => {
    await withGateway(accept, async ({ url, requests }) => {
      expect(await fake(['--behaviour', 'busy', '--push-gateway', url])).toMatchObject({ code: 75 });
      expect(requests).toEqual([]);
    });
  });

  test('with a login is logged in to, and its password is never shown', async () => {
    await withGateway(
      (response) => void response.writeHead(401).end('who is pa55-word?'),
      async ({ url, requests }) => {
        const ended = await fake(['--push-gateway', url.replace('//', '//tools:pa55-word@')]);

        expect(requests[0]?.authorization).toBe(`Basic ${Buffer.from('tools:pa55-word').toString('base64')}`);
        expect(ended).toMatchObject({ code: 0, stderr: expect.stringContaining('cannot be pushed to http://') });
        expect(ended.stderr).toContain('401');
        expect(ended.stderr).not.toContain('pa55-word');
      },
    );
  });

  test.each([
    ['refuses', 'answered 400', (response: ServerResponse) => void response.writeHead(400).end('no')],
    ['breaks off', '', (response: ServerResponse) => void response.destroy()],
    ['never answers', 'did not answer within 5 s', () => undefined],
    ['never ends its answer', '', (response: ServerResponse) => void response.writeHead(200).write('x')],
  ])('that %s fails nothing, and delays little', async (_, message, answer) => {
    await withGateway(answer, async ({ url, requests }) => {
      const begun = performance.now();
      const ended = await fake(['--push-gateway', url]);

      expect(ended).toMatchObject({ code: 0, stdout: expect.stringContaining('nothing to do') });
      expect(ended.stderr).toContain(message);
      expect(requests).toHaveLength(1);
      expect((performance.now() - begun) / 1000).toBeLessThan(20);
    });
  });

  test('that nobody answers fails nothing', async () => {
    const ended = await fake(['--push-gateway', 'http://127.0.0.1:9']);

    expect(ended.code).toBe(0);
    expect(ended.stderr).toContain('warning: the metrics cannot be pushed to http://127.0.0.1:9/: ');
  });

  test('that is no URL is not shown, since it may hold a password', async () => {
    for (const url of [
      'tools:pa55-word@gateway:9091',
      'http://tools:pa55-word@gateway?x=1',
      'http://tools:x/pa55-word@gateway',
    ])
      expect(await fake([], { CHAMELEON_IMAGE_TOOLS_PUSH_GATEWAY: url })).toMatchObject({
        code: 0,
        stderr: expect.stringMatching(
          /^warning: the metrics cannot be pushed to what CHAMELEON_IMAGE_TOOLS_PUSH_GATEWAY names: (?!.*pa55)/,
        ),
      });
  });

  test.each(['gateway:9099', 'ftp://gateway', 'http://', 'http://gateway?x=1'])(
    'that is no URL is refused: %s',
    async (url) => {
      expect(await fake(['--push-gateway', url])).toMatchObject({
        code: 2,
        stderr: expect.stringContaining('--push-gateway: it is not an http or https URL'),
      });
      // A setting of the role must not keep images from being deployed.
      expect(await fake([], { CHAMELEON_IMAGE_TOOLS_PUSH_GATEWAY: url })).toMatchObject({
        code: 0,
        stderr: expect.stringContaining('warning: the metrics cannot be pushed'),
      });
    },
  );
});
