// Downloads one file into a part file next to its destination: resumable, never mixed from two
// versions, in constant memory.
import { messageOf, OperationError } from '../../core/errors.js';
import { sleep } from '../../core/waiting.js';
import { readBody } from '../http/body.js';
import type { HttpAnswer } from '../http/client.js';
import { ConnectionError } from '../http/errors.js';
import { withoutCredentials } from '../../core/urls.js';
import { mebibyte } from '../../core/sizes.js';
import { lengthOf } from '../http/probe.js';
import { isWorthRepeating, retryAfterSeconds } from '../http/retry.js';
import { assertSpace } from '../files/durable.js';
import { assertNoWebPage, assertPlain, continues, isWhole } from './answer-checks.js';
import {
  continuationHeader,
  findPart,
  openPart,
  readFileChunks,
  removePart,
  type PartOrigin,
  type PartWriter,
} from './part-file.js';

export interface DownloadOptions {
  /** Identifies the source in the part's record. */
  readonly source: string;
  /** For messages; credentials are left out. */
  readonly url: string;
  /** Sends one GET with these additional headers; throws unless the status is one of `expect`. */
  readonly open: (headers: Readonly<Record<string, string>>, expect: readonly number[]) => Promise<HttpAnswer>;
  readonly isImmutable?: boolean;
  readonly part: string;
  /** The folder whose space counts. */
  readonly folder: string;
  /**
   * Receives every byte of the file once, in order, including those of an earlier run; `restart`
   * discards all of them.
   */
  readonly sink: { update(chunk: Buffer): void; restart(): void };
  /** Throws if an answer, or the finished part, is of another file than the one that was probed. */
  readonly assertExpected: (facts: PartOrigin) => void;
  /**
   * Whether a checksum will verify the file, so that a body whose end looks like a broken
   * connection is acceptable.
   */
  readonly isChecked: boolean;
  readonly stallSeconds: number;
  /** How many failures in a row without progress end the download. */
  readonly attempts: number;
  readonly signal: AbortSignal;
  readonly random: () => number;
  readonly onProgress: (doneBytes: number, totalBytes: number | undefined) => void;
  readonly onInterruption: (reason: string, offset: number) => void;
}

export interface Downloaded {
  readonly bytes: number;
  readonly etag?: string | undefined;
  /** Of the answer that the bytes are from, as the server spells it. */
  readonly lastModified?: string | undefined;
  /**
   * It was resumed although the server did not prove that it is the same file: a checksum mismatch
   * may be due to that.
   */
  readonly isSpliced: boolean;
}

interface DownloadState {
  offset: number;
  /** The farthest offset reached so far: only bytes beyond it are progress. */
  farthest: number;
  /** What the received bytes are of; undefined before the first answer. */
  origin: PartOrigin | undefined;
  isSpliced: boolean;
}

/**
 * Leaves the complete file, synced to disk, in `part`. After a failure it is resumed by Range with
 * If-Match (never If-Range, which Swift ignores), or restarted if the server cannot do that or has
 * another file by then. Throws the last failure when no attempts are left, SOURCE_ENCODED,
 * LENGTH_UNKNOWN, NO_SPACE, and errors of `open` that a retry cannot fix.
 */
export async function download(options: DownloadOptions): Promise<Downloaded> {
  const state = await resume(options);
  const writer = await openPart(options.part);
  try {
    for (let failures = 0; !isComplete(state); ) {
      const farthestBefore = state.farthest;
      try {
        await receive(state, writer, options);
        break;
      } catch (error) {
        options.signal.throwIfAborted();
        if (!isWorthRepeating(error)) throw error;
        failures = state.farthest > farthestBefore ? 1 : failures + 1;
        if (failures >= options.attempts) throw error;
        options.onInterruption(messageOf(error), state.offset);
        const pause = Math.min(0.25 * 2 ** (failures - 1), 30) * (0.5 + options.random() / 2);
        await sleep(Math.max(pause, retryAfterSeconds(error)) * 1000, options.signal);
      }
    }
    await writer.sync();
  } finally {
    await writer.close();
  }
  if (state.origin) options.assertExpected(state.origin);
  return {
    bytes: state.offset,
    etag: state.origin?.etag,
    lastModified: state.origin?.lastModified,
    isSpliced: state.isSpliced,
  };
}

/** Starts from the part that an earlier run left, which is passed to the sink. */
async function resume({ part, source, sink, signal }: DownloadOptions): Promise<DownloadState> {
  const found = await findPart(part, source);
  if (!found) return { offset: 0, farthest: 0, origin: undefined, isSpliced: false };
  let offset = 0;
  for await (const chunk of readFileChunks(part)) {
    signal.throwIfAborted();
    sink.update(chunk);
    offset += chunk.length;
  }
  return { offset, farthest: offset, origin: found.origin, isSpliced: false };
}

function isComplete({ offset, origin }: DownloadState): boolean {
  return origin !== undefined && origin.isImmutable === true && offset === origin.bytes;
}

