// Whether this login sees every node. Ironic shows a project's user, its admin too, only the nodes of which the project is owner or lessee
// (by default from 2024.1 on), and answers 200: a list alone proves nothing.
import { randomUUID } from 'node:crypto';
import { HttpError } from '../http/errors.js';
import type { Cloud } from '../keystone/cloud.js';

export interface Visibility {
  readonly seen: boolean;
  /** How that is known, and where not all is seen what helps. */
  readonly why: string;
}

/**
 * Asks Ironic what it allows this login. `baremetal:conductor:get` and `baremetal:node:list_all` have the same rule in every release; a list
 * for another project is refused unless all nodes may be listed. Both must be granted, as a site may have changed either.
 */
export async function seesAllNodes(cloud: Cloud): Promise<Visibility> {
  if ((await cloud.baremetalScope()) === 'none') return { seen: true, why: 'this Bare Metal service has no projects' };
  const conductors = await ask(cloud, '/v1/conductors', '1.49');
  // Versions before 1.49 (Stein) know no owner of a node, and so hide none.
  if (conductors === 404 || conductors === 406)
    return { seen: true, why: 'this Bare Metal service is older than the owners of nodes' };
  if (conductors !== 200) return hidden(cloud, `GET /v1/conductors is answered by ${conductors}`);
  const list = await ask(cloud, `/v1/nodes?project=${randomUUID()}&fields=uuid&limit=1`, '1.65');
  if (list === 200) return { seen: true, why: 'all nodes may be listed' };
  // Ironic before 2021.2 has no such filter, and no nodes of projects unless a site has made it so.
  if (list === 400 || list === 406)
    return { seen: true, why: 'conductors may be listed, and this Bare Metal service has no filter by project' };
  return hidden(cloud, `the list of another project's nodes is answered by ${list}`);
}

/** 500 is what Ironic makes of a token of the wrong scope where a rule takes one scope only. */
async function ask(cloud: Cloud, path: string, version: string): Promise<number> {
  try {
    const headers = { 'X-OpenStack-Ironic-API-Version': version };
    const answer = await cloud.request('baremetal', {
      method: 'GET',
      path,
      headers,
      expect: [200, 400, 404, 406, 500],
    });
    await answer.text();
    return answer.status;
  } catch (error) {
    if (error instanceof HttpError && error.status === 403) return 403;
    throw error;
  }
}

async function hidden(cloud: Cloud, what: string): Promise<Visibility> {
  return { seen: false, why: `not all nodes are shown to this login (${what}); ${await adviceOnRole(cloud)}` };
}

/** What gives a login that Ironic refuses something to the role and the scope that it lacks. */
export async function adviceOnRole(cloud: Cloud): Promise<string> {
  return (await cloud.baremetalScope()) === 'system'
    ? `the user of the login from ${cloud.source} has too small a role on the system: it needs reader to see all nodes, and admin to change them (openstack role add --user USER --system all admin)`
    : `the login from ${cloud.source} sees the nodes of its project only: a token of the whole system is needed; give the user a role there (openstack role add --user USER --system all admin) and log in by password, as an application credential cannot have it`;
}
