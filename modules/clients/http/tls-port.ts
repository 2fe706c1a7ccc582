// Whether a port that does not answer plain HTTP speaks TLS: a server of TLS closes such a connection
// without a word, which otherwise looks like a broken network and would be repeated for minutes.
import { isIP } from 'node:net';
import { connect } from 'node:tls';
import { messageOf } from '../../core/errors.js';

const longestMs = 3000;

/** Begins a handshake and sends nothing else. False if the server does not begin one in time. */
export function speaksTls({ hostname, port }: URL): Promise<boolean> {
  const host = hostname.replace(/^\[|\]$/g, '');
  return new Promise((resolve) => {
    const socket = connect({
      host,
      port: Number(port || 80),
      // Nothing is sent or believed.
      rejectUnauthorized: false,
      ...(isIP(host) === 0 ? { servername: host } : {}),
    });
    const answer = (speaks: boolean): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(speaks);
    };
    const timer = setTimeout(() => answer(false), longestMs);
    socket.once('secureConnect', () => answer(true));
    socket.on('error', (error) => answer(/\balert\b/.test(messageOf(error))));
    socket.once('close', () => answer(false));
  });
}
