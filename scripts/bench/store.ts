// An image store with one big image: a separate directory tree, and an nginx that serves it in six
// ways.
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  createReadStream,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export const container = 'chameleon-supported-images';
export const scope = 'bench';
export const imageName = 'CC-Bench';
/** Of each connection, in MiB/s: below what Glance takes from one, and far below it. */
export const limitsMib = { limited: 200, narrow: 50 } as const;

/**
 * `plain` sends no checksum, like a web server; `sdk` has the producer's checksum headers, as the
 * Swift store has.
 */
export type Headers = 'plain' | 'sdk';
export type Speed = 'unlimited' | keyof typeof limitsMib;

export interface Image {
  readonly folder: string;
  readonly bytes: number;
  readonly sums: { readonly md5: string; readonly sha256: string };
}

export interface Store {
  /** The object_store_url of one way to serve the tree. */
  url(headers: Headers, speed: Speed): string;
  /**
   * Makes a release that no image of the site has had the current one. Without that each run would
   * have to look for an unused image id longer.
   */
  publish(image: Image): string;
  /** The same with this many images of different names, which have the same data. */
  publishSeveral(image: Image, count: number): readonly string[];
  stop(): Promise<void>;
}

/** Makes the image once and keeps it: random data, or a hole that reads as zeros. */
export async function prepareImage(state: string, mib: number, content: 'random' | 'zeros'): Promise<Image> {
  const folder = `${content}-${mib}`;
  const path = join(treeOf(state), folder);
  const file = join(path, `${imageName}.raw`);
  const sumsFile = join(path, 'sums.json');
  mkdirSync(path, { recursive: true });
  if (!existsSync(file)) await writeImage(file, mib, content);
  writeFileSync(join(path, `${imageName}.manifest`), JSON.stringify(manifest, undefined, 2));
  if (!existsSync(sumsFile)) writeFileSync(sumsFile, JSON.stringify(await sumsOf(file)));
  return { folder, bytes: mib * 2 ** 20, sums: JSON.parse(readFileSync(sumsFile, 'utf8')) as Image['sums'] };
}

const manifest = {
  'build-distro': 'ubuntu',
  'build-release': 'noble',
  'build-variant': 'bench',
  'build-timestamp': '2025-04-22 15:30:45.123456',
  'build-ipa': 'false',
};

function treeOf(state: string): string {
  return join(state, 'store', container, scope, 'versions');
}

async function writeImage(file: string, mib: number, content: 'random' | 'zeros'): Promise<void> {
  const unfinished = await open(`${file}.new`, 'w');
  await unfinished.truncate(mib * 2 ** 20);
  if (content === 'random') {
    for (let offset = 0; offset < mib; offset++)
      await unfinished.write(randomBytes(2 ** 20), 0, 2 ** 20, offset * 2 ** 20);
  }
  await unfinished.close();
  renameSync(`${file}.new`, file);
}

async function sumsOf(file: string): Promise<Image['sums']> {
  const md5 = createHash('md5');
  const sha256 = createHash('sha256');
  for await (const chunk of createReadStream(file, { highWaterMark: 2 ** 20 }) as AsyncIterable<Buffer>) {
    md5.update(chunk);
    sha256.update(chunk);
  }
  return { md5: md5.digest('hex'), sha256: sha256.digest('hex') };
}

