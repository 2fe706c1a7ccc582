// Names of projects, if Keystone lets this login list them.
import { textAt } from '../paging.js';
import type { Cloud } from './cloud.js';

/** Names by ids. Throws if the login may not list projects. */
export async function listProjectNames(cloud: Cloud): Promise<ReadonlyMap<string, string>> {
  const answer = await cloud.request('identity', { method: 'GET', path: '/v3/projects' });
  const { projects } = (await answer.json()) as { projects?: unknown };
  const rows = Array.isArray(projects) ? (projects as Readonly<Record<string, unknown>>[]) : [];
  return new Map(rows.map((row) => [textAt(row, 'id'), textAt(row, 'name')]));
}
