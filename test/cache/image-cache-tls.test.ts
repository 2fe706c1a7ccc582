// https: certificates, versions, and what a redirect may not do.
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { selfSigned } from '../clients/self-signed.js';
import { temporaryFolder, type TemporaryFolder } from '../clients/temporary-folder.js';
import { startFileServer, type FileServer } from '../sandbox/file-server.js';
import { may, startCacheSite, type CacheSite } from './cache-site.js';

let folder: TemporaryFolder;
let secure: FileServer;
let old: FileServer;
let site: CacheSite;

beforeAll(async () => {
  folder = temporaryFolder();
  const { key, cert } = selfSigned(folder, 'IP:127.0.0.1,DNS:localhost');
  secure = await startFileServer({ key, cert });
  old = await startFileServer({ key, cert, maxVersion: 'TLSv1.2' });
  site = await startCacheSite();
});

beforeEach(() => {
  for (const server of [secure, old]) server.serve('/file', 'over TLS', { lastModified: may });
});

afterAll(async () => {
  await Promise.all([secure.close(), old.close(), site.close()]);
  folder.remove();
});

const trusted = (): Record<string, unknown> => ({ ca_cert: `${folder.path}/cert`, force: true });

test('a certificate of a given CA is accepted', async () => {
  expect(await site.cache(trusted(), { url: `${secure.url}/file` })).toMatchObject({ action: 'fetch' });
});

test('one of an unknown CA is refused, unless certificates are not checked', async () => {
  expect(await site.cache({}, { url: `${secure.url}/file` })).toMatchObject({
    action: 'failed',
    detail: expect.stringContaining('name its CA with ca_cert'),
  });
  expect(await site.cache({ validate_certs: false, force: true }, { url: `${secure.url}/file` })).toMatchObject({
    action: 'fetch',
  });
});

test.each([{ ca: true }, { ca: false }])('TLS 1.2 is used, unless 1.3 is the minimum (%j)', async ({ ca }) => {
  const args = ca ? trusted() : { validate_certs: false, force: true };

  expect(await site.cache(args, { url: `${old.url}/file` })).toMatchObject({ action: 'fetch' });
  expect(await site.cache({ ...args, tls_minimum_version: '1.3' }, { url: `${old.url}/file` })).toMatchObject({
    action: 'failed',
  });
  expect(await site.cache({ ...args, tls_minimum_version: '1.3' }, { url: `${secure.url}/file` })).toMatchObject({
    action: 'fetch',
  });
});

test('redirects from https to http are refused, and from http to https followed', async () => {
  site.serve('/plain', 'in the clear', { lastModified: may });
  secure.serve('/down', '', { headStatus: 302, getStatus: 302, headers: { Location: `${site.url}/plain` } });
  site.serve('/up', '', { headStatus: 302, getStatus: 302, headers: { Location: `${secure.url}/file` } });

  expect(await site.cache(trusted(), { url: `${secure.url}/down` })).toMatchObject({
    action: 'failed',
    detail: expect.stringContaining('from https to http'),
  });
  expect(site.seen()).not.toContain('GET /plain');
  expect(await site.cache(trusted(), { url: `${site.url}/up` })).toMatchObject({ action: 'fetch' });
});
