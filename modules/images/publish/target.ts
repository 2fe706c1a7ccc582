// Where images are published: a container, in a folder or in Swift, that sites read as their store.
import { OperationError } from '../../core/errors.js';
import { startDigests } from '../digests.js';
import type { StoredDocument, StoredImageState } from '../policy/publication.js';
import type { ImageFile } from './image-file.js';

/** Paths are those below the container, such as `prod/current`. */
export interface PublicationTarget {
  /** What messages and results call it. */
  readonly location: string;
  readonly warnings: readonly string[];
  /** A small document; undefined if there is none. */
  readDocument(path: string): Promise<StoredDocument | undefined>;
  /** What is in the place of an image. */
  compareImage(path: string, image: ImageFile): Promise<StoredImageState>;
  /** Returns when all of it is in the store. */
  writeImage(path: string, image: ImageFile, options: ImageWriting): Promise<void>;
  /** Readers see the document as it was or as it is now. */
  writeDocument(path: string, text: string): Promise<void>;
}

export interface ImageWriting {
  /** What is there now, which is replaced. */
  readonly replaces: StoredImageState;
  readonly onProgress: (doneBytes: number) => void;
}

export function publishedMeanwhile(path: string, cause?: unknown): OperationError {
  return new OperationError('PUBLISHED_MEANWHILE', `another run has just published another ${path}`, { path }, cause);
}

/** Whether data that are read to the end are those of the image. */
export async function compareData(
  data: AsyncIterable<Buffer>,
  { whole }: ImageFile,
  signal: AbortSignal,
): Promise<'same' | 'other'> {
  const digests = startDigests(['sha256']);
  for await (const chunk of data) {
    signal.throwIfAborted();
    digests.update(chunk);
  }
  return digests.finish().get('sha256') === whole.sha256 ? 'same' : 'other';
}
