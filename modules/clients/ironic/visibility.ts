// What Ironic hides from this login. To the users of a project, even to its admin, Ironic shows
// only the nodes of which the project is owner or lessee (by default since 2024.1), and answers
// 200: a list alone proves nothing.
import { randomUUID } from 'node:crypto';
import { HttpError } from '../http/errors.js';
import type { Cloud } from '../keystone/cloud.js';

export interface NodeView {
  readonly seen: boolean;
  /** How that is known, and if nodes are hidden, what helps. */
  readonly why: string;
}

/**
 * Whether this login can see every node. `baremetal:conductor:get` and `baremetal:node:list_all`
 * have the same rule in every release, and the list for another project is refused unless all nodes
 * may be listed. Both must be granted, since a site may have changed either rule.
 */
export async function seesAllNodes(cloud: Cloud): Promise<NodeView> {
  if ((await cloud.baremetalScope()) === 'none') return { seen: true, why: 'this Bare Metal service has no projects' };
  const conductors = await ask(cloud, '/v1/conductors', '1.49');
  // Before 1.49 (Stein) nodes have no owner, so that none is hidden.
  if (conductors === 404 || conductors === 406)
    return { seen: true, why: 'this Bare Metal service is older than the owners of nodes' };
  if (conductors !== 200) return hidden(cloud, `GET /v1/conductors is answered with ${conductors}`);
  const list = await ask(cloud, `/v1/nodes?project=${randomUUID()}&fields=uuid&limit=1`, '1.65');
  if (list === 200) return { seen: true, why: 'all nodes may be listed' };
  // Ironic before 2021.2 has no such filter, and hides no nodes unless the site has changed its
  // policy.
  if (list === 400 || list === 406)
    return { seen: true, why: 'conductors may be listed, and this Bare Metal service has no filter by project' };
  return hidden(cloud, `the list of another project's nodes is answered with ${list}`);
}

/** Ironic answers 500 to a token of the wrong scope if the rule accepts only one scope. */
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

async function hidden(cloud: Cloud, what: string): Promise<NodeView> {
  return { seen: false, why: `not all nodes are shown to this login (${what}); ${await adviceOnRole(cloud)}` };
}

/** How to get the role and scope that a login lacks when Ironic refuses its request. */
export async function adviceOnRole(cloud: Cloud): Promise<string> {
  return (await cloud.baremetalScope()) === 'system'
    ? `the user of the login from ${cloud.source} lacks a role on the system: ` +
        'it needs reader to see all nodes, and admin to change them (openstack role add --user USER --system all ' +
        'admin)'
    : `the login from ${cloud.source} sees only the nodes of its project, and a system-scoped token is needed: ` +
        'give the user a role on the system (openstack role add --user USER --system all admin) ' +
        'and log in with a password, since application credentials cannot have system scope';
}
