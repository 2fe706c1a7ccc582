// Runs the built executables as child processes, the way Ansible and operators do.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from './cloud.js';

export type Arguments = Readonly<Record<string, unknown>>;

/** One image in the result of image_deploy or image_info. */
export interface ResultImage {
  readonly name: string;
  readonly release: string;
  readonly action: string;
  readonly reason: string;
  readonly id: string;
  readonly archived_id?: string;
  readonly archived_name?: string;
  readonly bytes?: number;
  readonly verified_by?: readonly string[];
  readonly [key: string]: unknown;
}

export interface ModuleResult {
  readonly changed: boolean;
  readonly failed?: boolean;
  readonly code?: string;
  readonly msg: string;
  readonly images: readonly ResultImage[];
  readonly warnings?: readonly string[];
  readonly diff?: readonly Readonly<Record<string, string>>[];
  readonly log?: readonly string[];
}

export interface Ended {
  /** null when a signal ended it. */
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly ended: Promise<Ended>;
  /** kill -9, and waits until it is gone. Harmless where it has ended. */
  kill(): Promise<void>;
  /** SIGTERM, as a stop of the unit sends it. */
  terminate(): void;
}

/**
 * Starts a module on a file of arguments: check mode and the like are among them, as
 * `_ansible_check_mode`.
 */
export function startModule(name: string, given: Arguments, environment: Readonly<Record<string, string>>): Running {
  const folder = mkdtempSync(join(tmpdir(), 'module-'));
  const path = join(folder, 'arguments.json');
  writeFileSync(path, JSON.stringify(given));
  const running = start(join(root, `roles/chameleon_image_tools/library/${name}.mjs`), [path], environment);
  const ended = running.ended.finally(() => rmSync(folder, { recursive: true }));
  return { ...running, ended };
}

export interface CommandOptions {
  /** Another user than that of the tests, by its number. */
  readonly user?: number;
}

/** Starts the command line. */
export function startCommand(
  argv: readonly string[],
  environment: Readonly<Record<string, string>>,
  options: CommandOptions = {},
): Running {
  const tool = join(root, 'roles/chameleon_image_tools/files/chameleon-image-tools.mjs');
  if (options.user === undefined) return start(tool, argv, environment);
  // A checkout may be where other users cannot go.
  const folder = mkdtempSync(join(tmpdir(), 'tool-'));
  chmodSync(folder, 0o755);
  copyFileSync(tool, join(folder, 'tool.mjs'));
  const running = start(join(folder, 'tool.mjs'), argv, environment, options);
  return { ...running, ended: running.ended.finally(() => rmSync(folder, { recursive: true })) };
}

/** The one JSON document that a module prints. */
export function parseResult({ stdout, stderr }: Ended): ModuleResult {
  try {
    return JSON.parse(stdout) as ModuleResult;
  } catch (cause) {
    throw new Error(
      `the module did not print JSON but "${stdout.slice(0, 500)}", and on stderr "${stderr.slice(0, 500)}"`,
      { cause },
    );
  }
}

function start(
  path: string,
  argv: readonly string[],
  environment: Readonly<Record<string, string>>,
  { user }: CommandOptions = {},
): Running {
  // Nothing of the caller's login, nor of its proxies, may reach the run.
  const child = spawn(path, argv, {
    env: { PATH: process.env.PATH, HOME: tmpdir(), ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(user === undefined ? {} : { uid: user, gid: user }),
  });
  const collected = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (collected.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (collected.stderr += text));
  // The launcher replaces itself by node, so this is the process that does the work.
  const ended = once(child, 'close').then(
    ([exitCode]: (number | null)[]): Ended => ({ exitCode: exitCode ?? null, ...collected }),
  );
  return {
    ended,
    kill: async () => {
      child.kill('SIGKILL');
      await ended;
    },
    terminate: () => void child.kill('SIGTERM'),
  };
}
