// Brings one file into a part beside its place: resumed where it broke off, never mixed from two versions, in constant memory.
import { OperationError } from '../../core/errors.js';
import { sleep } from '../../core/waiting.js';
import { readBody } from '../http/body.js';
import type { HttpAnswer } from '../http/client.js';
import { compressionIn, encodingIn } from '../http/encodings.js';
import { ConnectionError, withoutCredentials } from '../http/errors.js';
import { lengthOf } from '../http/probe.js';
import { isWorthRepeating, retryAfterSeconds } from '../http/retry.js';
import { assertSpace } from '../files/durable.js';
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
  /** Names the source in the part's record. */
  readonly source: string;
  /** For messages; credentials are left out. */
  readonly url: string;
  /** Sends one GET with these headers besides, and gives its answer where the status is one of `expect`. */
  readonly open: (headers: Readonly<Record<string, string>>, expect: readonly number[]) => Promise<HttpAnswer>;
  readonly isImmutable?: boolean;
  readonly part: string;
  /** The folder whose space counts. */
  readonly folder: string;
  /** Told of every byte of the file once, in order, those of an earlier run too; `restart` when all that was told is void. */
  readonly sink: { update(chunk: Buffer): void; restart(): void };
  /** Throws where an answer, or the part at last, is of another file than was looked at before. */
  readonly assertExpected: (facts: PartOrigin) => void;
  /** Whether a body whose end cannot be told from a break will do, since a checksum is going to tell. */
  readonly isChecked: boolean;
  readonly stallSeconds: number;
  /** How often in a row it may break off without having come further. */
  readonly attempts: number;
  readonly signal: AbortSignal;
  readonly random: () => number;
  readonly onProgress: (doneBytes: number, totalBytes: number | undefined) => void;
  readonly onInterruption: (reason: string, offset: number) => void;
}

export interface Downloaded {
  readonly bytes: number;
  readonly etag?: string | undefined;
  /** Of the answer that gave the bytes, as the server spells it. */
  readonly lastModified?: string | undefined;
  /** It was continued although the server gave no proof, or another one, that it is the same file: if the checksum does not fit, that may be why. */
  readonly isSpliced: boolean;
}

interface State {
  offset: number;
  /** The farthest offset ever reached: only what comes behind it is progress. */
  farthest: number;
  /** What the bytes so far are of; undefined before the first answer. */
  origin: PartOrigin | undefined;
  isSpliced: boolean;
}

/**
 * Leaves the whole file, synced to disk, in `part`. A break is continued by Range with If-Match (never If-Range, which Swift ignores), or begun
 * anew where the server cannot do that or has another file by then. Throws the last failure once `attempts` are used up, SOURCE_ENCODED,
 * LENGTH_UNKNOWN, NO_SPACE, and what `open` throws that no repetition mends.
 */
