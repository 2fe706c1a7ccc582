// An nginx of the test's own, with the rules that a test needs.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from './cloud.js';

export interface Nginx {
  readonly url: string;
  /** The folder whose files it serves. */
  readonly served: string;
  close(): Promise<void>;
}

/** Starts nginx on a free port, with these directives in its server. */
export async function startNginx(rules: string): Promise<Nginx> {
  const folder = mkdtempSync(join(tmpdir(), 'nginx-'));
  const served = join(folder, 'served');
  mkdirSync(served);
  const port = await freePort();
  const places = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${folder}/${name};`)
    .join(' ');
  const http =
    `http { access_log off; ${places} default_type application/octet-stream; types { text/html html; ` +
    `} server { listen 127.0.0.1:${port}; root ${served}; ${rules} } }`;
  writeFileSync(join(folder, 'nginx.conf'), `daemon off; pid ${folder}/pid; user root; events {} ${http}`);
  const child = spawn('/usr/sbin/nginx', ['-e', `${folder}/error.log`, '-c', join(folder, 'nginx.conf')], {
    stdio: 'ignore',
  });
  const ended = once(child, 'close');
  const url = `http://127.0.0.1:${port}`;
  await until(
    () =>
      fetch(url).then(
        () => true,
        () => false,
      ),
    'nginx to answer',
  );
  return {
    url,
    served,
    close: async () => {
      child.kill('SIGTERM');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A port of this host that nobody uses yet. */
export async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
