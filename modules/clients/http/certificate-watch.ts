// Tells the certificates of the servers that a client connects to.
import type https from 'node:https';
import type { Duplex } from 'node:stream';
import { TLSSocket, type ConnectionOptions } from 'node:tls';

/** The certificate of a server. */
export interface SeenCertificate {
  /** Scheme, host and port of the server. */
  readonly origin: string;
  readonly validTo: Date;
  /** Whether the client refuses one that has expired. */
  readonly isValidated: boolean;
}

export type OnCertificate = (seen: SeenCertificate) => void;

type Created = (error: Error | null, socket?: Duplex) => void;
type CreateConnection = (options: ConnectionOptions, created?: Created) => Duplex | undefined;

/**
 * The same agent, which tells the certificate of a connection once it is established. One that
 * resumes an earlier session has none of its own. `isValidated`: whether the agent refuses one that
 * has expired.
 */
export function watchCertificates(agent: https.Agent, onCertificate: OnCertificate, isValidated: boolean): https.Agent {
  const create = (agent as unknown as { createConnection: CreateConnection }).createConnection.bind(agent);
  const createConnection: CreateConnection = (options, created) => {
    const watch = (socket: Duplex | undefined): void => {
      if (!(socket instanceof TLSSocket)) return;
      socket.once('secureConnect', () => {
        const { valid_to: end } = socket.getPeerCertificate();
        const validTo = new Date(end ?? '');
        if (!Number.isNaN(validTo.getTime())) onCertificate({ origin: originOf(options), validTo, isValidated });
      });
    };
    // Through a proxy the socket comes later.
    const socket = create(options, (error, made) => {
      watch(made);
      created?.(error, made);
    });
    watch(socket);
    return socket;
  };
  return Object.assign(agent, { createConnection });
}

function originOf({ host = '', port }: ConnectionOptions): string {
  return new URL(`https://${host.includes(':') ? `[${host}]` : host}:${port ?? 443}`).origin;
}
