// The container image as `make container` builds it, a registry on loopback, and hosts that run containers.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { root } from './cloud.js';
import { bootHost, succeed, type Host } from './systemd-host.js';

export interface Registry {
  /** Without a tag, as it is in the registry. */
  readonly repository: string;
  /** Pushes the image as `tag`, with a label of its own and another title if they are given. Returns its digest. */
  push(tag: string, label?: string, title?: string): Promise<string>;
  close(): Promise<void>;
}

/** Builds the image unless this build of the command line is in it already. Returns its name on this machine. */
export async function buildContainerImage(): Promise<string> {
  await succeed('/bin/bash', [
    '-c',
    `cd '${root}'; . scripts/packages.sh; need podman podman; need crun crun; need buildah buildah; ` +
      'need docker-registry docker-registry; install_missing container-image',
  ]);
  const { version } = JSON.parse((await succeed('cat', [join(root, 'package.json')])).stdout) as { version: string };
  const image = `localhost/chameleon-image-tools:${version}`;
  const sources =
    'roles/chameleon_image_tools/files/chameleon-image-tools.mjs scripts/container scripts/container-command';
  const script =
    `for source in ${sources}; do [ dist/chameleon-image-tools-${version}.oci.tar -nt $source ] || exec scripts/container; done; ` +
    `buildah inspect --type image ${image} >/dev/null 2>&1 || exec scripts/container`;
  // Two files of tests may want it at the same time.
  const argv = [join(root, 'build/container-image.lock'), '/bin/bash', '-c', script];
  await succeed('flock', argv, { cwd: root, environment: { HOME: '/root' } });
  return image;
}

/** Debian's registry, with a folder of its own. */
export async function startRegistry(image: string): Promise<Registry> {
  const folder = mkdtempSync(join(tmpdir(), 'registry-'));
  const port = await freePort();
  const settings = {
    version: '0.1',
    storage: { filesystem: { rootdirectory: join(folder, 'store') } },
    http: { addr: `127.0.0.1:${port}` },
  };
  writeFileSync(join(folder, 'config.yml'), JSON.stringify(settings));
  const child = spawn('docker-registry', ['serve', join(folder, 'config.yml')], { stdio: 'ignore' });
  const ended = once(child, 'exit');
  await waitUntil('the registry answers', async () => (await fetch(`http://127.0.0.1:${port}/v2/`)).ok);
  const repository = `127.0.0.1:${port}/chameleon-image-tools`;
  return {
    repository,
    push: async (tag, label, title) => {
      const pushed = label === undefined ? image : await labelled(image, label, title);
      const digest = join(folder, 'digest');
      const target = ['--tls-verify=false', '--digestfile', digest, pushed, `docker://${repository}:${tag}`];
      await succeed('buildah', ['push', '--quiet', ...target]);
      return (await succeed('cat', [digest])).stdout.trim();
    },
    close: async () => {
      child.kill();
      await ended;
      rmSync(folder, { recursive: true });
    },
  };
}

/** The same image with another label, which makes it another image. */
async function labelled(image: string, label: string, title = 'chameleon-image-tools'): Promise<string> {
  const container = (await succeed('buildah', ['from', image])).stdout.trim();
  await succeed('buildah', [
    ...['config', '--label', `test=${label}`, '--label', `org.opencontainers.image.title=${title}`],
    container,
  ]);
  const name = `localhost/chameleon-image-tools-test:${label}-${process.pid}`;
  await succeed('buildah', ['commit', '--quiet', '--rm', container, name]);
  return name;
}

/**
 * A host with podman that trusts the registry. What this machine may not do inside its own sandbox
 * is told to podman there, and nowhere else.
 */
export async function bootContainerHost(name: string, { repository }: Registry): Promise<Host> {
  const host = await bootHost(name);
  const engine = '[engine]\nruntime = "crun"\nevents_logger = "file"\n';
  const limits =
    '[containers]\ncgroups = "disabled"\nkeyring = false\ndefault_ulimits = ["nofile=1024:1024", "nproc=1000:1000"]\n';
  const location = repository.split('/')[0];
  await host.shell(
    [
      // An overlay cannot lie on an overlay, as the root of this host is one.
      'mkdir -p /var/lib/containers /etc/containers/registries.conf.d',
      'mount -t tmpfs -o size=2G tmpfs /var/lib/containers',
      'rm -rf /run/containers /run/libpod',
      `printf '%s' '${engine}${limits}' >/etc/containers/containers.conf`,
      `printf '[[registry]]\\nlocation = "${location}"\\ninsecure = true\\n' >/etc/containers/registries.conf.d/test.conf`,
    ].join('\n'),
  );
  const attempt = await host.try('podman info');
  if (attempt.exitCode !== 0) throw new Error(`this machine cannot run containers: ${attempt.stderr}`);
  return host;
}

export async function waitUntil(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 60_000; Date.now() < end; await sleep(100)) {
    if (await holds().catch(() => false)) return;
  }
  throw new Error(`waited for a minute until ${what}`);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
