// The login, its roles and scope, and the services with their versions.
import { nodeSelection } from '../../clients/nova/servers.js';
import { readServiceVersion, type VersionedService } from '../../clients/service-versions.js';
import type { Cloud } from '../../clients/keystone/cloud.js';
import { describeGrants } from '../../core/rights.js';
import { usesSources } from '../uses.js';
import type { CheckedRun, Observation } from '../policy/check-findings.js';
import { attempt, observe, type CheckRun } from './run.js';

const everyRun: readonly CheckedRun[] = ['deploy', 'clean', 'ipa_test'];
const cleanAndTest: readonly CheckedRun[] = ['clean', 'ipa_test'];

/** The services, and the runs that need them if the cloud has them. */
const services: readonly { readonly type: VersionedService; readonly title: string; fails: readonly CheckedRun[] }[] = [
  { type: 'identity', title: 'Keystone', fails: everyRun },
  { type: 'image', title: 'Glance', fails: everyRun },
  { type: 'compute', title: 'Nova', fails: cleanAndTest },
  { type: 'block-storage', title: 'Cinder', fails: ['clean'] },
  { type: 'baremetal', title: 'Ironic', fails: cleanAndTest },
  { type: 'inventory', title: 'Doni', fails: cleanAndTest },
  { type: 'reservation', title: 'Blazar', fails: ['ipa_test'] },
];

/** Who is logged in, with which roles in which scope. */
export async function checkLogin(run: CheckRun, cloud: Cloud): Promise<readonly Observation[]> {
  const ofProject = await observe(run, { check: 'login', subject: 'project', fails: ['deploy', 'clean'] }, async () => {
    const { source, grants } = await cloud.rights('image');
    const held = grants ? describeGrants(grants) : 'no Keystone, and may do everything';
    return [{ check: 'login', subject: 'project', text: `the login from ${source} has ${held}` }];
  });
  if (!cloud.hasService('baremetal') || !isChecked(run, cleanAndTest)) return ofProject;
  const ofSystem = await observe(run, { check: 'login', subject: 'system', fails: cleanAndTest }, async () => {
    const scope = await cloud.baremetalScope();
    const { grants = [] } = await cloud.rights('baremetal');
    const system = grants.filter((grant) => grant.scope === 'system');
    const text =
      scope === 'system'
        ? `Ironic gets a system-scoped token with ${describeGrants(system)}`
        : `Ironic gets the token of the ${scope === 'none' ? 'standalone service' : 'project'}`;
    return [{ check: 'login', subject: 'system', text }];
  });
  return [...ofProject, ...ofSystem];
}

export interface CheckedServices {
  readonly observations: readonly Observation[];
  /** The minor version of Ironic's API, if it told. */
  readonly ironicMinor: number | undefined;
}

export async function checkServices(run: CheckRun, cloud: Cloud): Promise<CheckedServices> {
  // Glance must be there.
  const present = services.filter(
    ({ type, fails }) => isChecked(run, fails) && (type === 'image' || cloud.hasService(type)),
  );
  const asked = await Promise.all(
    present.map(async ({ type, title, fails }) => {
      const part = { check: 'service', subject: type, fails };
      const { value, failure } = await attempt(run, part, () => readServiceVersion(cloud, type));
      if (failure) return { type, version: undefined, observation: failure };
      const { version, origin } = value;
      const text = `${title}${version === undefined ? '' : ` with API version ${version}`} answers at ${origin}`;
      const fault = type === 'compute' ? faultOfNova(version, cloud) : {};
      return { type, version, observation: { check: 'service', subject: type, text, ...fault } };
    }),
  );
  const ironic = asked.find(({ type }) => type === 'baremetal')?.version;
  const absent = run.runs.all.has('clean') ? usesSources(cloud).absent : [];
  return {
    observations: [...asked.map(({ observation }) => observation), ...absentObservation(absent)],
    ironicMinor: ironic === undefined ? undefined : minorIn(ironic),
  };
}

function isChecked({ runs }: CheckRun, needing: readonly CheckedRun[]): boolean {
  return needing.some((each) => runs.all.has(each));
}

/** A test of IPA images boots a server on a chosen node, unless Blazar chooses it. */
function faultOfNova(version: string | undefined, cloud: Cloud): Pick<Observation, 'fault'> {
  const isChoosing = cloud.hasService('baremetal') && !cloud.hasService('reservation');
  const { version: needed, purpose } = nodeSelection;
  if (!isChoosing || version === undefined || minorIn(version) >= minorIn(needed)) return {};
  return { fault: { fails: ['ipa_test'], code: 'UNSUPPORTED_VERSION', advice: `${purpose} needs version ${needed}` } };
}

function minorIn(version: string): number {
  return Number(version.split('.')[1]);
}

function absentObservation(absent: readonly string[]): Observation[] {
  if (absent.length === 0) return [];
  return [{ check: 'service', text: `the cloud has no ${absent.join(', ')}, so nothing there uses images` }];
}
