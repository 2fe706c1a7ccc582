// Reads checksum files of publishers, wherever they are.
import { mebibyte } from '../core/sizes.js';
import { messageOf, OperationError } from '../core/errors.js';
import { findChecksum, type Checksum, type ChecksumQuestion } from './policy/checksums.js';

export const largestChecksumFile = mebibyte;

export interface ChecksumFile {
  /** Where it is, without credentials. */
  readonly shown: string;
  /** Its own name, which may tell the algorithm. */
  readonly fileName: string;
  read(): Promise<string>;
}

/** The checksum of one file in a checksum file. Throws CHECKSUM_FILE_UNUSABLE. */
export async function checksumInFile(
  { shown, fileName, read }: ChecksumFile,
  question: Omit<ChecksumQuestion, 'fileName'>,
  signal: AbortSignal,
): Promise<Checksum> {
  const refuse = (why: string, cause?: unknown): OperationError =>
    new OperationError(
      'CHECKSUM_FILE_UNUSABLE',
      `the checksum file ${shown} cannot be used: ${why}`,
      { url: shown },
      cause,
    );
  const text = await read().catch((error: unknown) => {
    signal.throwIfAborted();
    throw refuse(messageOf(error), error);
  });
  const found = findChecksum(text, { ...question, fileName });
  if ('fault' in found) throw refuse(found.fault);
  return found;
}
