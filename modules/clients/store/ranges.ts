// Several parts of one object at once, put in order within a bounded window: for a store, or a long
// line, that limits each connection.
import { ConnectionError, statusOf } from '../http/errors.js';
import { isWorthRepeating, retryAfterSeconds } from '../http/retry.js';
import { messageOf } from '../../core/errors.js';
import { mebibyte } from '../../core/sizes.js';
import { withoutCredentials } from '../../core/urls.js';
import { sleep } from '../../core/waiting.js';
import type { StoreObject } from './object.js';
import { canBeContinued, openRange, type RequestOptions } from './source-requests.js';

/**
 * The window has one part for each connection. Larger parts would take more memory; smaller ones
 * would leave a long line empty between two requests more often.
 */
const usualSegmentBytes = 4 * mebibyte;

export interface RangeOptions extends RequestOptions {
  readonly connections: number;
  readonly segmentBytes?: number;
  readonly firstPauseMs?: number;
  /** Called when this object should be read by one connection from now on. */
  readonly onRangesFailed: () => void;
}

/**
 * Yields what `first` does, the data from `offset` on. While that is what its reader waits for, more
 * connections are opened: first one, and only when that has been answered properly does `first` end
 * where it began. If anything is wrong with a part, the data stop there with CONNECTION_BROKEN, or
 * with the answer of a server that is busy.
 */
export async function* readWidely(
  object: StoreObject,
  offset: number,
  first: AsyncGenerator<Buffer, void, void>,
  options: RangeOptions,
): AsyncGenerator<Buffer, void, void> {
  const segmentBytes = options.segmentBytes ?? usualSegmentBytes;
  if (options.connections < 2 || !canBeContinued(object) || object.bytes - offset < 4 * segmentBytes) {
    yield* first;
    return;
  }
  const meter = startMeter();
  let position = offset;
  let segments: Segments | undefined;
  let mayWiden = true;
  try {
    for (;;) {
      const asked = performance.now();
      const { done, value } = await first.next();
      meter.waited(performance.now() - asked);
      if (done) return;
      // The parts can be proven, or fail, while the reader has the chunk.
      const chunk = segments?.isProven ? value.subarray(0, segments.start - position) : value;
      position += chunk.length;
      if (chunk.length > 0) yield chunk;
      // What was cut off is only in the parts, even if these have failed: then they say so.
      if (segments?.isProven && position === segments.start) break;
      // Failed, or the first connection was faster than the answer to the second one.
      if (segments && (segments.failure !== undefined || position >= segments.start)) {
        mayWiden = segments.failure === undefined;
        segments.stop();
        segments = undefined;
      }
      if (!segments && mayWiden && meter.isWaiting() && object.bytes - position >= 3 * segmentBytes)
        segments = openSegments(object, position + segmentBytes, { ...options, segmentBytes });
    }
    await first.return();
    widen(segments);
    yield* inOrder(segments);
  } finally {
    segments?.stop();
    await first.return();
  }
}

const meterMs = 250;
const waitingShare = 0.7;
/** With more connections a process that is busy for longer than this would hardly be faster. */
const busyShare = 0.6;

/**
 * Whether the reader spends most of its time waiting for data, and that is not because this process
 * is busy.
 */
function startMeter() {
  let since: number | undefined;
  let loop = performance.eventLoopUtilization();
  let waitedMs = 0;
  let isWaiting = false;
  const begin = (now: number): void => {
    since = now;
    loop = performance.eventLoopUtilization();
    waitedMs = 0;
  };
  return {
    waited: (ms: number): void => {
      const now = performance.now();
      // The first wait is that for the connection.
      if (since === undefined) return begin(now);
      waitedMs += ms;
      if (now - since < meterMs) return;
      isWaiting =
        waitedMs / (now - since) > waitingShare && performance.eventLoopUtilization(loop).utilization < busyShare;
      begin(now);
    },
    isWaiting: () => isWaiting,
  };
}

interface Segment {
  readonly start: number;
  readonly end: number;
  readonly chunks: Buffer[];
  received: number;
}

/** The parts of an object from `start` on. */
interface Segments {
  readonly object: StoreObject;
  readonly start: number;
  readonly options: RangeOptions & { readonly segmentBytes: number };
  readonly stopping: AbortController;
  /** In order; those that have not been handed over completely. */
  readonly window: Segment[];
  /** Where the next part begins. */
  next: number;
  /** How many connections there may be, and how many there are. */
  limit: number;
  working: number;
  /** Whether a part has begun to arrive. */
  isProven: boolean;
  failure: unknown;
  /** Called when something has arrived or failed, or a connection is finished. */
  wake: () => void;
  stop(): void;
}

