// A file behind http or https, and what is sent to its host.
import { download, type Downloaded, type DownloadOptions } from '../clients/download/download.js';
import { probeUrl, type Probe } from '../clients/http/probe.js';
import { InputError } from '../core/errors.js';
import { parseHttpDate } from '../core/http-dates.js';
import { percentDecoded, withoutCredentials } from '../core/urls.js';
import { conditionFor, isSameFile, type Copy, type Remote } from './policy/freshness.js';
import type { CacheArguments, CacheRun } from './run.js';
import { downloadOptions, sourceChanged, type CacheSource, type Received } from './source.js';

const plain = { 'Accept-Encoding': 'identity' };

export function httpSource(url: string, run: CacheRun): CacheSource {
  const shown = withoutCredentials(url);
  const look = async (copy?: Copy): Promise<Remote> => {
    const probe = await probeUrl(run.http, url, { conditions: copy ? conditionFor(copy, run.args.freshness) : {} });
    const isUnchanged = probe.status === 304 && copy !== undefined;
    if (isUnchanged)
      return {
        source: shown,
        modifiedMs: copy.modifiedMs,
        etag: probe.header('etag') ?? copy.etag,
        noStore: forbidsCaching(probe),
      };
    return {
      source: shown,
      modifiedMs: parseHttpDate(probe.header('last-modified')),
      etag: probe.header('etag'),
      bytes: probe.bytes,
      noStore: forbidsCaching(probe),
    };
  };
  return {
    shown,
    fileName: fileNameOf(url),
    look,
    receive: async (options) => {
      const open: DownloadOptions['open'] = (headers, expect) =>
        run.http({ method: 'GET', url, headers: { ...plain, ...headers }, expect, repeatable: false });
      const assertExpected: DownloadOptions['assertExpected'] = ({ etag, lastModified, bytes }) => {
        // A checksum proves more than validators and lengths, which differ from one answer to the
        // next on some servers.
        if (!options.isChecked && !isSameFile({ etag, modifiedMs: parseHttpDate(lastModified), bytes }, options.remote))
          throw sourceChanged(shown);
      };
      const received = receivedFrom(
        await download({ ...downloadOptions(options, run), source: shown, url, open, assertExpected }),
      );
      // Without a checksum only the server can show that nobody wrote to the file while it was
      // read.
      if (!options.isChecked && !isSameFile(await look(), received)) throw sourceChanged(shown);
      return received;
    },
  };
}

function fileNameOf(url: string): string {
  const { pathname } = new URL(url);
  return percentDecoded(pathname.slice(pathname.lastIndexOf('/') + 1));
}

function forbidsCaching({ header }: Probe): boolean {
  return header('cache-control')?.toLowerCase().includes('no-store') === true;
}

function receivedFrom({ bytes, etag, lastModified, isSpliced }: Downloaded): Received {
  return { bytes, etag, modifiedMs: parseHttpDate(lastModified), isSpliced };
}

type HostArguments = NonNullable<CacheArguments['hosts']>[number];

/**
 * The headers for a URL: those of its host, and of no other. Throws INVALID_INPUT for a password
 * without a user name, or an impossible host.
 */
export function headersForHosts(hosts: readonly HostArguments[]): (url: URL) => Readonly<Record<string, string>> {
  const known = hosts.map((host, index) => ({
    matches: matcherFor(host.host, `hosts[${index}].host`),
    headers: headersOf(host, `hosts[${index}]`),
  }));
  return (url) =>
    Object.fromEntries(known.filter(({ matches }) => matches(url)).flatMap(({ headers }) => Object.entries(headers)));
}

function matcherFor(host: string, field: string): (url: URL) => boolean {
  if (!URL.canParse(`http://${host}`) || /[/?#@\s]/.test(host))
    throw new InputError(
      `${field}: ${JSON.stringify(host)} is not a host; give a name or address, optionally with :port`,
      field,
    );
  const { hostname, port } = new URL(`http://${host}`);
  // From the text, because URL omits the default port of http.
  const expected = /:(\d+)$/.exec(host)?.[1] ?? port;
  return (url) =>
    url.hostname === hostname && (expected === '' || expected === (url.port || defaultPorts[url.protocol]));
}

const defaultPorts: Readonly<Record<string, string>> = { 'http:': '80', 'https:': '443' };

function headersOf({ username, password, headers = {} }: HostArguments, field: string): Record<string, string> {
  if ((username === undefined) !== (password === undefined))
    throw new InputError(`${field}: username and password must be given together`, field);
  if (username === undefined) return { ...headers };
  return { Authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`, ...headers };
}
