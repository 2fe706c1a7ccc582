// node-fetch with its agents. Loaded at the first request, so that a module which refuses its arguments does not pay for it.
import type { Agent } from 'node:http';
import http from 'node:http';
import https from 'node:https';
import { createSecureContext, rootCertificates, type SecureVersion } from 'node:tls';
import { HttpProxyAgent } from 'http-proxy-agent';
import { HttpsProxyAgent } from 'https-proxy-agent';
// node-fetch loads this file by a dynamic import, which ncc would put into a second output file; a static import keeps it in one.
// @ts-expect-error the file has no types
import { toFormData } from 'node-fetch/src/utils/multipart-parser.js';
import { getProxyForUrl } from 'proxy-from-env';

export { default as fetch } from 'node-fetch';

// Checked rather than exported: ncc drops an export that nobody imports, and the binding with it.
if (typeof toFormData !== 'function') throw new TypeError('node-fetch no longer has its multipart parser where it was');

export interface TlsSettings {
  readonly rejectUnauthorized: boolean;
  /** PEM of the CAs to trust beside the public ones. */
  readonly ca?: Buffer;
  /** The oldest version of TLS that is spoken; Node.js's own default unless given. */
  readonly minVersion?: SecureVersion;
}

type AgentOptions = Pick<https.AgentOptions, 'rejectUnauthorized' | 'secureContext'>;

/** One agent for each protocol and proxy. */
export function createAgents({ rejectUnauthorized, ca, minVersion }: TlsSettings): (url: URL) => Agent {
  const agents = new Map<string, Agent>();
  // Made once: reading the public CAs again for each connection would take longer than its handshake.
  const wishes = { ...(ca ? { ca: [...rootCertificates, ca] } : {}), ...(minVersion ? { minVersion } : {}) };
  const tls = { rejectUnauthorized, ...(ca || minVersion ? { secureContext: createSecureContext(wishes) } : {}) };
  return (url) => {
    const proxy = getProxyForUrl(url.href);
    const key = `${url.protocol}${proxy}`;
    const agent = agents.get(key) ?? createAgent(url.protocol, proxy, tls);
    agents.set(key, agent);
    return agent;
  };
}

function createAgent(protocol: string, proxy: string, tls: AgentOptions): Agent {
  // Connections are not kept: a run makes few requests, and a reused one may be closed under a request that cannot be repeated.
  if (proxy === '') return protocol === 'https:' ? new https.Agent({ keepAlive: false, ...tls }) : new http.Agent({ keepAlive: false });
  if (protocol !== 'https:') return new HttpProxyAgent(proxy);
  // https-proxy-agent 7 heeds its options towards the proxy only; for the server behind it they must stand here.
  const agent = new HttpsProxyAgent(proxy, tls);
  return Object.assign(agent, { options: { ...agent.options, ...tls } });
}