function openSegments(object: StoreObject, start: number, options: Segments['options']): Segments {
  const stopping = new AbortController();
  const abort = (): void => stopping.abort(options.signal.reason);
  options.signal.addEventListener('abort', abort, { once: true });
  const segments: Segments = {
    object,
    start,
    options,
    stopping,
    window: [],
    next: start,
    limit: 1,
    working: 0,
    isProven: false,
    failure: undefined,
    wake: () => undefined,
    stop: () => {
      options.signal.removeEventListener('abort', abort);
      stopping.abort();
    },
  };
  fillWindow(segments);
  return segments;
}

/** Starts connections as far as they are allowed and the window has room. */
function fillWindow(segments: Segments): void {
  const { object, options, window, stopping } = segments;
  while (segments.failure === undefined && !stopping.signal.aborted && segments.working < segments.limit) {
    if (segments.next >= object.bytes || window.length >= options.connections) return;
    const end = Math.min(segments.next + options.segmentBytes, object.bytes);
    const segment: Segment = { start: segments.next, end, chunks: [], received: 0 };
    segments.next = end;
    segments.working += 1;
    window.push(segment);
    void receive(segment, segments).then(
      () => {
        segments.working -= 1;
        fillWindow(segments);
        segments.wake();
      },
      (error: unknown) => {
        segments.working -= 1;
        segments.failure ??= error;
        segments.wake();
      },
    );
  }
}

const mostFailures = 4;

/**
 * Receives one part, with continuations, but gives up when nothing has come for `stallSeconds`: one
 * connection, or a mirror, then still has time.
 */
async function receive(segment: Segment, segments: Segments): Promise<void> {
  const { object, options, stopping } = segments;
  const request = { ...options, stallSeconds: options.stallSeconds / 2, signal: stopping.signal };
  let lastProgress = performance.now();
  for (let failures = 0; segment.start + segment.received < segment.end; ) {
    const { received } = segment;
    const range = { offset: segment.start + received, end: segment.end };
    try {
      for await (const chunk of openRange(object, range, request)) {
        segment.chunks.push(chunk);
        segment.received += chunk.length;
        failures = 0;
        lastProgress = performance.now();
        if (!segments.isProven) prove(segments);
        segments.wake();
      }
      if (segment.received === received)
        throw new ConnectionError('CONNECTION_BROKEN', `it sent nothing from byte ${range.offset} on`);
    } catch (error) {
      stopping.signal.throwIfAborted();
      const isBusy = [429, 503].includes(statusOf(error) ?? 0);
      const isLast = segments.working === 1;
      // This one tries again; when another one is finished, it is not replaced.
      if (isBusy) segments.limit = Math.max(1, Math.min(segments.limit, segments.working - 1));
      const mayRepeat = segments.isProven && isWorthRepeating(error) && !(isBusy && isLast);
      const isIdle = performance.now() - lastProgress >= options.stallSeconds * 1000;
      if (!mayRepeat || isIdle || failures >= mostFailures) throw error;
      const pause = (options.firstPauseMs ?? 250) * 2 ** failures++;
      await sleep(Math.max(pause, retryAfterSeconds(error) * 1000), stopping.signal);
    }
  }
}

/** One connection is still the one that has read so far. */
function prove(segments: Segments): void {
  segments.isProven = true;
  segments.limit = segments.options.connections - 1;
  fillWindow(segments);
}

/** The connection that has read so far is free. */
function widen(segments: Segments): void {
  if (segments.limit === segments.options.connections - 1) segments.limit += 1;
  fillWindow(segments);
}

async function* inOrder(segments: Segments): AsyncGenerator<Buffer, void, void> {
  const { object, options, window } = segments;
  for (;;) {
    const [segment] = window;
    const chunk = segment?.chunks.shift();
    if (chunk) {
      yield chunk;
    } else if (segment && segment.start + segment.received === segment.end) {
      window.shift();
      fillWindow(segments);
    } else if (!segment && segments.next >= object.bytes) {
      return;
    } else if (segments.failure !== undefined || options.signal.aborted) {
      throw failed(object, segments.failure, options);
    } else {
      // Without a segment, for the end of the connection that is to be replaced.
      await new Promise<void>((resolve) => (segments.wake = resolve));
    }
  }
}

/** What ends the parts: afterwards one connection goes on, and decides by itself. */
function failed(object: StoreObject, failure: unknown, { signal, onRangesFailed }: RangeOptions): unknown {
  signal.throwIfAborted();
  onRangesFailed();
  if (statusOf(failure) !== undefined && isWorthRepeating(failure)) return failure;
  const message = `${withoutCredentials(object.url)} cannot be read in parts: ${messageOf(failure)}`;
  return new ConnectionError('CONNECTION_BROKEN', message, {}, failure);
}
