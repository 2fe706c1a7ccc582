// An agent for https behind a proxy: CONNECT, then TLS to the server. Replaces https-proxy-agent,
// where a proxy that hangs up can end the process, and a proxy's answer to CONNECT is returned as
// the server's own (https://github.com/nodejs/undici/issues/4736 is similar).
import http from 'node:http';
import https from 'node:https';
import type { Duplex } from 'node:stream';
import tls from 'node:tls';
import { proxyFaultPrefix, refusedConnectPrefix } from './errors.js';
import type { Proxy } from './proxies.js';

export type TlsOptions = Pick<https.AgentOptions, 'rejectUnauthorized' | 'secureContext'>;

export function tunnelAgent(
  proxy: Proxy,
  tlsOptions: TlsOptions,
  { timeoutSeconds, keepAlive }: { readonly timeoutSeconds: number; readonly keepAlive: boolean },
): https.Agent {
  const agent = new https.Agent({ keepAlive, ...tlsOptions });
  const createConnection = (
    options: tls.ConnectionOptions,
    created: (error: unknown, socket?: Duplex) => void,
  ): void => {
    const target = `${options.host?.includes(':') ? `[${options.host}]` : options.host}:${options.port}`;
    openTunnel(target, { proxy, tlsOptions, timeoutSeconds }).then(
      (socket) => created(null, tls.connect({ ...options, socket })),
      (error: unknown) => created(error),
    );
  };
  return Object.assign(agent, { createConnection });
}

function openTunnel(
  target: string,
  { proxy, tlsOptions, timeoutSeconds }: { proxy: Proxy; tlsOptions: TlsOptions; timeoutSeconds: number },
): Promise<Duplex> {
  const { url, authorization } = proxy;
  const isSecure = url.protocol === 'https:';
  return new Promise((resolve, reject) => {
    const request = (isSecure ? https : http).request({
      method: 'CONNECT',
      host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
      port: url.port || (isSecure ? 443 : 80),
      path: target,
      headers: { Host: target, ...(authorization ? { 'Proxy-Authorization': authorization } : {}) },
      agent: false,
      timeout: timeoutSeconds * 1000,
      ...(isSecure ? tlsOptions : {}),
    });
    const timer = setTimeout(
      () => request.destroy(faultOf('ETIMEDOUT', `no answer to CONNECT within ${timeoutSeconds} s`)),
      timeoutSeconds * 1000,
    );
    request.once('close', () => clearTimeout(timer));
    request.on('error', (error: NodeJS.ErrnoException) => reject(faultOf(error.code ?? '', error.message)));
    request.once('connect', ({ statusCode = 0 }, socket, first) => {
      clearTimeout(timer);
      socket.on('error', () => undefined);
      if (statusCode < 200 || statusCode > 299) {
        socket.destroy();
        return reject(
          Object.assign(new Error(`CONNECT was answered with ${statusCode}`), {
            code: `${refusedConnectPrefix}${statusCode}`,
          }),
        );
      }
      if (first.length > 0) socket.unshift(first);
      resolve(socket);
    });
    request.end();
  });
}

function faultOf(code: string, message: string): Error {
  const own = code.startsWith(proxyFaultPrefix) ? code : `${proxyFaultPrefix}${code}`;
  return Object.assign(new Error(message), { code: own });
}
