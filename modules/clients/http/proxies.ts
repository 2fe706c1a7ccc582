// Which proxy a URL goes through, by the environment, as Python's requests reads it (requests/utils.py should_bypass_proxies and
// select_proxy, urllib/request.py getproxies_environment). Pure: the environment is an argument.
import { BlockList, isIPv4, isIPv6 } from 'node:net';
import { OperationError } from '../../core/errors.js';
import type { Environment } from '../../core/operation.js';
import { percentDecoded } from '../../core/urls.js';

export interface Proxy {
  /** Without a login. */
  readonly url: URL;
  /** What the proxy is sent as its login, if any. */
  readonly authorization?: string;
  /** For messages: its URL, and the variable that names it. */
  readonly shown: string;
}

/** The proxy for a URL; undefined where it is asked directly. Throws PROXY_UNUSABLE for one that is not an HTTP proxy. */
export function proxyFor(url: URL, environment: Environment): Proxy | undefined {
  const variable = proxyVariable(url.protocol.replace(':', ''), environment);
  return variable === undefined || isDirect(url, noProxyOf(environment)) ? undefined : parseProxy(variable);
}

interface Variable {
  readonly name: string;
  readonly value: string;
}

/** `https_proxy` before `all_proxy`; lower case before upper case, and empty in lower case means none. */
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
  // requests takes what has no scheme for an HTTP proxy.
  const whole = text.includes('://') ? text : `http://${text.replace(/^\/\//, '')}`;
  const refuse = (why: string): OperationError =>
    new OperationError(
      'PROXY_UNUSABLE',
      `${name} ${why}; give it as http://host:port, or name the hosts that need no proxy in no_proxy`,
      { variable: name },
    );
  if (!URL.canParse(whole)) throw refuse('is not the URL of a proxy');
  const url = new URL(whole);
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw refuse(`names a proxy of the kind ${url.protocol.replace(':', '')}, which is not supported`);
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
 * Whether no_proxy has the host of a URL. Beyond requests, as curl or Go have it: IPv6 networks and addresses in brackets, ports of addresses,
 * `*` among others, `*.suffix`, blanks between entries. Unlike requests, `ample.com` does not mean `example.com`: only whole labels count.
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

/** All four numbers of an address that inet_aton understands. */
function wholeIPv4(address: string): string | undefined {
  if (!/^[\da-fx.]+$/.test(address) || !URL.canParse(`http://${address}/`)) return undefined;
  const { hostname } = new URL(`http://${address}/`);
  return isIPv4(hostname) ? hostname : undefined;
}
