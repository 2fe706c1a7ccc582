// The progress of all announced work together: how much is done, how fast, and how long the rest
// takes. Nothing here reads a clock or writes.
import type { Progress } from '../core/operation.js';
import { formatBytes } from '../core/sizes.js';

export interface Totals {
  readonly doneBytes: number;
  readonly totalBytes: number;
  /** Pieces of work, such as images. */
  readonly donePieces: number;
  readonly pieces: number;
  /** Of the last seconds; undefined until that can be said. */
  readonly bytesPerSecond?: number;
  readonly secondsLeft?: number;
}

export interface RunningTotals {
  add(event: Progress, nowMs: number): void;
  /** Undefined until two pieces of work are announced: one alone has a bar of its own. */
  read(nowMs: number): Totals | undefined;
}

interface Piece {
  /** The stage that the announced bytes are about. */
  readonly stage: string;
  readonly totalBytes: number;
  readonly doneBytes: number;
  /** Of these, the ones whose transfer was not seen, such as those that Glance has fetched itself. */
  readonly unseenBytes: number;
  readonly isOver: boolean;
}

interface Sample {
  readonly atMs: number;
  readonly seenBytes: number;
}

/** How an operation reports that a piece of work is over. */
export const failedStage = 'failed';
const doneStage = 'done';
const windowMs = 20_000;
const sampleMs = 500;
/** A rate of a shorter time says nothing. */
const shortestMs = 1000;

export function createTotals(): RunningTotals {
  const pieces = new Map<string, Piece>();
  let samples: readonly Sample[] = [];
  return {
    add: (event, nowMs) => {
      const piece = pieceAfter(pieces.get(event.subject), event);
      if (!piece) return;
      pieces.set(event.subject, piece);
      samples = samplesAfter(samples, { atMs: nowMs, seenBytes: seenBytesOf(pieces) });
    },
    read: (nowMs) => {
      if (pieces.size < 2) return undefined;
      const doneBytes = sumOf(pieces, 'doneBytes');
      const totalBytes = sumOf(pieces, 'totalBytes');
      const rate = rateOf(samples, { atMs: nowMs, seenBytes: seenBytesOf(pieces) });
      return {
        ...{ doneBytes, totalBytes, pieces: pieces.size },
        donePieces: [...pieces.values()].filter(({ isOver }) => isOver).length,
        ...(rate === undefined ? {} : { bytesPerSecond: rate }),
        ...(rate === undefined || rate === 0 ? {} : { secondsLeft: (totalBytes - doneBytes) / rate }),
      };
    },
  };
}

/** Undefined for work that was not announced. */
function pieceAfter(piece: Piece | undefined, event: Progress): Piece | undefined {
  const { stage, totalBytes = 0, doneBytes } = event;
  if (event.isAnnounced) return piece ?? { stage, totalBytes, doneBytes: 0, unseenBytes: 0, isOver: false };
  if (!piece) return undefined;
  if (stage === doneStage) {
    const unseenBytes = piece.unseenBytes + piece.totalBytes - piece.doneBytes;
    return { ...piece, doneBytes: piece.totalBytes, unseenBytes, isOver: true };
  }
  // What a failed piece lacks will not come.
  if (stage === failedStage) return { ...piece, totalBytes: piece.doneBytes, isOver: true };
  if (stage !== piece.stage || doneBytes === undefined) return piece;
  const total = totalBytes > 0 ? totalBytes : piece.totalBytes;
  return { ...piece, totalBytes: total, doneBytes: Math.min(doneBytes, total), unseenBytes: 0 };
}

function sumOf(pieces: ReadonlyMap<string, Piece>, what: 'doneBytes' | 'totalBytes' | 'unseenBytes'): number {
  return [...pieces.values()].reduce((sum, piece) => sum + piece[what], 0);
}

function seenBytesOf(pieces: ReadonlyMap<string, Piece>): number {
  return sumOf(pieces, 'doneBytes') - sumOf(pieces, 'unseenBytes');
}

/** A transfer that begins anew takes bytes back, and with them what the samples say. */
function samplesAfter(samples: readonly Sample[], next: Sample): readonly Sample[] {
  const last = samples.at(-1);
  if (!last || next.seenBytes < last.seenBytes) return [next];
  if (next.atMs - last.atMs < sampleMs) return samples;
  const recent = samples.filter(({ atMs }) => atMs >= next.atMs - windowMs);
  return [...recent, next];
}

function rateOf(samples: readonly Sample[], now: Sample): number | undefined {
  const [oldest] = samples.filter(({ atMs }) => atMs >= now.atMs - windowMs);
  if (now.seenBytes === 0 || !oldest || now.atMs - oldest.atMs < shortestMs) return undefined;
  return Math.max(0, (now.seenBytes - oldest.seenBytes) / ((now.atMs - oldest.atMs) / 1000));
}

/** Such as `3 of 17 done, 4.2 GiB of 12.4 GiB, 98 MiB/s, 1 min 24 s left`. */
export function totalsText({ doneBytes, totalBytes, donePieces, pieces, bytesPerSecond, secondsLeft }: Totals): string {
  return [
    `${donePieces} of ${pieces} done`,
    `${formatBytes(doneBytes)} of ${formatBytes(totalBytes)}`,
    ...(bytesPerSecond === undefined ? [] : [`${formatBytes(bytesPerSecond)}/s`]),
    ...(secondsLeft === undefined ? [] : [`${formatTimeLeft(secondsLeft)} left`]),
  ].join(', ');
}

/** The two largest units, such as `45 s`, `1 min 24 s` or `2 h 5 min`. */
export function formatTimeLeft(seconds: number): string {
  const whole = Math.ceil(seconds);
  const minutes = Math.floor(whole / 60);
  if (minutes === 0) return `${whole} s`;
  if (minutes < 60) return `${minutes} min ${whole % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
