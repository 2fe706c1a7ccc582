// Hosts with a real systemd, and Ansible run against them as an operator of a site does: from a
// folder that is not this checkout.
import { execFile, type ExecFileException } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { stringify } from 'yaml';
import { root } from './cloud.js';

const scripts = join(root, 'test/systemd-host');

/** Where the hosts of this checkout are, so that those of another one are not in their way. */
const hostsFolder = `/run/image-tools-systemd-host-${createHash('sha256').update(root).digest('hex').slice(0, 8)}`;

export interface Output {
  /** Above zero also when a signal ended it. */
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end, whatever its exit code. */
export function run(
  program: string,
  argv: readonly string[],
  options: { cwd?: string; environment?: Readonly<Record<string, string>> } = {},
): Promise<Output> {
  const env = {
    PATH: process.env.PATH,
    HOME: options.cwd ?? tmpdir(),
    LANG: 'C.UTF-8',
    PYTHONDONTWRITEBYTECODE: '1',
    SYSTEMD_HOSTS: hostsFolder,
    ...options.environment,
  };
  return new Promise((resolve) => {
    execFile(
      program,
      argv,
      { cwd: options.cwd, env, maxBuffer: 2 ** 26 },
      (error: ExecFileException | null, stdout, stderr) => {
        resolve({ exitCode: error === null ? 0 : typeof error.code === 'number' ? error.code : 255, stdout, stderr });
      },
    );
  });
}

/** Like `run`; throws with all that the program said unless it ends with 0. */
export async function succeed(...parameters: Parameters<typeof run>): Promise<Output> {
  const output = await run(...parameters);
  if (output.exitCode !== 0)
    throw new Error(
      `${parameters[0]} ${parameters[1].join(' ')} ended with ${output.exitCode}:\n${output.stdout}\n${output.stderr}`,
    );
  return output;
}

export interface Host {
  readonly name: string;
  /** Its root folder, as this machine sees it. */
  readonly folder: string;
  /** What a command in the host prints; throws unless it ends with 0. */
  shell(command: string): Promise<string>;
  try(command: string): Promise<Output>;
  /** All files that were written there since it was booted and still are. */
  written(): Promise<string[]>;
  down(): Promise<void>;
}

/** Boots a host. Throws, with the reason, where this machine cannot: a test is not skipped. */
export async function bootHost(name: string): Promise<Host> {
  await succeed(join(scripts, 'down'), [name]);
  await succeed(join(scripts, 'up'), [name]);
  const attempt = (command: string): Promise<Output> => run(join(scripts, 'exec'), [name, '/bin/sh', '-c', command]);
  return {
    name,
    folder: `${hostsFolder}/${name}/root`,
    try: attempt,
    shell: async (command) => (await succeed(join(scripts, 'exec'), [name, '/bin/sh', '-c', command])).stdout,
    written: async () => {
      const upper = `${hostsFolder}/${name}/upper`;
      const { stdout } = await succeed('find', [upper, '!', '-type', 'c', '-printf', '/%P\n']);
      return stdout.trim().split('\n');
    },
    down: async () => void (await succeed(join(scripts, 'down'), [name])),
  };
}

export interface PlayResult extends Output {
  /** By host. */
  readonly recap: Readonly<Record<string, { readonly ok: number; readonly changed: number; readonly failed: number }>>;
  /** Names of the tasks that changed something on any host. */
  readonly changed: readonly string[];
}

export interface SiteFolder {
  readonly path: string;
  write(path: string, content: unknown): void;
  /** ansible-playbook with the site's inventory and variables; those given go before all others. */
  play(variables?: Readonly<Record<string, unknown>>, argv?: readonly string[]): Promise<PlayResult>;
  remove(): void;
}

/**
 * An operator's folder: inventory, variables, a copied playbook, and the role out of the archive
 * that `make dist` writes.
 */
export async function openSiteFolder(): Promise<SiteFolder> {
  const path = mkdtempSync(join(tmpdir(), 'site-'));
  const write = (name: string, content: unknown): void => {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    writeFileSync(join(path, name), typeof content === 'string' ? content : stringify(content));
  };
  const defaults = [
    'roles_path = ./roles',
    `connection_plugins = ${join(scripts, 'connection_plugins')}`,
    'interpreter_python = /usr/bin/python3',
    'forks = 5',
    // Kolla's groups have hyphens, of which Ansible warns.
    'force_valid_group_names = ignore',
  ];
  write('ansible.cfg', `[defaults]\n${defaults.join('\n')}\n\n[connection]\npipelining = true\n`);
  write('playbooks-of-the-site/post_deploy.yml', readFileSync(join(root, 'playbooks/post_deploy.yml'), 'utf8'));
  const { stdout: archive } = await succeed(join(root, 'scripts/dist'), []);
  write('requirements.yml', {
    roles: [{ name: 'chameleon_image_tools', src: `file://${join(root, archive.trim())}` }],
  });
  await succeed('/usr/bin/ansible-galaxy', ['role', 'install', '-p', 'roles', '-r', 'requirements.yml'], { cwd: path });
  return {
    path,
    write,
    play: (variables = {}, argv = []) => play(path, variables, argv),
    remove: () => rmSync(path, { recursive: true }),
  };
}

async function play(
  folder: string,
  variables: Readonly<Record<string, unknown>>,
  argv: readonly string[],
): Promise<PlayResult> {
  const given = [
    '-i',
    'inventory.yml',
    '-e',
    '@defaults.yml',
    '-e',
    JSON.stringify(variables),
    'playbooks-of-the-site/post_deploy.yml',
    ...argv,
  ];
  const output = await run('/usr/bin/ansible-playbook', given, { cwd: folder });
  const recap = [
    ...output.stdout.matchAll(/^(\S+)\s+: ok=(\d+)\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)/gm),
  ].map(
    ([, host = '', ok, changed, unreachable, failed]) =>
      [host, { ok: Number(ok), changed: Number(changed), failed: Number(failed) + Number(unreachable) }] as const,
  );
  return { ...output, recap: Object.fromEntries(recap), changed: changedTasks(output.stdout) };
}

function changedTasks(stdout: string): string[] {
  const tasks = stdout.split(/^TASK \[/m).slice(1);
  return tasks
    .filter((text) => /^changed: /m.test(text))
    .map((text) => text.slice(0, text.indexOf(']')).replace('chameleon_image_tools : ', ''));
}

/**
 * Packs this machine's Node.js into an archive like those of nodejs.org, and gives the role's
 * variables for it.
 */
export async function packNode(folder: string): Promise<Readonly<Record<string, unknown>>> {
  const top = 'node-v0-linux';
  mkdirSync(join(folder, top, 'bin'), { recursive: true });
  copyFileSync(process.execPath, join(folder, top, 'bin/node'));
  await succeed('/bin/sh', ['-c', `chmod 755 ${top}/bin/node && tar -cf - ${top} | gzip -1 >node.tar.gz`], {
    cwd: folder,
  });
  const archive = join(folder, 'node.tar.gz');
  const { stdout } = await succeed('sha256sum', [archive]);
  const sha256 = stdout.slice(0, 64);
  return {
    chameleon_image_tools_node_archive: archive,
    chameleon_image_tools_node_sha256: { x64: sha256, arm64: sha256 },
  };
}
