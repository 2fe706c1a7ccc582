// Checksum files of image lists that their publisher has signed.
import { writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, expect, jest, test } from '@jest/globals';
import { openSigningHome, type SigningHome } from '../clients/signing.js';
import { hashOf, startListSite, type ListTestSite } from './list-site.js';
import { disk } from './objects-site.js';
import { listedResults } from './rollback-site.js';

jest.setTimeout(60_000);

const publisher = 'Publisher <images@publisher>';
const content = disk('first');
const sums = (data = content): string => `${hashOf(data)}  debian.qcow2\n`;

let keys: SigningHome;
let keyring: string;
let site: ListTestSite;

beforeAll(() => {
  keys = openSigningHome();
  keys.makeKey(publisher);
  keyring = keys.keyring('publisher.asc', [publisher], 'armored');
});

afterAll(() => keys.close());

beforeEach(async () => {
  site = await startListSite();
  site.web.serve('/debian.qcow2', content);
});

afterEach(() => site.close());

function list(more: Readonly<Record<string, unknown>> = {}): void {
  const url = `${site.web.url}/debian.qcow2`;
  const signed = { checksum: `${site.web.url}/SHA256SUMS`, signature: `${site.web.url}/SHA256SUMS.sign`, keyring };
  site.write('a.yml', [{ name: 'Debian 12', url, ...signed, ...more }]);
}

const served = (path: string): number => site.web.seen().filter((seen) => seen === `GET ${path}`).length;

test('with a good signature is deployed once, each file read once in a run', async () => {
  site.web.serve('/SHA256SUMS', sums());
  site.web.serve('/SHA256SUMS.sign', keys.sign(sums(), [publisher]));
  list();

  const first = await site.deploy();
  const second = await site.deploy();

  expect(first).toMatchObject({ changed: true, failures: [] });
  expect(second).toMatchObject({ changed: false, failures: [] });
  expect([served('/SHA256SUMS'), served('/SHA256SUMS.sign')]).toEqual([2, 2]);
});

test('that is signed in place counts only as far as it is signed', async () => {
  const signed = keys.clearsign(sums(), [publisher]);
  const forged = disk('forged');
  site.web.serve('/CHECKSUM', Buffer.concat([Buffer.from(sums(forged)), signed]));
  const both = { checksum: `${site.web.url}/CHECKSUM`, signature: `${site.web.url}/CHECKSUM` };
  list(both);

  expect(listedResults(await site.deploy())).toMatchObject([
    { action: 'deploy', release: `sha256-${hashOf(content).slice(0, 16)}` },
  ]);
});

test.each<[string, () => Buffer | string, RegExp]>([
  [
    'of another file',
    () => keys.sign(sums(disk('x')), [publisher]),
    /Debian 12: the signature \S+SHA256SUMS.sign is not valid/,
  ],
  ['of a page that says 404', () => '<html>not found</html>', /is not valid: it contains no signature/],
])('with a signature %s leaves the image of the site alone', async (_, signature, reason) => {
  site.web.serve('/SHA256SUMS', sums());
  site.web.serve('/SHA256SUMS.sign', keys.sign(sums(), [publisher]));
  list();
  await site.deploy();
  const [before, writes] = [site.production('Debian 12'), site.writes()];

  const next = disk('second');
  site.web.serve('/debian.qcow2', next);
  site.web.serve('/SHA256SUMS', sums(next));
  site.web.serve('/SHA256SUMS.sign', Buffer.from(signature()));
  const refused = await site.deploy();

  expect(refused.failures.join()).toMatch(reason);
  expect(site.production('Debian 12')).toEqual(before);
  expect(site.writes()).toEqual(writes);
});

test.each([
  ['version', { version: '20261110' }],
  ['digest', {}],
])('without its signature is refused where the %s tells the release', async (_, more) => {
  site.web.serve('/SHA256SUMS', sums());
  list(more);

  expect((await site.deploy()).failures.join()).toMatch(/SHA256SUMS.sign answered 404/);
  expect(site.writes()).toEqual([]);
});

test('without its keyring is refused, and the path is named', async () => {
  site.web.serve('/SHA256SUMS', sums());
  site.web.serve('/SHA256SUMS.sign', keys.sign(sums(), [publisher]));
  list({ keyring: '/nonexistent/keys.gpg' });

  expect((await site.deploy()).failures.join()).toContain(
    'the keyring cannot be used: /nonexistent/keys.gpg cannot be read: there is no such file',
  );
});

test('has a keyring that may be in the home directory', async () => {
  site.web.serve('/SHA256SUMS', sums());
  site.web.serve('/SHA256SUMS.sign', keys.sign(sums(), [publisher]));
  list({ keyring: `~/${relative(homedir(), keyring)}` });

  expect(await site.deploy()).toMatchObject({ changed: true, failures: [] });
});

test('may be on this host, with its signature', async () => {
  const url = (name: string, data: string | Buffer): string => {
    writeFileSync(join(keys.path, name), data);
    return pathToFileURL(join(keys.path, name)).href;
  };
  list({ checksum: url('SHA256SUMS', sums()), signature: url('SUMS 1.sig', keys.sign(sums(), [publisher])) });

  expect(await site.deploy()).toMatchObject({ changed: true, failures: [] });
});
