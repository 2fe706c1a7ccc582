// A web server of files that does on demand what real ones do now and then: refuses HEAD, cuts off,
// lies, changes a file under the reader's hands.

import { once } from 'node:events';
import http from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import https from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { SecureVersion } from 'node:tls';
import { gzipSync } from 'node:zlib';

export interface ServedFile {
  body: Buffer;
  /** As it is sent; absent unless given. */
  lastModified?: string | undefined;
  etag?: string | undefined;
  headers?: Readonly<Record<string, string>>;
  /** What HEAD answers instead of 200. */
  headStatus?: number;
  /** What becomes of HEAD instead of an answer. */
  head?: 'reset' | 'hang';
  /** Headers of the answer to HEAD alone. */
  headHeaders?: Readonly<Record<string, string>>;
  /** What GET answers instead. */
  getStatus?: number;
  /** Cuts the connection after so many bytes of each answer. */
  cutAfter?: number | undefined;
  /** Neither ranges nor conditions are understood. */
  isSimple?: boolean;
  /**
   * How the end of a body is told: by Content-Length, by chunks, or only by the end of the
   * connection.
   */
  framing?: 'length' | 'chunked' | 'close';
  /** Compresses for whoever says that he takes it. */
  compresses?: boolean;
  /** The body of GET waits for this. */
  gate?: Promise<void>;
  /** Sends nothing more after so many bytes. */
  stallAfter?: number;
  /** Called before an answer is sent, after it was decided. */
  onRequest?: (method: string) => void;
}

export interface FileRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  status: number | undefined;
}

export interface FileServer {
  readonly url: string;
  readonly requests: FileRequest[];
  /** By path, such as `/kernel`. */
  readonly files: Map<string, ServedFile>;
  /** Puts a file there; its date and ETag are that of the call unless given. */
  serve(path: string, body: Buffer | string, more?: Omit<ServedFile, 'body'>): ServedFile;
  /** Such as `GET /kernel`, in the order in which they came. */
  seen(): string[];
  close(): Promise<void>;
}

export async function startFileServer(tls?: {
  readonly key: string;
  readonly cert: string;
  readonly maxVersion?: SecureVersion;
}): Promise<FileServer> {
  const files = new Map<string, ServedFile>();
  const requests: FileRequest[] = [];
  const sockets = new Set<Socket>();
  const handle = (message: IncomingMessage, response: ServerResponse): void => {
    const { method = 'GET', headers, url = '/' } = message;
    const path = new URL(url, 'http://localhost').pathname;
    const log: FileRequest = { method, path, headers, status: undefined };
    requests.push(log);
    const file = files.get(path);
    response.on('error', () => undefined);
    if (!file) return void response.writeHead((log.status = 404)).end('no such file');
    if (method === 'HEAD' && file.head === 'hang') return;
    if (method === 'HEAD' && file.head === 'reset') return void message.socket.resetAndDestroy();
    log.status = answer(file, message, response);
  };
  const server = tls ? https.createServer(tls, handle) : http.createServer({ keepAliveTimeout: 0 }, handle);
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    files,
    serve: (path, body, more = {}) => {
      const file: ServedFile = { body: Buffer.from(body), ...more };
      files.set(path, file);
      return file;
    },
    seen: () => requests.map(({ method, path }) => `${method} ${path}`),
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function answer(served: ServedFile, { method = 'GET', headers }: IncomingMessage, response: ServerResponse): number {
  const file = served.compresses && headers['accept-encoding']?.includes('gzip') ? compressed(served) : served;
  const { body, isSimple = false } = file;
  const override = method === 'HEAD' ? file.headStatus : file.getStatus;
  const status = override ?? (isSimple ? 200 : statusFor(file, headers));
  const start = status === 206 ? startOf(headers) : 0;
  const end = status === 206 ? endOf(headers, body.length) : body.length;
  const content = status === 200 || status === 206 ? body.subarray(start, end) : Buffer.alloc(0);
  // Else Node.js sends chunks to a client that knows them.
  if (file.framing === 'close') response.useChunkedEncodingByDefault = false;
  response.writeHead(
    status,
    headersFor(file, { status, start, end, hasBody: content.length > 0 || status === 200, isHead: method === 'HEAD' }),
  );
  // Whatever the test does now is behind what was just decided.
  served.onRequest?.(method);
  if (method === 'HEAD') response.end();
  else if (file.gate) void file.gate.then(() => sendBody(content, file, response));
  else sendBody(content, file, response);
  return status;
}

function compressed(file: ServedFile): ServedFile {
  return { ...file, body: gzipSync(file.body), headers: { ...file.headers, 'Content-Encoding': 'gzip' } };
}

function statusFor({ body, etag, lastModified }: ServedFile, headers: IncomingHttpHeaders): number {
  if (headers['if-match'] !== undefined && headers['if-match'] !== etag) return 412;
  const unmodifiedSince = headers['if-unmodified-since'];
  if (
    unmodifiedSince !== undefined &&
    lastModified !== undefined &&
    Date.parse(lastModified) > Date.parse(unmodifiedSince)
  )
    return 412;
  if (headers['if-none-match'] !== undefined && headers['if-none-match'] === etag) return 304;
  const modifiedSince = headers['if-modified-since'];
  if (
    headers['if-none-match'] === undefined &&
    modifiedSince !== undefined &&
    lastModified !== undefined &&
    Date.parse(lastModified) <= Date.parse(modifiedSince)
  )
    return 304;
  if (headers.range === undefined) return 200;
  return startOf(headers) < body.length ? 206 : 416;
}

function startOf({ range = '' }: IncomingHttpHeaders): number {
  return Number(/^bytes=(\d+)-/.exec(range)?.[1] ?? 0);
}

function endOf({ range = '' }: IncomingHttpHeaders, length: number): number {
  const last = /^bytes=\d+-(\d+)$/.exec(range)?.[1];
  return last === undefined ? length : Math.min(Number(last) + 1, length);
}

function headersFor(
  file: ServedFile,
  {
    status,
    start,
    end,
    hasBody,
    isHead,
  }: { status: number; start: number; end: number; hasBody: boolean; isHead: boolean },
): Record<string, string> {
  const { body, etag, lastModified, framing = 'length' } = file;
  return {
    ...(etag === undefined ? {} : { ETag: etag }),
    ...(lastModified === undefined ? {} : { 'Last-Modified': lastModified }),
    ...(status === 206 ? { 'Content-Range': `bytes ${start}-${end - 1}/${body.length}` } : {}),
    ...(status === 416 ? { 'Content-Range': `bytes */${body.length}` } : {}),
    ...(hasBody && framing === 'length' ? { 'Content-Length': String(end - start) } : {}),
    Connection: 'close',
    ...file.headers,
    ...(isHead ? file.headHeaders : {}),
  };
}

function sendBody(content: Buffer, { cutAfter, stallAfter }: ServedFile, response: ServerResponse): void {
  const limit = Math.min(cutAfter ?? content.length, stallAfter ?? content.length);
  if (limit >= content.length) return void response.end(content);
  response.write(content.subarray(0, limit), () => {
    if (stallAfter === undefined) response.socket?.end();
  });
}
