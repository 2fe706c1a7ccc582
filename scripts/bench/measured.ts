// Runs a process to its end, and returns the time and memory that it used, as counted by the
// kernel.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Measured {
  readonly seconds: number;
  readonly cpuSeconds: number;
  /** Highest resident memory of the process, or of one of its children. */
  readonly peakMib: number;
  readonly stdout: string;
  readonly stderr: string;
}

// Node.js has no wait4(); `time` of Debian's package of that name prints what it returns about its
// child.
const timeProgram = '/usr/bin/time';

/** Throws unless the process ends with 0. `folder` takes a small file. */
export async function measure(
  command: readonly string[],
  options: { folder: string; environment?: NodeJS.ProcessEnv },
): Promise<Measured> {
  if (!existsSync(timeProgram)) throw new Error(`${timeProgram} is missing: apt-get install time`);
  const usage = join(options.folder, 'usage');
  const started = performance.now();
  const { status, stdout, stderr } = await run(
    [timeProgram, '--quiet', '-o', usage, '-f', '%U %S %M', ...command],
    options.environment,
  );
  const seconds = (performance.now() - started) / 1000;
  if (status !== 0) throw new Error(`${command.join(' ')} ended with ${status}:\n${stderr}${stdout}`);
  const [user = Number.NaN, system = Number.NaN, peakKib = Number.NaN] = readFileSync(usage, 'utf8')
    .trim()
    .split(' ')
    .map(Number);
  return { seconds, cpuSeconds: user + system, peakMib: peakKib / 1024, stdout, stderr };
}

/** Wall seconds from the start of a process to its end, whatever its exit code. */
export async function measureWall(
  command: readonly string[],
): Promise<{ readonly seconds: number; readonly stdout: string }> {
  const started = performance.now();
  const { stdout } = await run(command, undefined);
  return { seconds: (performance.now() - started) / 1000, stdout };
}

function run(
  [file = '', ...args]: readonly string[],
  environment: NodeJS.ProcessEnv | undefined,
): Promise<{ status: number | null; stdout: string; stderr: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...environment } });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.once('error', reject).once('close', (status) => resolve({ status, stdout, stderr }));
  });
}
