// A file behind http or https.
import { download, lengthOf, refusesHead, type Downloaded, type DownloadOptions } from '../../clients/download/download.js';
import type { HttpAnswer } from '../../clients/http/client.js';
import { withoutCredentials } from '../../clients/http/errors.js';
import { isSameFile, type Copy, type Remote } from '../../policy/freshness.js';
import { parseHttpDate } from '../../core/http-dates.js';
import type { Run } from './run.js';
import { optionsOf, sourceChanged, type Received, type Source } from './source.js';

const plain = { 'Accept-Encoding': 'identity' };

/** A file behind HTTP. */
export function httpSource(url: string, run: Run): Source {
  const shown = withoutCredentials(url);
  const look = async (copy?: Copy): Promise<Remote> => {
    try {
      const answer = await run.http({ method: 'HEAD', url, headers: plain, expect: [200] });
      answer.body.destroy();
      // Servers that make their answers up say 0 to HEAD.
      return remoteFrom(shown, answer, lengthOf(answer) || undefined);
    } catch (error) {
      if (!refusesHead(error)) throw error;
      return probe(url, copy, run);
    }
  };
  return {
    shown,
    fileName: fileNameOf(url),
    look,
    receive: async (receiving) => {
      const open: DownloadOptions['open'] = (headers, expect) => run.http({ method: 'GET', url, headers: { ...plain, ...headers }, expect, repeatable: false });
      const assertExpected: DownloadOptions['assertExpected'] = ({ etag, lastModified, bytes }) => {
        if (!isSameFile({ etag, modifiedMs: parseHttpDate(lastModified), bytes }, receiving.remote)) throw sourceChanged(shown);
      };
      const received = receivedFrom(await download({ ...optionsOf(receiving, run), source: shown, url, open, assertExpected }));
      // Without a checksum only the server can tell that nobody wrote to the file while it was read.
      if (!receiving.isChecked && !isSameFile(await look(), received)) throw sourceChanged(shown);
      return received;
    },
  };
}

function fileNameOf(url: string): string {
  const { pathname } = new URL(url);
  const name = pathname.slice(pathname.lastIndexOf('/') + 1);
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

/** Asks for one byte where HEAD is refused, and only if the file is another than the copy. */
async function probe(url: string, copy: Copy | undefined, run: Run): Promise<Remote> {
  const condition = copy ? conditionFor(copy, run) : {};
  const answer = await run.http({ method: 'GET', url, headers: { ...plain, Range: 'bytes=0-0', ...condition }, expect: [200, 206, 304, 416] });
  answer.body.destroy();
  const source = withoutCredentials(url);
  if (answer.status === 304 && copy) return { source, modifiedMs: copy.modifiedMs, etag: answer.header('etag') ?? copy.etag, noStore: forbidsKeeping(answer) };
  const [, total] = /\/(\d+)$/.exec(answer.header('content-range') ?? '') ?? [];
  return remoteFrom(source, answer, answer.status === 200 ? lengthOf(answer) : total === undefined ? undefined : Number(total));
}

/** A server that answers "not modified since" to an older file hides that it was rolled back, which `strict` wants to know. */
function conditionFor({ etag, modifiedMs }: Copy, { args }: Run): Readonly<Record<string, string>> {
  if (args.freshness === 'last_modified') return { 'If-Modified-Since': new Date(modifiedMs).toUTCString() };
  return etag === undefined ? {} : { 'If-None-Match': etag };
}

function remoteFrom(source: string, answer: HttpAnswer, bytes: number | undefined): Remote {
  return { source, modifiedMs: parseHttpDate(answer.header('last-modified')), etag: answer.header('etag'), bytes, noStore: forbidsKeeping(answer) };
}

function forbidsKeeping(answer: HttpAnswer): boolean {
  return answer.header('cache-control')?.toLowerCase().includes('no-store') === true;
}

function receivedFrom({ bytes, etag, lastModified }: Downloaded): Received {
  return { bytes, etag, modifiedMs: parseHttpDate(lastModified) };
}
