// A web server in the test's own process for images that nodes boot: each path is answered as the
// test says.
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Site } from './site.js';

export interface Served {
  readonly status?: number;
  readonly content?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** HEAD is refused with this status. */
  readonly headStatus?: number;
  /** Without Content-Length. */
  readonly chunked?: boolean;
}

export interface ImageServer {
  url(path: string): string;
  readonly files: Map<string, Served>;
  /** `METHOD path` of each request, oldest first. */
  readonly requests: string[];
}

export async function startImageServer(site: Site): Promise<ImageServer> {
  const files = new Map<string, Served>();
  const requests: string[] = [];
  const server = http.createServer((request, response) => {
    const path = (request.url ?? '/').slice(1);
    requests.push(`${request.method} ${path}`);
    const file = files.get(path);
    const status =
      request.method === 'HEAD' && file?.headStatus ? file.headStatus : (file?.status ?? (file ? 200 : 404));
    const content = file?.content ?? '';
    response.writeHead(status, {
      ...(file?.chunked ? { 'Transfer-Encoding': 'chunked' } : { 'Content-Length': Buffer.byteLength(content) }),
      'Last-Modified': 'Sat, 01 Nov 2025 10:00:00 GMT',
      ...file?.headers,
    });
    response.end(request.method === 'HEAD' ? undefined : content);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  site.afterwards(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: (path) => `http://127.0.0.1:${port}/${path}`, files, requests };
}
