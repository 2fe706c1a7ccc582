// Carries out what was planned for port groups. What another run has done meanwhile is accepted.
import { isUndecided } from '../clients/http/errors.js';
import { createPortGroup, getPortGroup, patchPortGroup } from '../clients/ironic/port-groups.js';
import { insistently, patiently } from './apply-ports.js';
import { portGroupTitle } from './policy/portgroup-wishes.js';
import type { PortGroupPlan } from './port-group-plan.js';
import type { NodeRun } from './run.js';

/** One after the other, before the ports that belong to them. */
export async function applyPortGroups(
  run: NodeRun,
  nodeUuid: string,
  plans: readonly PortGroupPlan[],
  done: () => void,
): Promise<void> {
  for (const plan of plans) {
    if (plan.isNew) await create(run, nodeUuid, plan);
    else
      await insistently(run, `changing port group ${portGroupTitle(plan.wish)}`, () =>
        patchPortGroup(
          run.ironic,
          plan.uuid,
          plan.changes.flatMap(({ steps }) => steps),
        ),
      );
    done();
  }
}

/** The UUID is ours: where the answer was lost, it tells whether the group was made. */
async function create(run: NodeRun, nodeUuid: string, { wish, uuid }: PortGroupPlan): Promise<void> {
  const own = Object.fromEntries(Object.entries(wish.attributes).filter(([, value]) => value !== null));
  const work = (): Promise<void> =>
    patiently(run, `creating port group ${portGroupTitle(wish)}`, () =>
      createPortGroup(run.ironic, { ...own, node_uuid: nodeUuid, uuid }),
    );
  try {
    await work();
  } catch (error) {
    if (!isUndecided(error)) throw error;
    if (!(await getPortGroup(run.ironic, uuid))) await work();
  }
}
