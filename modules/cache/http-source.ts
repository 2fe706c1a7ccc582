// A file behind http or https.
import { download, type Downloaded, type DownloadOptions } from '../clients/download/download.js';
import { withoutCredentials, percentDecoded } from '../core/urls.js';
import { probeUrl, type Probe } from '../clients/http/probe.js';
import { isSameFile, type Copy, type Remote } from './policy/freshness.js';
import { parseHttpDate } from '../core/http-dates.js';
import type { Run } from './run.js';
import { optionsOf, sourceChanged, type Received, type Source } from './source.js';

const plain = { 'Accept-Encoding': 'identity' };

/** A file behind HTTP. */
export function httpSource(url: string, run: Run): Source {
  const shown = withoutCredentials(url);
  const look = async (copy?: Copy): Promise<Remote> => {
    const probe = await probeUrl(run.http, url, { conditions: copy ? conditionFor(copy, run) : {} });
    const isUnchanged = probe.status === 304 && copy !== undefined;
    if (isUnchanged)
      return {
        source: shown,
        modifiedMs: copy.modifiedMs,
        etag: probe.header('etag') ?? copy.etag,
        noStore: forbidsKeeping(probe),
      };
    return {
      source: shown,
      modifiedMs: parseHttpDate(probe.header('last-modified')),
      etag: probe.header('etag'),
      bytes: probe.bytes,
      noStore: forbidsKeeping(probe),
    };
  };
  return {
    shown,
    fileName: fileNameOf(url),
    look,
    receive: async (receiving) => {
      const open: DownloadOptions['open'] = (headers, expect) =>
        run.http({ method: 'GET', url, headers: { ...plain, ...headers }, expect, repeatable: false });
      const assertExpected: DownloadOptions['assertExpected'] = ({ etag, lastModified, bytes }) => {
        // A checksum tells more than validators and lengths, which differ from one answer to the next on some servers.
        if (
          !receiving.isChecked &&
          !isSameFile({ etag, modifiedMs: parseHttpDate(lastModified), bytes }, receiving.remote)
        )
          throw sourceChanged(shown);
      };
      const received = receivedFrom(
        await download({ ...optionsOf(receiving, run), source: shown, url, open, assertExpected }),
      );
      // Without a checksum only the server can tell that nobody wrote to the file while it was read.
      if (!receiving.isChecked && !isSameFile(await look(), received)) throw sourceChanged(shown);
      return received;
    },
  };
}

function fileNameOf(url: string): string {
  const { pathname } = new URL(url);
  return percentDecoded(pathname.slice(pathname.lastIndexOf('/') + 1));
}

/** A server that answers "not modified since" to an older file hides that it was rolled back, which `strict` wants to know. */
function conditionFor({ etag, modifiedMs }: Copy, { args }: Run): Readonly<Record<string, string>> {
  if (args.freshness === 'last_modified') return { 'If-Modified-Since': new Date(modifiedMs).toUTCString() };
  return etag === undefined ? {} : { 'If-None-Match': etag };
}

function forbidsKeeping({ header }: Probe): boolean {
  return header('cache-control')?.toLowerCase().includes('no-store') === true;
}

function receivedFrom({ bytes, etag, lastModified, isSpliced }: Downloaded): Received {
  return { bytes, etag, modifiedMs: parseHttpDate(lastModified), isSpliced };
}
