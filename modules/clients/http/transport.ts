// node-fetch with its agents. Loaded at the first request, so that a module which refuses its
// arguments starts faster.
import http from 'node:http';
import https from 'node:https';
import { createSecureContext, type SecureVersion } from 'node:tls';
import { HttpProxyAgent } from 'http-proxy-agent';
// node-fetch loads this file by a dynamic import, which ncc would put in a second output file; a
// static import keeps it in one.
// @ts-expect-error the file has no types
import { toFormData } from 'node-fetch/src/utils/multipart-parser.js';
import { InputError, messageOf } from '../../core/errors.js';
import { watchCertificates, type OnCertificate } from './certificate-watch.js';
import { proxyFor, type Proxy } from './proxies.js';
import type { Environment } from '../../core/operation.js';
import { trustedCas } from './trust.js';
import { speaksTls } from './tls-port.js';
import { tunnelAgent, type TlsOptions } from './tunnel.js';

export { default as fetch } from 'node-fetch';

// Used in a check, since ncc drops an unused import.
if (typeof toFormData !== 'function') throw new TypeError('node-fetch no longer has its multipart parser where it was');

export interface RouteSettings {
  readonly rejectUnauthorized: boolean;
  /** PEM of CAs to trust in addition to those of Node.js and the system. */
  readonly ca?: string;
  /** PEM of the client certificate, and of its key. */
  readonly cert?: string;
  readonly key?: string;
  /** The oldest version of TLS to use; by default that of Node.js. */
  readonly minVersion?: SecureVersion;
  readonly environment: Environment;
  /** How long to wait for a proxy to connect. */
  readonly timeoutSeconds: number;
  readonly onCertificate?: OnCertificate;
}

/** How a URL is reached. */
export interface Route {
  readonly agent: http.Agent;
  readonly proxy: Proxy | undefined;
}

/** One agent for each protocol and proxy, and one that keeps connections. The result throws PROXY_UNUSABLE. */
export function createRoutes(settings: RouteSettings): (url: URL, keepAlive: boolean) => Route {
  const agents = new Map<string, http.Agent>();
  let tls: TlsOptions | undefined;
  // Created once, for the first URL that needs it: reading the CAs for each connection would take
  // longer than its handshake.
  const tlsOptions = (): TlsOptions => (tls ??= tlsOptionsFor(settings));
  return (url, keepAlive) => {
    const proxy = proxyFor(url, settings.environment);
    const key = [url.protocol, keepAlive, proxy?.url.href, proxy?.authorization].join(' ');
    const agent = agents.get(key) ?? createAgent(url.protocol, proxy, { ...settings, tlsOptions, keepAlive });
    agents.set(key, agent);
    return { agent, proxy };
  };
}

/** Asks each origin once whether it speaks TLS. */
export function askForTls(): (url: URL) => Promise<boolean> {
  const answers = new Map<string, Promise<boolean>>();
  return (url) => {
    const answer = answers.get(url.origin) ?? speaksTls(url);
    answers.set(url.origin, answer);
    return answer;
  };
}

function tlsOptionsFor({ rejectUnauthorized, ca, cert, key, minVersion, environment }: RouteSettings): TlsOptions {
  const trusted = rejectUnauthorized ? { ca: trustedCas(environment, ca === undefined ? [] : [ca]) } : {};
  try {
    return {
      rejectUnauthorized,
      secureContext: createSecureContext({
        ...trusted,
        ...(cert ? { cert, key } : {}),
        ...(minVersion ? { minVersion } : {}),
      }),
    };
  } catch (error) {
    if (!cert) throw error;
    throw new InputError(
      `cert: the client certificate and its key cannot be used (${messageOf(error)}): ` +
        'both must be PEM, and the key without a password',
      'cert',
    );
  }
}

function createAgent(
  protocol: string,
  proxy: Proxy | undefined,
  {
    tlsOptions,
    timeoutSeconds,
    keepAlive,
    onCertificate,
  }: Pick<RouteSettings, 'timeoutSeconds' | 'onCertificate'> & { tlsOptions: () => TlsOptions; keepAlive: boolean },
): http.Agent {
  const watched = (agent: https.Agent): https.Agent =>
    onCertificate ? watchCertificates(agent, onCertificate, tlsOptions().rejectUnauthorized !== false) : agent;
  // Most connections are not kept alive: a run sends few requests, and a reused one may be closed
  // during a request that cannot be repeated.
  if (proxy === undefined)
    return protocol === 'https:'
      ? watched(new https.Agent({ keepAlive, ...tlsOptions() }))
      : new http.Agent({ keepAlive });
  if (protocol === 'https:') return watched(tunnelAgent(proxy, tlsOptions(), { timeoutSeconds, keepAlive }));
  const headers: http.OutgoingHttpHeaders = proxy.authorization ? { 'Proxy-Authorization': proxy.authorization } : {};
  return new HttpProxyAgent(proxy.url, {
    keepAlive,
    headers,
    ...(proxy.url.protocol === 'https:' ? tlsOptions() : {}),
  });
}