/** Reads one answer to its end. */
async function receive(state: DownloadState, writer: PartWriter, options: DownloadOptions): Promise<void> {
  const answer = await openAt(state, options);
  if (!answer) return;
  if (answer.status !== 206) await start(state, answer, { writer, options });
  const total = state.origin?.bytes;
  try {
    if (total !== undefined) await assertSpace(options.folder, total - state.offset, withoutCredentials(options.url));
  } catch (error) {
    answer.body.destroy();
    throw error;
  }
  try {
    for await (const chunk of readBody(answer, options)) {
      if (state.offset === 0) assertNoWebPage(chunk, answer, options);
      const written = writer.write(chunk);
      // Digest while the disk writes.
      options.sink.update(chunk);
      await written;
      state.offset += chunk.length;
      state.farthest = Math.max(state.farthest, state.offset);
      options.onProgress(state.offset, total);
      if (total === undefined) await assertEnd(state, chunk.length, options);
    }
  } finally {
    // What was received counts, however the answer ended: the next request asks for the rest.
    await writer.flush();
  }
  if (total === undefined || state.offset === total) return;
  throw new ConnectionError(
    'CONNECTION_BROKEN',
    `${withoutCredentials(options.url)} ended after ${state.offset} of ${total} bytes`,
  );
}

/**
 * A body of unknown length may never end: it must leave this much space on the disk, and is
 * abandoned far above the size of any image.
 */
const reservedBytes = 2 ** 30;
const largestUnknownBytes = 2 ** 40;
const checkEveryBytes = 64 * mebibyte;

async function assertEnd(
  { offset }: DownloadState,
  justReceived: number,
  { folder, part, url }: DownloadOptions,
): Promise<void> {
  if (Math.floor(offset / checkEveryBytes) === Math.floor((offset - justReceived) / checkEveryBytes)) return;
  const shown = withoutCredentials(url);
  try {
    if (offset > largestUnknownBytes)
      throw new OperationError(
        'ANSWER_TOO_LARGE',
        `${shown} has no Content-Length, and did not end after ${offset} bytes`,
        { url: shown },
      );
    await assertSpace(folder, reservedBytes, `${shown}, which has no Content-Length,`);
  } catch (error) {
    // It could not be resumed, and would fill the disk until somebody finds it.
    await removePart(part);
    throw error;
  }
}

/**
 * Requests the missing bytes, or the whole file if the server has another one by now or cannot
 * resume. Undefined if nothing is missing.
 */
async function openAt(state: DownloadState, options: DownloadOptions): Promise<HttpAnswer | undefined> {
  if (state.offset > 0 && state.origin) {
    const condition = continuationHeader(state.origin);
    const resumed = condition && (await openRange(state, { condition, mayDiffer: false }, options));
    if (resumed) return resumed === 'whole' ? undefined : resumed;
    // With a server that proves nothing, or has another ETag in each answer, we would restart for
    // ever; the checksum will decide.
    const spliced = options.isChecked ? await openRange(state, { condition: {}, mayDiffer: true }, options) : undefined;
    if (spliced) {
      state.isSpliced = true;
      return spliced === 'whole' ? undefined : spliced;
    }
  }
  return checked(await options.open({}, [200]), options);
}

interface ResumeRequest {
  readonly condition: Readonly<Record<string, string>>;
  readonly mayDiffer: boolean;
}

/**
 * The answer with the rest or with the whole file; `whole` if nothing is missing; undefined if the
 * server cannot resume.
 */
async function openRange(
  state: DownloadState,
  { condition, mayDiffer }: ResumeRequest,
  options: DownloadOptions,
): Promise<HttpAnswer | 'whole' | undefined> {
  const answer = await options.open({ Range: `bytes=${state.offset}-`, ...condition }, [200, 206, 412, 416]);
  if (answer.status === 200 || (answer.status === 206 && continues(state, answer, mayDiffer)))
    return checked(answer, options);
  answer.body.destroy();
  if (answer.status === 416 && isWhole(state, answer)) return 'whole';
  options.onInterruption(`the download cannot be resumed (${answer.status})`, state.offset);
  return undefined;
}

function checked(answer: HttpAnswer, options: DownloadOptions): HttpAnswer {
  try {
    options.assertExpected(originOf(answer, options));
    assertPlain(answer, options);
    return answer;
  } catch (error) {
    answer.body.destroy();
    throw error;
  }
}

async function start(
  state: DownloadState,
  answer: HttpAnswer,
  { writer, options }: { writer: PartWriter; options: DownloadOptions },
): Promise<void> {
  const length = lengthOf(answer);
  const isDelimited =
    length !== undefined || answer.header('transfer-encoding')?.toLowerCase().includes('chunked') === true;
  if (!isDelimited && !options.isChecked) {
    answer.body.destroy();
    const url = withoutCredentials(options.url);
    throw new OperationError(
      'LENGTH_UNKNOWN',
      `${url} is sent without Content-Length and not chunked, so that a broken connection would look like its ` +
        'end; give a checksum',
      { url },
    );
  }
  state.offset = 0;
  state.origin = originOf(answer, options);
  options.sink.restart();
  await writer.restart(state.origin);
}

function originOf(answer: HttpAnswer, options: DownloadOptions): PartOrigin {
  const bytes = answer.status === 200 ? lengthOf(answer) : undefined;
  const facts = { etag: answer.header('etag'), lastModified: answer.header('last-modified'), bytes };
  return { source: options.source, ...facts, ...(options.isImmutable ? { isImmutable: true } : {}) };
}
