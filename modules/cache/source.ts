// Where a file comes from, in two steps: look what there is, then receive it.
import type { DownloadOptions } from '../clients/download/download.js';
import { OperationError } from '../core/errors.js';
import type { Checksum } from '../images/policy/checksums.js';
import type { Copy, Remote } from './policy/freshness.js';
import type { Run } from './run.js';

export interface Receiving {
  readonly part: string;
  /** The folder whose space counts. */
  readonly folder: string;
  readonly remote: Remote;
  readonly sink: DownloadOptions['sink'];
  /** A checksum is going to tell whether it is whole. */
  readonly isChecked: boolean;
  readonly onProgress: DownloadOptions['onProgress'];
}

/** What was received. */
export interface Received {
  readonly bytes: number;
  readonly etag?: string | undefined;
  readonly modifiedMs?: number | undefined;
  /** It was continued where the server would not say whether it is the same file. */
  readonly isSpliced?: boolean | undefined;
}

export interface Source {
  /** For messages and results: no credentials in it. */
  readonly shown: string;
  /** The name that a checksum file has it by. */
  readonly fileName: string;
  /** What the source itself says of its bytes. */
  readonly checksum?: Checksum;
  /** What there is now. `copy` helps where only a conditional GET tells. */
  look(copy?: Copy): Promise<Remote>;
  /** Leaves all bytes in the part. Throws SOURCE_CHANGED when it is no longer what `remote` said. */
  receive(receiving: Receiving): Promise<Received>;
}

/** The options of a download that all sources have in common. */
export function optionsOf(
  { part, folder, sink, isChecked, onProgress }: Receiving,
  { args, context }: Run,
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
    `${shown} changed while it was fetched, or its server gives it another ETag, date or length in each answer; a checksum would tell`,
    { url: shown },
  );
}
