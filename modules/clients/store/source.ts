// The data of an object as one continuous stream: a broken connection is resumed where it stopped, if
// need be from a mirror.
import { ConnectionError } from '../http/errors.js';
import { isWorthRepeating, retryAfterSeconds } from '../http/retry.js';
import { messageOf, OperationError } from '../../core/errors.js';
import { isFileUrl, withoutCredentials } from '../../core/urls.js';
import { sleep } from '../../core/waiting.js';
import type { StoreObject } from './object.js';
import { readWidely } from './ranges.js';
import { probeObject } from './reading.js';
import { canBeContinued, changed, isChecked, openAt, type RequestOptions } from './source-requests.js';

/** The data go on from another URL. */
export interface SourceSwitch {
  /** Both without credentials. */
  readonly from: string;
  readonly to: string;
  readonly reason: string;
  readonly offset: number;
}

export function switchBetween(from: string, to: string, error: unknown, offset: number): SourceSwitch {
  return { from: withoutCredentials(from), to: withoutCredentials(to), reason: messageOf(error), offset };
}

export interface SourceOptions extends RequestOptions {
  /**
   * Seconds without progress after which the stream is given up. The upload waits in the meantime,
   * and its server has its own timeout.
   */
  readonly budgetSeconds: number;
  /**
   * The pause before the first continuation, 250 by default; without progress each further one is
   * twice as long, up to 5 s.
   */
  readonly firstPauseMs?: number;
  readonly onInterruption: (reason: string, offset: number) => void;
  /** URLs of the same bytes, in the order in which they are tried. */
  readonly mirrors?: readonly string[];
  readonly onSwitch?: (switched: SourceSwitch) => void;
  /** How many parts of the object may be read at once while it is slower than its reader; 1 by default. */
  readonly connections?: number;
  /** Size of these parts, 8 MiB by default. */
  readonly segmentBytes?: number;
}

/**
 * How long a source may send nothing if there is another one. Doubled when all of them have been
 * tried.
 */
export const mirrorPatienceSeconds = 10;

/**
 * Yields exactly `object.bytes` bytes. A broken connection is continued with Range. If a checksum is
 * published, that verifies that it was the same object throughout, whatever the validators say;
 * otherwise If-Match does (never If-Range, which Swift ignores), and without a validator nothing is
 * continued. Where one URL fails twice in a row the next one is tried: after the first byte only if
 * a checksum is published. Throws SOURCE_CHANGED if the object is a different one, SOURCE_BROKEN if
 * the connection stays broken or cannot be continued.
 */
export async function* readSource(object: StoreObject, options: SourceOptions): AsyncGenerator<Buffer, void, void> {
  const places = [object, ...(options.mirrors ?? []).map((url) => asMirrored(object, url))];
  let place = object;
  let offset = 0;
  let lastProgress = performance.now();
  let mostConnections = options.connections ?? 1;
  const isSafeAt = (position: number): boolean => position === 0 || isChecked(object);
  for (let failures = 0, hasProgress = false; offset < object.bytes; ) {
    const others = places.filter((other) => other !== place);
    const patience = mirrorPatienceSeconds * 2 ** Math.floor(failures / places.length);
    const stallSeconds =
      others.length > 0 && isSafeAt(offset) ? Math.min(options.stallSeconds, patience) : options.stallSeconds;
    const connections = isFileUrl(place.url) ? 1 : mostConnections;
    const reading = { ...options, stallSeconds, connections, onRangesFailed: () => void (mostConnections = 1) };
    try {
      for await (const chunk of readWidely(place, offset, openAt(place, offset, reading), reading)) {
        if (offset + chunk.length > object.bytes)
          throw changed(place, `it is longer than the previous ${object.bytes} bytes`);
        offset += chunk.length;
        failures = 0;
        hasProgress = true;
        yield chunk;
        lastProgress = performance.now();
      }
      if (offset < object.bytes)
        throw new ConnectionError('CONNECTION_BROKEN', `it ended after ${offset} of ${object.bytes} bytes`);
    } catch (error) {
      options.signal.throwIfAborted();
      const isPassing = isWorthRepeating(error);
      const mayTurn = others.length > 0 && isSafeAt(offset) && (!isPassing || !hasProgress);
      if (!isPassing && (!mayTurn || !(error instanceof OperationError))) throw error;
      const idleSeconds = (performance.now() - lastProgress) / 1000;
      if (idleSeconds > options.budgetSeconds) throw broken(object, offset, error);
      if (offset > 0 && !canBeContinued(place)) throw broken(place, offset, error);
      failures += 1;
      hasProgress = false;
      const next = mayTurn ? (places[places.indexOf(place) + 1] ?? places[0]) : place;
      // What has changed or is gone stays so.
      if (!isPassing) places.splice(places.indexOf(place), 1);
      if (next && next !== place) {
        options.onSwitch?.(switchBetween(place.url, next.url, error, offset));
        place = next;
        if (!isPassing || failures % places.length !== 0) continue;
      } else {
        options.onInterruption(messageOf(error), offset);
      }
      const pause = Math.min((options.firstPauseMs ?? 250) * 2 ** (failures - 1), 5000);
      await sleep(Math.max(pause, retryAfterSeconds(error) * 1000), options.signal);
    }
  }
}

/** The same object at another URL, which has validators of its own. */
export function asMirrored(
  { etag: _etag, lastModified: _lastModified, ...object }: StoreObject,
  url: string,
): StoreObject {
  return { ...object, url };
}

/** The complete content of a URL, by the same rules. */
export async function* readUrl(
  url: string,
  { http, signal }: Pick<SourceOptions, 'http' | 'signal'>,
): AsyncGenerator<Buffer, void, void> {
  const { object } = await probeObject(http, url);
  yield* readSource(object, { http, signal, stallSeconds: 60, budgetSeconds: 120, onInterruption: () => undefined });
}

function broken(object: StoreObject, offset: number, cause: unknown): OperationError {
  const url = withoutCredentials(object.url);
  return new OperationError(
    'SOURCE_BROKEN',
    `the download of ${url} stopped at byte ${offset} of ${object.bytes} and could not be continued: ` +
      `${messageOf(cause)}`,
    { url, offset },
    cause,
  );
}
