// What a check finds on the host that it runs on, and of the certificates of the servers.
import { once } from 'node:events';
import { readdirSync, symlinkSync } from 'node:fs';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { selfSigned } from '../clients/self-signed.js';
import { temporaryFolder } from '../clients/temporary-folder.js';
import { now, startCheckSite, type CheckSite } from './check-site.js';

let site: CheckSite;

beforeEach(async () => {
  site = await startCheckSite();
});

afterEach(() => site.close());

describe('this host', () => {
  test.each([
    [90, 'warning', undefined],
    [-4000, 'failed', ['clean']],
  ])('%d seconds from the clock of the cloud', async (ahead, result, fails) => {
    const [fault] = await site.faultsOf({}, { now: new Date(now.getTime() + ahead * 1000) });

    expect(fault).toMatchObject({ check: 'clock', result, ...(fails ? { fails } : {}) });
  });

  test('without the folder of the lock, and with one that somebody else could replace', async () => {
    expect(await site.faultsOf({ lock_dir: '/nowhere' })).toMatchObject([
      { result: 'failed', check: 'lock folder', fails: ['deploy', 'clean', 'ipa_test'] },
    ]);
    const link = join(site.journal, 'link');
    symlinkSync('/etc/hostname/x', link);
    expect(await site.faultsOf({ journal_dir: join(link, 'x') })).toMatchObject([
      { result: 'warning', check: 'journal folder', fails: ['ipa_test'] },
    ]);
  });

  test('whose folder for the journal does not exist yet', async () => {
    const missing = join(site.journal, 'a/b');

    expect(await site.findingsOf({ journal_dir: missing })).toContainEqual(
      expect.objectContaining({
        check: 'journal folder',
        text: expect.stringContaining(`can be created in ${site.journal}`),
      }),
    );
    expect(readdirSync(site.journal)).toEqual([]);
  });
});

test.each([
  [23, 'failed', ['deploy', 'clean']],
  [25, 'warning', undefined],
])('a certificate of the store that ends in %d hours', async (hours, result, fails) => {
  const folder = temporaryFolder();
  const tls = https.createServer(selfSigned(folder), (request, response) => {
    const { origin } = new URL(site.store.url);
    const { range } = request.headers;
    const given = { method: request.method ?? 'GET', headers: range === undefined ? {} : { range } };
    void fetch(`${origin}${request.url}`, given).then(async (answer) => {
      response.writeHead(answer.status, { 'content-length': answer.headers.get('content-length') ?? 0 });
      response.end(Buffer.from(await answer.arrayBuffer()));
    });
  });
  tls.listen(0, '127.0.0.1');
  await once(tls, 'listening');
  const origin = `https://localhost:${(tls.address() as AddressInfo).port}`;
  // It is made for two days.
  const at = new Date(Date.now() + (48 - hours) * 3_600_000);
  const store = {
    object_store_url: site.store.objectStoreUrl.replace(/^http:..[^/]*/, origin),
    ca_cert: `${folder.path}/cert`,
  };

  const findings = await site.findingsOf(store, { now: at });

  expect(findings.filter(({ check }) => check === 'certificate')).toMatchObject([
    { subject: origin, result, advice: 'renew it', ...(fails ? { fails } : {}) },
  ]);
  expect(findings).toContainEqual(expect.objectContaining({ check: 'object', result: 'ok' }));
  const toClean = await site.findingsOf({ ...store, runs: ['clean'] }, { now: at });
  expect(toClean.filter(({ check }) => check === 'certificate')).toMatchObject([{ subject: origin, result }]);
  const tolerated = await site.findingsOf({ ...store, validate_certs: false }, { now: at });
  expect(tolerated.filter(({ check }) => check === 'certificate')).toMatchObject([{ result: 'warning' }]);
  tls.closeAllConnections();
  tls.close();
  folder.remove();
});
