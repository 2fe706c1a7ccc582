// What the doubles of Nova, Cinder, Ironic and Doni share: who may ask, and a page of a list.

import { Refusal, header } from './http-double.js';
import type { Answer, Call } from './http-double.js';
import type { Identity } from './keystone.js';

/** Answers instead of the double, where a test wants it to. */
export type Intervention = (call: Call) => Answer | undefined;

export interface ServiceOptions {
  readonly now?: () => number;
  readonly identify: (token: string | undefined) => Identity | undefined;
}

/** Lets only admins pass, as the policies of these services do for what belongs to all projects. */
export function refuseStrangers({ identify }: ServiceOptions, call: Call): void {
  const identity = identify(header(call, 'x-auth-token'));
  if (identity?.project === undefined)
    throw new Refusal({
      status: 401,
      body: { error: { code: 401, message: 'The request you have made requires authentication.' } },
    });
  if (!identity.isAdmin)
    throw new Refusal({
      status: 403,
      body: { forbidden: { code: 403, message: 'Policy does not allow this request to be performed.' } },
    });
}

export interface Page<T> {
  readonly rows: readonly T[];
  /** Path and query of the next page; there whenever this one is full. */
  readonly next: string | undefined;
}

/** The page behind `marker`, of at most `limit` and never more than `maximum` rows. */
export function pageOf<T>(
  all: readonly T[],
  { call, idOf, maximum, lost = 400 }: { call: Call; idOf: (row: T) => string; maximum: number; lost?: 400 | 404 },
): Page<T> {
  const { query, segments } = call;
  const marker = query.get('marker');
  const limit = Math.min(Number(query.get('limit') ?? maximum), maximum);
  const from = marker === null ? 0 : all.findIndex((row) => idOf(row) === marker) + 1;
  if (marker !== null && from === 0)
    throw new Refusal({ status: lost, body: { badRequest: { code: lost, message: `marker [${marker}] not found` } } });
  const rows = all.slice(from, from + limit);
  const last = rows.at(-1);
  if (last === undefined || rows.length < limit) return { rows, next: undefined };
  const rest = new URLSearchParams(query);
  rest.set('marker', idOf(last));
  return { rows, next: `/${segments.join('/')}?${rest}` };
}
