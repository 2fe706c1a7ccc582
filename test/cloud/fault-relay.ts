// Moves a body from one connection to the other, and does to it what a fault asks for. Nothing is
// kept: memory is constant whatever the size, and a slow reader slows the sender.

import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

const wrongLength = 4;

export interface Shape {
  readonly cutAfter?: number | undefined;
  readonly stallAfter?: number | undefined;
  readonly wrongBytes?: number | undefined;
  readonly bytesPerSecond?: number | undefined;
}

/** Thrown when the body has reached the byte where it is to be cut. */
export class CutError extends Error {}

/**
 * Relays `source` into `sink` without ending it. When the sink goes away the rest of the source is
 * read and dropped; when `over` aborts, a stall and a pause end with an error.
 */
export async function relay(
  source: Readable,
  sink: Writable,
  options: { shape: Shape; over: AbortSignal; count: (bytes: number) => void },
): Promise<void> {
  const { shape, over, count } = options;
  const limit = Math.min(shape.cutAfter ?? Infinity, shape.stallAfter ?? Infinity);
  const pace = shape.bytesPerSecond === undefined ? undefined : pacer(shape.bytesPerSecond, over);
  let offset = 0;
  if (limit === 0) await stop(sink, shape, over);
  for await (const chunk of source as AsyncIterable<Buffer>) {
    const piece = offset + chunk.length > limit ? chunk.subarray(0, limit - offset) : chunk;
    if (shape.wrongBytes !== undefined) invert(piece, shape.wrongBytes - offset);
    offset += piece.length;
    count(piece.length);
    if (!sink.destroyed && !sink.write(piece)) await drained(sink);
    if (offset >= limit) await stop(sink, shape, over);
    await pace?.(offset);
  }
}

/** Ends a body early; returns only by an error. */
async function stop(sink: Writable, shape: Shape, over: AbortSignal): Promise<never> {
  // The bytes before the cut have to be on their way, or closing would drop them.
  await new Promise<void>((resolve) => void sink.write('', () => resolve()));
  const stalls = shape.stallAfter !== undefined && shape.stallAfter <= (shape.cutAfter ?? Infinity);
  if (stalls && !over.aborted) await new Promise((resolve) => over.addEventListener('abort', resolve, { once: true }));
  throw new CutError(stalls ? 'stalled' : 'cut');
}

function invert(piece: Buffer, from: number): void {
  for (let at = Math.max(from, 0); at < Math.min(from + wrongLength, piece.length); at++)
    piece[at] = ~piece[at]! & 0xff;
}

function drained(sink: Writable): Promise<void> {
  return new Promise((resolve) => {
    function done(): void {
      sink.off('drain', done).off('close', done).off('error', done);
      resolve();
    }
    sink.once('drain', done).once('close', done).once('error', done);
  });
}

/**
 * Waits until so many bytes may have passed. Time that a slow reader lost is made up for, but not
 * more than 50 ms of it.
 */
function pacer(bytesPerSecond: number, over: AbortSignal): (bytes: number) => Promise<void> {
  let start = performance.now();
  return async (bytes) => {
    const ahead = start + (bytes / bytesPerSecond) * 1000 - performance.now();
    if (ahead < -50) start -= ahead + 50;
    // Timers are good to a millisecond; what they oversleep is made up for by the chunks that
    // follow.
    if (ahead >= 2) await sleep(ahead, undefined, { signal: over });
  };
}
