// What each host is sent besides: its own login and headers, and those of no other.
import { InputError } from '../core/errors.js';
import type { CacheArguments } from './run.js';

type HostArguments = NonNullable<CacheArguments['hosts']>[number];

/** The headers for a URL. Throws INVALID_INPUT for a password without a user, or a name that no host can have. */
export function headersForHosts(hosts: readonly HostArguments[]): (url: URL) => Readonly<Record<string, string>> {
  const known = hosts.map((host, index) => ({
    matches: matcherFor(host.host, `hosts[${index}].host`),
    headers: headersOf(host, `hosts[${index}]`),
  }));
  return (url) =>
    Object.assign({}, ...known.filter(({ matches }) => matches(url)).map(({ headers }) => headers)) as Record<
      string,
      string
    >;
}

function matcherFor(host: string, field: string): (url: URL) => boolean {
  if (!URL.canParse(`http://${host}`) || /[/?#@\s]/.test(host))
    throw new InputError(
      `${field}: ${JSON.stringify(host)} is not allowed; it must be a name or address, with or without :port`,
      field,
    );
  const { hostname, port } = new URL(`http://${host}`);
  // The port stands in the text even where it is that of http, which URL leaves out.
  const wanted = /:(\d+)$/.exec(host)?.[1] ?? port;
  return (url) => url.hostname === hostname && (wanted === '' || wanted === (url.port || defaultPorts[url.protocol]));
}

const defaultPorts: Readonly<Record<string, string>> = { 'http:': '80', 'https:': '443' };

function headersOf({ username, password, headers = {} }: HostArguments, field: string): Record<string, string> {
  if ((username === undefined) !== (password === undefined))
    throw new InputError(`${field}: username and password belong together`, field);
  if (username === undefined) return { ...headers };
  return { Authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`, ...headers };
}
