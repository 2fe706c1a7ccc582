// The source of a file, in two steps: look at its present state, then receive the file.
import type { DownloadOptions } from '../clients/download/download.js';
import { OperationError } from '../core/errors.js';
import type { Checksum } from '../images/policy/checksums.js';
import type { Copy, Remote } from './policy/freshness.js';
import type { CacheRun } from './run.js';

export interface ReceiveOptions {
  readonly part: string;
  /** The folder whose free space is checked. */
  readonly folder: string;
  readonly remote: Remote;
  readonly sink: DownloadOptions['sink'];
  /** Whether a checksum will verify the file. */
  readonly isChecked: boolean;
  readonly onProgress: DownloadOptions['onProgress'];
}

export interface Received {
  readonly bytes: number;
  readonly etag?: string | undefined;
  readonly modifiedMs?: number | undefined;
  /** It was resumed although the server did not prove that it is the same file. */
  readonly isSpliced?: boolean | undefined;
}

export interface CacheSource {
  /** For messages and results: no credentials in it. */
  readonly shown: string;
  /** Its name in a checksum file. */
  readonly fileName: string;
  /** The checksum that the source itself publishes. */
  readonly checksum?: Checksum;
  /** The present state. `copy` is for servers that require a conditional GET. */
  look(copy?: Copy): Promise<Remote>;
  /**
   * Leaves the complete file in the part. Throws SOURCE_CHANGED if it is no longer as in `remote`.
   */
  receive(receiving: ReceiveOptions): Promise<Received>;
}

/** The download options that all sources have in common. */
export function downloadOptions(
  { part, folder, sink, isChecked, onProgress }: ReceiveOptions,
  { args, context }: CacheRun,
): Omit<DownloadOptions, 'source' | 'url' | 'open' | 'assertExpected'> {
  return {
    ...{ part, folder, sink, isChecked, onProgress },
    stallSeconds: args.stall_timeout,
    attempts: args.attempts,
    signal: context.signal,
    random: () => context.random(),
    onInterruption: (reason, offset) => context.log('info', `${reason}; at byte ${offset}`),
  };
}

export function sourceChanged(shown: string): OperationError {
  return new OperationError(
    'SOURCE_CHANGED',
    `${shown} changed while it was fetched, or its server returns another ETag, date or length in each answer; ` +
      'give a checksum to verify it',
    { url: shown },
  );
}