export async function download(options: DownloadOptions): Promise<Downloaded> {
  const state = await takeUp(options);
  const writer = await openPart(options.part);
  try {
    for (let failures = 0; !isComplete(state); ) {
      const before = state.farthest;
      try {
        await receive(state, writer, options);
        break;
      } catch (error) {
        options.signal.throwIfAborted();
        if (!isWorthRepeating(error)) throw error;
        failures = state.farthest > before ? 1 : failures + 1;
        if (failures >= options.attempts) throw error;
        options.onInterruption((error as Error).message, state.offset);
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

/** Takes up what an earlier run left, telling the sink of it. */
async function takeUp({ part, source, sink, signal }: DownloadOptions): Promise<State> {
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

function isComplete({ offset, origin }: State): boolean {
  return origin !== undefined && origin.isImmutable === true && offset === origin.bytes;
}

/** One answer, read to its end. */
async function receive(state: State, writer: PartWriter, options: DownloadOptions): Promise<void> {
  const answer = await openAt(state, options);
  if (!answer) return;
  if (answer.status !== 206) await begin(state, answer, { writer, options });
  const total = state.origin?.bytes;
  try {
    if (total !== undefined) await assertSpace(options.folder, total - state.offset, withoutCredentials(options.url));
  } catch (error) {
    answer.body.destroy();
    throw error;
  }
  for await (const chunk of readBody(answer, options)) {
    if (state.offset === 0) assertNoWebPage(chunk, answer, options);
    const written = writer.write(chunk);
    // The processor digests while the disk writes.
    options.sink.update(chunk);
    await written;
    state.offset += chunk.length;
    state.farthest = Math.max(state.farthest, state.offset);
    options.onProgress(state.offset, total);
    if (total === undefined) await assertEnd(state, chunk.length, options);
  }
  if (total === undefined || state.offset === total) return;
  throw new ConnectionError(
    'CONNECTION_BROKEN',
    `${withoutCredentials(options.url)} ended after ${state.offset} of ${total} bytes`,
  );
}

/** A body of unknown length may never end: it must leave room on the disk, and is given up long before any real image would be. */
const reservedBytes = 2 ** 30;
const largestUnknownBytes = 2 ** 40;
const lookEveryBytes = 64 * 2 ** 20;

async function assertEnd(
  { offset }: State,
  justReceived: number,
  { folder, part, url }: DownloadOptions,
): Promise<void> {
  if (Math.floor(offset / lookEveryBytes) === Math.floor((offset - justReceived) / lookEveryBytes)) return;
  const shown = withoutCredentials(url);
  try {
    if (offset > largestUnknownBytes)
      throw new OperationError(
        'ANSWER_TOO_LARGE',
        `${shown} does not say how long it is, and did not end after ${offset} bytes`,
        { url: shown },
      );
    await assertSpace(folder, reservedBytes, `${shown}, which does not say how long it is,`);
  } catch (error) {
    // It could not be gone on with, and would fill the disk until somebody finds it.
    await removePart(part);
    throw error;
  }
}

/** Asks for what is missing; from the beginning where the server has another file by now, or does not go on. Undefined where nothing is missing. */
async function openAt(state: State, options: DownloadOptions): Promise<HttpAnswer | undefined> {
  if (state.offset > 0 && state.origin) {
    const condition = continuationHeader(state.origin);
    const continued = condition && (await openRange(state, { condition, mayDiffer: false }, options));
    if (continued) return continued === 'whole' ? undefined : continued;
    // A server that proves nothing, or has another ETag in each answer, would have us begin anew for ever; the checksum will tell.
    const spliced = options.isChecked ? await openRange(state, { condition: {}, mayDiffer: true }, options) : undefined;
    if (spliced) {
      state.isSpliced = true;
      return spliced === 'whole' ? undefined : spliced;
    }
  }
  return checked(await options.open({}, [200]), options);
}

interface Continuation {
  readonly condition: Readonly<Record<string, string>>;
  readonly mayDiffer: boolean;
}

/** The answer that goes on, or begins anew; `whole` where nothing is missing; undefined where the server does not go on. */
async function openRange(
  state: State,
  { condition, mayDiffer }: Continuation,
  options: DownloadOptions,
): Promise<HttpAnswer | 'whole' | undefined> {
  const answer = await options.open({ Range: `bytes=${state.offset}-`, ...condition }, [200, 206, 412, 416]);
  if (answer.status === 200 || (answer.status === 206 && continues(state, answer, mayDiffer)))
    return checked(answer, options);
  answer.body.destroy();
  if (answer.status === 416 && isWhole(state, answer)) return 'whole';
  options.onInterruption(`it cannot be continued (${answer.status})`, state.offset);
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

function continues({ offset, origin }: State, answer: HttpAnswer, mayDiffer: boolean): boolean {
  const [, start, total] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(answer.header('content-range') ?? '') ?? [];
  if (Number(start) !== offset || (total !== '*' && origin?.bytes !== undefined && Number(total) !== origin.bytes))
    return false;
  if (mayDiffer) return true;
  const etag = answer.header('etag');
  if (origin?.etag !== undefined && etag !== undefined) return etag === origin.etag;
  const lastModified = answer.header('last-modified');
  return origin?.lastModified === undefined || lastModified === undefined || lastModified === origin.lastModified;
}

async function begin(
  state: State,
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
      `${url} comes without Content-Length and not in chunks: nothing would tell a break from its end; give a checksum`,
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

/** The server has no byte behind ours, and as many as we have. */
function isWhole({ offset, origin }: State, answer: HttpAnswer): boolean {
  return offset === origin?.bytes && answer.header('content-range') === `bytes */${offset}`;
}

/** A file that is compressed by itself is often served so; what a server compresses on its own is not the file, and is refused. */
function assertPlain(answer: HttpAnswer, { url, isChecked }: DownloadOptions): void {
  const header = answer.header('content-encoding');
  const encoding = isChecked ? compressionIn(header) : encodingIn(header);
  if (encoding === undefined || /\.(t?gz|z|bz2|xz|zst|br)$/i.test(new URL(url).pathname)) return;
  const shown = withoutCredentials(url);
  throw new OperationError(
    'SOURCE_ENCODED',
    `${shown} comes as ${encoding} although identity was asked for; have the server send it as it is`,
    { url: shown, encoding },
  );
}

/** A portal's login page comes with 200 for whatever was asked for. Where a checksum is given it tells more. */
function assertNoWebPage(first: Buffer, answer: HttpAnswer, { url, isChecked }: DownloadOptions): void {
  if (
    isChecked ||
    /\.x?html?$/i.test(new URL(url).pathname) ||
    !isWebPage(first.subarray(0, 4096), answer.header('content-type'))
  )
    return;
  const shown = withoutCredentials(url);
  throw new OperationError(
    'WEB_PAGE',
    `${shown} was answered by a web page instead of a file: a login, or the notice of a proxy or portal; if it is the file, give its checksum`,
    { url: shown },
  );
}

/** By how it begins; by its type only where it is a text at all, since some servers call every file HTML. */
function isWebPage(first: Buffer, type = ''): boolean {
  const text = first.toString('latin1');
  const beginsSo =
    /^(?:ï»¿)?\s*(?:<\?xml[^>]*>\s*)?(?:<!--[\s\S]*?-->\s*)*<(?:!doctype\s+html|html|head|body|script|title|meta)\b/i.test(
      text,
    );
  return beginsSo || (/^(?:text\/html|application\/xhtml\+xml)\b/i.test(type) && !/[\x00-\x08\x0e-\x1f]/.test(text));
}
