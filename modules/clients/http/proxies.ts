// Which proxy is used for a URL, from the environment as Python's requests reads it
// (requests/utils.py should_bypass_proxies and select_proxy, urllib/request.py
// getproxies_environment). Pure: the environment is an argument.
import { BlockList, isIPv4, isIPv6 } from 'node:net';
import { OperationError } from '../../core/errors.js';
import type { Environment } from '../../core/operation.js';
import { percentDecoded } from '../../core/urls.js';

export interface Proxy {
  /** Without a login. */
  readonly url: URL;
  /** The Proxy-Authorization header, if any. */
  readonly authorization?: string;
  /** For messages: its URL, and the variable that names it. */
  readonly shown: string;
}

/**
 * The proxy for a URL; undefined if the server is contacted directly. Throws PROXY_UNUSABLE for one
 * that is not an HTTP proxy.
 */
export function proxyFor(url: URL, environment: Environment): Proxy | undefined {
  const variable = proxyVariable(url.protocol.replace(':', ''), environment);
  return variable === undefined || isDirect(url, noProxyOf(environment)) ? undefined : parseProxy(variable);
}

interface Variable {
  readonly name: string;
  readonly value: string;
}

/**
 * `https_proxy` before `all_proxy`; lower case before upper case, and empty in lower case means
 * none.
 */
function proxyVariable(scheme: string, environment: Environment): Variable | undefined {
  return variableCalled(`${scheme}_proxy`, environment) ?? variableCalled('all_proxy', environment);
}

function variableCalled(name: string, environment: Environment): Variable | undefined {
  if (environment[name] !== undefined) return environment[name] ? { name, value: environment[name] } : undefined;
  const other = [name.toUpperCase(), ...Object.keys(environment)].find(
    (key) => key.toLowerCase() === name && environment[key],
  );
  return other === undefined ? undefined : { name: other, value: environment[other] ?? '' };
}

function noProxyOf(environment: Environment): string {
  return environment.no_proxy || (variableCalled('no_proxy', { ...environment, no_proxy: undefined })?.value ?? '');
}

function parseProxy({ name, value }: Variable): Proxy {
  const text = value.trim();
  // As for requests, a value without a scheme is an HTTP proxy.
  const whole = text.includes('://') ? text : `http://${text.replace(/^\/\//, '')}`;
  const refuse = (why: string): OperationError =>
    new OperationError(
      'PROXY_UNUSABLE',
      `${name} ${why}; give it as http://host:port, or list the hosts that need no proxy in no_proxy`,
      { variable: name },
    );
  if (!URL.canParse(whole)) throw refuse('is not the URL of a proxy');
  const url = new URL(whole);
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw refuse(`names a ${url.protocol.replace(':', '')} proxy, which is not supported`);
  const login = [url.username, url.password].map(percentDecoded).join(':');
  url.username = '';
  url.password = '';
  return {
    url,
    shown: `${url.origin} of ${name}`,
    ...(login === ':' ? {} : { authorization: `Basic ${Buffer.from(login).toString('base64')}` }),
  };
}

/**
 * Whether no_proxy contains the host of a URL. Supports more than requests, like curl or Go: IPv6
 * networks and addresses in brackets, ports of addresses, `*` among other entries, `*.suffix`,
 * blanks between entries. Unlike in requests, `ample.com` does not match `example.com`: only
 * complete labels count.
 */
function isDirect(url: URL, noProxy: string): boolean {
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1').toLowerCase();
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  return noProxy.split(/[\s,]+/).some((entry) => entry !== '' && matches(entry.toLowerCase(), host, port));
}

function matches(entry: string, host: string, port: string): boolean {
  if (entry === '*') return true;
  if (entry.includes('/')) return isInNetwork(host, entry);
  const [name, entryPort] = splitPort(entry);
  if (entryPort !== undefined && entryPort !== port) return false;
  if (isIPv6(host)) return isIPv6(name) && canonical(name) === host;
  const suffix = name.replace(/^\*?\.+/, '');
  return suffix !== '' && (host === suffix || host.endsWith(`.${suffix}`));
}

function splitPort(entry: string): [name: string, port: string | undefined] {
  if (isIPv6(entry)) return [entry, undefined];
  const [, bracketed, bracketedPort] = /^\[(.*)\](?::(\d+))?$/.exec(entry) ?? [];
  if (bracketed !== undefined) return [bracketed, bracketedPort];
  const [, name = entry, port] = /^(.*):(\d+)$/.exec(entry) ?? [];
  return [name, port];
}

function canonical(address: string): string {
  return new URL(`http://[${address.replace(/%.*$/, '')}]/`).hostname.slice(1, -1);
}

function isInNetwork(host: string, entry: string): boolean {
  const [, address = '', bits = ''] = /^\[?([^/\]]+)\]?\/(\d{1,3})$/.exec(entry) ?? [];
  const [family, longest] = isIPv6(address) ? (['ipv6', 128] as const) : (['ipv4', 32] as const);
  const network = family === 'ipv6' ? address : wholeIPv4(address);
  if (network === undefined || Number(bits) < 1 || Number(bits) > longest) return false;
  if (!(family === 'ipv6' ? isIPv6(host) : isIPv4(host))) return false;
  const list = new BlockList();
  list.addSubnet(network, Number(bits), family);
  return list.check(host, family);
}

/** The four numbers of an address that inet_aton accepts. */
function wholeIPv4(address: string): string | undefined {
  if (!/^[\da-fx.]+$/.test(address) || !URL.canParse(`http://${address}/`)) return undefined;
  const { hostname } = new URL(`http://${address}/`);
  return isIPv4(hostname) ? hostname : undefined;
}
