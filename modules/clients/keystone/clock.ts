// What time the services of a cloud report: the `Date` of their answers, and when Keystone issued a
// token.
import { isMapping } from '../../core/mapping.js';
import type { HttpAnswer, HttpClient, HttpRequest } from '../http/client.js';

/** The time in one answer. */
export interface ClockReading {
  /** How far this host's clock is ahead of the service's; negative if it is behind. */
  readonly aheadSeconds: number;
  /** Scheme, host and port of the service. */
  readonly origin: string;
  /** The service's own time. */
  readonly theirs: Date;
}

export interface WatchedClock {
  /** The same client, with its answers watched. */
  readonly http: HttpClient;
  /** The reading that is furthest from this host's clock; undefined if no answer had a time. */
  furthest(): ClockReading | undefined;
}

/** Watches the times in the answers that pass through a client. */
export function watchClock(http: HttpClient, now: () => Date): WatchedClock {
  let furthest: ClockReading | undefined;
  const note = (theirs: Date, url: string): void => {
    const aheadSeconds = (now().getTime() - theirs.getTime()) / 1000;
    if (Number.isNaN(aheadSeconds)) return;
    if (!furthest || Math.abs(aheadSeconds) > Math.abs(furthest.aheadSeconds))
      furthest = { aheadSeconds, origin: new URL(url).origin, theirs };
  };
  return {
    http: async (request) => {
      const answer = await http(request);
      note(new Date(answer.header('date') ?? Number.NaN), request.url);
      return isNewToken(request) ? withIssue(answer, (issued) => note(issued, request.url)) : answer;
    },
    furthest: () => furthest,
  };
}

/** A Keystone behind uwsgi sends no `Date`, but reports when it issued a token. */
function isNewToken({ method, url }: HttpRequest): boolean {
  return method === 'POST' && url.endsWith('/auth/tokens');
}

function withIssue(answer: HttpAnswer, note: (issued: Date) => void): HttpAnswer {
  return {
    ...answer,
    json: async () => {
      const body = await answer.json();
      const { issued_at: issued } = isMapping(body) && isMapping(body.token) ? body.token : {};
      if (typeof issued === 'string') note(new Date(issued));
      return body;
    },
  };
}
