// A site in a sandbox: runs an operation in this process against the doubles, and gives its
// results.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AnyOperation, Outcome, Progress } from '../../modules/core/operation.js';
import { execute } from '../../modules/runtime/execute.js';
import { startSandbox, type Sandbox, type SandboxOptions } from '../sandbox/sandbox.js';

export interface TestSite extends Sandbox {
  /** Arguments that every run of a deployment needs; a test's own come on top. */
  run(
    operation: AnyOperation,
    args?: Readonly<Record<string, unknown>>,
    options?: { checkMode?: boolean; now?: Date; signal?: AbortSignal },
  ): Promise<Outcome>;
  readonly progress: Progress[];
  readonly log: string[];
  /** Requests that change something, as Glance saw them. */
  writes(): string[];
}

export async function startSite(options: SandboxOptions = {}): Promise<TestSite> {
  const sandbox = await startSandbox(options);
  const lockDir = mkdtempSync(join(tmpdir(), 'image-tools-lock-'));
  const progress: Progress[] = [];
  const log: string[] = [];
  const run: TestSite['run'] = (
    operation,
    args = {},
    { checkMode = false, now, signal = new AbortController().signal } = {},
  ) => {
    const own = {
      object_store_url: sandbox.store.objectStoreUrl,
      objects_store_url: sandbox.objectsStore.objectStoreUrl,
      lock_dir: lockDir,
    };
    const store = Object.fromEntries(
      Object.entries(own).filter(([name]) => 'object_store_url' in operation.fields && name in operation.fields),
    );
    return execute(
      operation,
      { auth: sandbox.auth, ...store, ...args },
      {
        checkMode,
        environment: {},
        signal,
        now: () => now ?? new Date(),
        random: () => 0,
        log: (level, text) => void log.push(`${level}: ${text}`),
        progress: (event) => void progress.push(event),
        learnSecrets: () => undefined,
      },
    );
  };
  return {
    ...sandbox,
    run,
    progress,
    log,
    writes: () =>
      sandbox.glance.requests.filter(({ method }) => method !== 'GET').map(({ method, path }) => `${method} ${path}`),
    close: async () => {
      await sandbox.close();
      rmSync(lockDir, { recursive: true });
    },
  };
}
