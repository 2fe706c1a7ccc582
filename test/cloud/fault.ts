// What can be made to go wrong with a request, and the choice of the requests it happens to.

import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';

/** One request that reached the proxy; the counts and statuses grow while it runs. */
export interface RecordedRequest {
  readonly method: string;
  /** Path and query, as sent. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** Bytes of the client's body that the proxy has read. */
  readonly bytesReceived: number;
  /** Bytes of the answer's body that the proxy has handed to the client's connection. */
  readonly bytesSent: number;
  /** What the client was answered; undefined while, and if, it was not. */
  readonly status: number | undefined;
  /** What the target answered; undefined if it was not asked or did not answer. */
  readonly targetStatus: number | undefined;
  /** Why the exchange ended early, where it did. */
  readonly error: string | undefined;
}

export type Hook = (request: RecordedRequest) => void | Promise<void>;

/**
 * Which requests, and what happens to them; effects can be combined, in one fault or by several
 * that match.
 */
export interface Fault {
  /** Only this method; any if absent. */
  readonly method?: string;
  /** Only paths (with query) that match; any if absent. */
  readonly path?: RegExp;
  /** Only the n-th match, counted from 1 since the fault was added. */
  readonly nth?: number;
  /** The n-th match and all that follow; every match if neither is given. */
  readonly fromNth?: number;

  /** Awaited before anything is forwarded. */
  readonly before?: Hook;
  /**
   * Awaited when the target has answered (so it has acted) and the client has heard nothing yet.
   */
  readonly answered?: Hook;
  /** Awaited when the whole answer is in the client's connection. */
  readonly after?: Hook;
  /** The pause before the request is forwarded or answered. */
  readonly delaySeconds?: number;

  /** Answers this without asking the target, with `body` and `setHeaders`. */
  readonly status?: number;
  readonly body?: string;
  /** The answer of `status` does not end: its body, or blanks, come again and again. */
  readonly endless?: boolean;
  /**
   * Whether `status` comes when the client has sent its body (the default), or while it still
   * sends.
   */
  readonly answerWhen?: 'after-body' | 'at-once';
  /** Lets the target act and answer, then kills the client's connection instead of answering. */
  readonly passThenCut?: boolean;

  /** Forwards so many bytes of the upload, then kills both connections. */
  readonly cutRequestAfter?: number;
  /** Forwards so many bytes of the upload, then reads no more; both connections stay open. */
  readonly stallRequestAfter?: number;
  /** Sends the head and so many bytes of the answer, then kills the connections. */
  readonly cutResponseAfter?: number;
  /** Sends the head and so many bytes of the answer, then nothing; the connection stays open. */
  readonly stallResponseAfter?: number;
  /** Inverts four bytes of the answer's body, from this offset. */
  readonly wrongBytes?: number;
  /** Hides Range, If-Range and If-Match from the target, so that it answers 200 with everything. */
  readonly ignoreRange?: boolean;
  /** Speed limit of each direction of each request. */
  readonly throttleBytesPerSecond?: number;
  /** Headers of the answer that the client does not get. */
  readonly dropHeaders?: readonly string[];
  /** Headers of the answer that are added or replaced. */
  readonly setHeaders?: OutgoingHttpHeaders;
}

/**
 * A fault in force; `matches` counts the requests that its method and path fit, `remove` ends it.
 */
export interface ActiveFault {
  readonly matches: number;
  remove(): void;
}

/** The faults in force, in the order they were added. */
export interface FaultList {
  add(fault: Fault): ActiveFault;
  clear(): void;
  /**
   * The effects on this request, all that apply in one; of equal ones the fault added last decides.
   */
  effectOn(request: Pick<RecordedRequest, 'method' | 'path'>): Fault;
}

/** Makes an empty list. */
export function faultList(): FaultList {
  const entries = new Set<{ fault: Fault; matches: number }>();

  function add(fault: Fault): ActiveFault {
    const entry = { fault, matches: 0 };
    entries.add(entry);
    return {
      get matches() {
        return entry.matches;
      },
      remove: () => void entries.delete(entry),
    };
  }

  function effectOn(request: Pick<RecordedRequest, 'method' | 'path'>): Fault {
    let effect: Fault = {};
    for (const entry of entries) {
      if (!fits(entry.fault, request)) continue;
      entry.matches += 1;
      if (isDue(entry.fault, entry.matches)) effect = { ...effect, ...entry.fault };
    }
    return effect;
  }

  return { add, clear: () => entries.clear(), effectOn };
}

function fits(fault: Fault, request: Pick<RecordedRequest, 'method' | 'path'>): boolean {
  if (fault.method !== undefined && fault.method.toUpperCase() !== request.method) return false;
  // A RegExp with the flag g would remember where it stopped; `search` does not.
  return fault.path === undefined || request.path.search(fault.path) !== -1;
}

function isDue(fault: Fault, match: number): boolean {
  if (fault.nth !== undefined) return match === fault.nth;
  return match >= (fault.fromNth ?? 1);
}
