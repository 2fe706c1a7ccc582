// A cache in a temporary folder and a server of files: runs image_cache in this process.
import { mkdirSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { dirname, join } from 'node:path';
import type { Outcome, Progress } from '../../modules/core/operation.js';
import { execute } from '../../modules/runtime/execute.js';
import { imageCache } from '../../modules/cache/operation.js';
import { temporaryFolder } from '../clients/temporary-folder.js';
import { startFileServer, type FileServer } from '../sandbox/file-server.js';

type Values = Readonly<Record<string, unknown>>;

export interface FileResult {
  readonly action: string;
  readonly reason?: string;
  readonly detail: string;
  readonly changed: boolean;
  readonly path: string;
  readonly bytes?: number;
  readonly digests?: Readonly<Record<string, string>>;
  readonly last_modified?: string;
  readonly instance_info?: Readonly<Record<string, string>>;
  readonly [key: string]: unknown;
}

export interface RunOptions {
  readonly checkMode?: boolean;
  readonly now?: Date;
  readonly signal?: AbortSignal;
  readonly environment?: Readonly<Record<string, string>>;
  readonly onProgress?: (event: Progress) => void;
}

export interface CacheSite extends FileServer {
  /** An empty folder for copies. */
  readonly folder: string;
  readonly log: string[];
  run(args: Values, options?: RunOptions): Promise<Outcome>;
  /** Caches one file, from `/file` to `copy` unless told otherwise, and gives its result. */
  cache(more?: Values, fileArguments?: Values, options?: RunOptions): Promise<FileResult>;
  read(name: string): string;
  /** Writes a copy by hand, with a date. */
  put(name: string, content: string | Buffer, modified?: string): string;
  exists(name: string): boolean;
  /** Every path below the folder, with the cache's own. */
  all(): string[];
  modified(name: string): string;
  forget(): void;
}

export const april = 'Tue, 01 Apr 2025 08:00:00 GMT';
export const may = 'Thu, 01 May 2025 08:00:00 GMT';
export const june = 'Sun, 01 Jun 2025 08:00:00 GMT';

export function sha256(content: string | Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}

export async function startCacheSite(): Promise<CacheSite> {
  const server = await startFileServer();
  const temporary = temporaryFolder();
  const { path: folder } = temporary;
  const log: string[] = [];
  const run: CacheSite['run'] = (
    args,
    {
      checkMode = false,
      now,
      signal = new AbortController().signal,
      environment = {},
      onProgress = () => undefined,
    } = {},
  ) =>
    execute(
      imageCache,
      { attempts: 1, lock_timeout: 20, ...args },
      {
        checkMode,
        environment,
        signal,
        now: () => now ?? new Date(),
        random: () => 0,
        log: (level, text) => void log.push(`${level}: ${text}`),
        progress: onProgress,
        learnSecrets: () => undefined,
      },
    );
  const file = (name: string): string => join(folder, name);
  return {
    ...server,
    folder,
    log,
    run,
    cache: async (more = {}, fileArguments = {}, options = {}) => {
      const outcome = await run(
        { files: [{ url: `${server.url}/file`, dest: file('copy'), ...fileArguments }], ...more },
        options,
      );
      return (outcome.values.files as FileResult[])[0]!;
    },
    read: (name) => readFileSync(file(name), 'utf8'),
    put: (name, content, modified) => {
      mkdirSync(dirname(file(name)), { recursive: true });
      writeFileSync(file(name), content);
      if (modified !== undefined) utimesSync(file(name), new Date(modified), new Date(modified));
      return file(name);
    },
    exists: (name) => statSync(file(name), { throwIfNoEntry: false }) !== undefined,
    all: () => readdirSync(folder, { recursive: true }).map(String).sort(),
    modified: (name) => statSync(file(name)).mtime.toUTCString(),
    forget: () => void server.requests.splice(0),
    close: async () => {
      await server.close();
      temporary.remove();
    },
  };
}