/** Starts an nginx like the test cloud's, on ports of its own; it ends with this process. */
export async function startStore(state: string, images: readonly Image[]): Promise<Store> {
  const folder = join(state, 'bench');
  const tree = treeOf(state);
  mkdirSync(folder, { recursive: true });
  publishNothing(tree);
  const ways = (['plain', 'sdk'] as const).flatMap((headers) =>
    (['unlimited', 'limited', 'narrow'] as const).map((speed) => ({ headers, speed })),
  );
  const servers = await Promise.all(ways.map(async (way) => ({ ...way, port: await freePort() })));
  writeFileSync(join(folder, 'nginx.conf'), nginxConfiguration(state, servers, images));
  const nginx = spawn('/usr/sbin/nginx', ['-e', 'stderr', '-p', folder, '-c', join(folder, 'nginx.conf')], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const ended = new Promise<void>((resolve) => nginx.once('exit', () => resolve()));
  const kill = (): void => void nginx.kill('SIGTERM');
  process.once('exit', kill);
  const url = (headers: Headers, speed: Speed): string =>
    `http://127.0.0.1:${servers.find((server) => server.headers === headers && server.speed === speed)?.port}`;
  await Promise.race([
    answers(`${url('plain', 'unlimited')}/${container}/${scope}/current`),
    ended.then(() => Promise.reject(new Error('nginx has ended'))),
  ]);
  let releases = Date.now();
  const publish = (image: Image, names: readonly string[]): string => {
    const release = `20250422-v${releases++}-bench`;
    symlinkSync(image.folder, join(tree, release));
    writeFileSync(join(tree, '../current'), JSON.stringify(Object.fromEntries(names.map((name) => [name, release]))));
    return release;
  };
  return {
    url,
    publish: (image) => publish(image, [imageName]),
    publishSeveral: (image, count) => {
      const names = Array.from({ length: count }, (_, index) => `${imageName}-${index}`);
      for (const name of names)
        for (const kind of ['raw', 'manifest']) {
          const link = join(tree, image.folder, `${name}.${kind}`);
          if (!existsSync(link)) symlinkSync(`${imageName}.${kind}`, link);
        }
      publish(image, names);
      return names;
    },
    stop: async () => {
      publishNothing(tree);
      process.off('exit', kill);
      kill();
      await ended;
    },
  };
}

/** Takes away the releases that this or an earlier bench has made. The images stay. */
function publishNothing(tree: string): void {
  for (const name of readdirSync(tree)) if (name.endsWith('-bench')) rmSync(join(tree, name));
  writeFileSync(join(tree, '../current'), '{}');
}

function nginxConfiguration(
  state: string,
  servers: readonly { headers: Headers; speed: Speed; port: number }[],
  images: readonly Image[],
): string {
  // What a file's headers say is looked up by its length: the release in its path changes with
  // every run.
  const sums = (kind: 'md5' | 'sha256'): string =>
    images.map((image) => `    ${image.bytes} ${image.sums[kind]};\n`).join('');
  const sdkHeaders = 'add_header X-Object-Meta-X-Sdk-Md5 $sdk_md5; add_header X-Object-Meta-X-Sdk-Sha256 $sdk_sha256;';
  const server = ({ headers, speed, port }: (typeof servers)[number]): string => `
  server {
    listen 127.0.0.1:${port};
    root ${state}/store;
    ${speed === 'unlimited' ? '' : `limit_rate ${limitsMib[speed]}m;`}
    ${headers === 'sdk' ? sdkHeaders : ''}
  }`;
  return `user root;
daemon off;
worker_processes 1;
pid ${state}/bench/nginx.pid;
error_log stderr;
events {}
http {
  access_log off;
  client_body_temp_path ${state}/bench/body;
  proxy_temp_path ${state}/bench/proxy;
  fastcgi_temp_path ${state}/bench/fastcgi;
  uwsgi_temp_path ${state}/bench/uwsgi;
  scgi_temp_path ${state}/bench/scgi;
  default_type application/octet-stream;
  sendfile on;
  map $sent_http_content_length $sdk_md5 {
${sums('md5')}  }
  map $sent_http_content_length $sdk_sha256 {
${sums('sha256')}  }
${servers.map(server).join('')}
}
`;
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

async function answers(url: string): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    if (
      await fetch(url).then(
        () => true,
        () => false,
      )
    )
      return;
    await sleep(50);
  }
  throw new Error(`nothing answers at ${url}`);
}
