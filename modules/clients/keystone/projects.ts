// Names of projects, if Keystone lets this login list them.
import { OperationError } from '../../core/errors.js';
import { isMapping } from '../../core/mapping.js';
import { textAt } from '../paging.js';
import type { Cloud } from './cloud.js';

/** Names by ids. Throws if the login may not list projects. */
export async function listProjectNames(cloud: Cloud): Promise<ReadonlyMap<string, string>> {
  const answer = await cloud.request('identity', { method: 'GET', path: '/v3/projects' });
  const body = await answer.json();
  const rows: unknown = isMapping(body) ? body.projects : undefined;
  if (!Array.isArray(rows))
    throw new OperationError('UNEXPECTED_ANSWER', 'GET /v3/projects of the identity service has no list of projects');
  return new Map(rows.filter(isMapping).map((row) => [textAt(row, 'id'), textAt(row, 'name')]));
}
