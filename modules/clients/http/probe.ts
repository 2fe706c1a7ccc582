// What a server reports about a URL before its content is read: by HEAD, or by the head of a GET if
// HEAD is refused.
import type { HttpAnswer, HttpClient } from './client.js';
import { ConnectionError, HttpError } from './errors.js';
import { isWorthRepeating } from './retry.js';

export interface Probe extends Pick<HttpAnswer, 'status' | 'header' | 'headers'> {
  /** Size of the complete file; undefined if the server does not report it. */
  readonly bytes: number | undefined;
}

export interface ProbeOptions {
  /**
   * Whether to try GET if HEAD reports no length, or 0, as servers do that generate their answers.
   */
  readonly needsLength?: boolean;
  /** Conditions for the GET, such as If-None-Match; the answer may then be 304. */
  readonly conditions?: Readonly<Record<string, string>>;
}

const identity = { 'Accept-Encoding': 'identity' };

/**
 * Tries HEAD. A server may refuse it in any way and still answer GET: signed URLs are for one
 * method, gateways answer 404, some hang up. So unless HEAD is answered with 200, a GET of one byte
 * decides, and its failure is the one that is thrown.
 */
export async function probeUrl(
  http: HttpClient,
  url: string,
  { needsLength = false, conditions = {} }: ProbeOptions = {},
): Promise<Probe> {
  const head = await askByHead(http, url);
  if (head && (head.bytes || !needsLength)) return head;
  const answer = await http({
    method: 'GET',
    url,
    followRedirects: true,
    headers: { ...identity, Range: 'bytes=0-0', ...conditions },
    expect: [200, 206, 304, 416],
  });
  answer.body.destroy();
  return probeOf(answer, wholeLength(answer));
}

async function askByHead(http: HttpClient, url: string): Promise<Probe | undefined> {
  try {
    const answer = await http({
      method: 'HEAD',
      url,
      followRedirects: true,
      headers: identity,
      expect: [200],
      repeatable: 'when-busy',
    });
    answer.body.destroy();
    return probeOf(answer, lengthOf(answer) || undefined);
  } catch (error) {
    if (error instanceof HttpError || (error instanceof ConnectionError && isWorthRepeating(error))) return undefined;
    throw error;
  }
}

function probeOf({ status, header, headers }: HttpAnswer, bytes: number | undefined): Probe {
  return { status, header, headers, bytes };
}

/** The Content-Length of an answer. */
export function lengthOf(answer: Pick<HttpAnswer, 'header'>): number | undefined {
  const length = answer.header('content-length')?.trim();
  return length !== undefined && /^\d{1,16}$/.test(length) ? Number(length) : undefined;
}

/** The length of the complete file, from the answer to a GET with or without Range. */
export function wholeLength(answer: Pick<HttpAnswer, 'header' | 'status'>): number | undefined {
  if (answer.status === 200) return lengthOf(answer);
  const [, total] = /\/(\d{1,16})$/.exec(answer.header('content-range')?.trim() ?? '') ?? [];
  return total === undefined ? undefined : Number(total);
}
