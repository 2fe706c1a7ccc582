// Starts programs as their users do, and collects what they say.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../../..', import.meta.url));
export const library = join(root, 'roles/chameleon_image_tools/library');
export const commandLine = join(root, 'roles/chameleon_image_tools/files/chameleon-image-tools.mjs');
export const fakeModule = join(root, 'build/test/front-ends/fake-module.js');
export const fakeCommand = join(root, 'build/test/front-ends/fake-command.js');

/** Has programs of Node.js record what they reach, for scripts/coverage.ts. */
const { PROCESS_COVERAGE: records } = process.env;
const recording = records === undefined ? {} : { NODE_V8_COVERAGE: records };

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly environment?: Readonly<Record<string, string>>;
  readonly folder?: string;
  /** Sent one after the other once the program has said on standard error that it is at work. */
  readonly signals?: readonly NodeJS.Signals[];
  /** Where standard output and standard error go; both are collected unless given. */
  readonly stdout?: number;
  readonly stderr?: number;
  /** Where standard input comes from. */
  readonly stdin?: number;
}

/** Runs a program to its end. */
export function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: options.folder,
      env: { ...process.env, ...recording, ...options.environment },
      stdio: [options.stdin ?? 'ignore', options.stdout ?? 'pipe', options.stderr ?? 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout, stderr }));
    const signalled = (text: string): void => {
      if (!text.includes('at work')) return;
      child.stderr?.off('data', signalled);
      for (const [index, signal] of (options.signals ?? []).entries())
        setTimeout(() => child.kill(signal), index * 200);
    };
    child.stderr?.on('data', signalled);
  });
}

/** A folder that is removed with everything in it when `use` has ended. */
export async function withFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'front-ends-'));
  try {
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export type ModuleResult = Ended & { readonly result: Record<string, unknown> };

/** Runs a module's file as Ansible does, with these arguments, and reads its answer. */
export function runModule(file: string, args: unknown, options: RunOptions = {}): Promise<ModuleResult> {
  return withFolder(async (folder) => {
    const path = join(folder, 'args');
    writeFileSync(path, typeof args === 'string' ? args : JSON.stringify(args));
    const ended = await run(
      file.endsWith('.mjs') ? file : process.execPath,
      file.endsWith('.mjs') ? [path] : [file, path],
      options,
    );
    return { ...ended, result: JSON.parse(ended.stdout) as Record<string, unknown> };
  });
}
