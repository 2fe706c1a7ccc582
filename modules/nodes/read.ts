// Reads everything that the decision over one node needs, and has it made.
import { randomUUID } from 'node:crypto';
import { getPortGroup, listPortGroups, type PortGroup } from '../clients/ironic/port-groups.js';
import type { DesiredNode } from './policy/desired-node.js';
import type { DesiredPortGroup } from './policy/desired-port-group.js';
import type { ImageFacts } from './policy/node-images.js';
import { driverUse, type DriverOffer } from './policy/driver-checks.js';
import { decideNode, type NodePlan } from './policy/node-plan.js';
import { isSamePortGroup, portGroupVersionFaults, type PortGroupFinding } from './policy/port-group-plan.js';
import { missingPorts, type ForeignPort } from './policy/port-plan.js';
import {
  compareNode,
  imagesToCheck,
  imageSourceToHash,
  parentToFind,
  type ComparisonFindings,
  type NodeSituation,
} from './policy/node-comparison.js';
import type { ExistingNode, NodeRun, PortRun } from './run.js';

/** The plan for a node. Writes nothing. */
export async function planNode(
  run: NodeRun,
  desired: DesiredNode,
  existing: ExistingNode | undefined,
): Promise<NodePlan> {
  const situation: NodeSituation = { existing, desired, rules: run.settings, minor: run.ironic.minor };
  const basics = await readForComparison(run, situation);
  return decideNode(situation, {
    ...basics,
    portGroups: await readPortGroups(run, desired.portgroups ?? [], existing),
    foreignPorts: await readForeignPorts(run, situation),
    images: await readImages(run, situation, basics),
    driverOffer: await readDrivers(run, situation, basics),
  });
}

async function readForComparison({ images, existing }: NodeRun, situation: NodeSituation): Promise<ComparisonFindings> {
  const source = imageSourceToHash(situation);
  const imageSha256 = source === undefined ? undefined : await images.sha256Of(source);
  const parent = parentToFind(situation);
  const parentUuid = parent === undefined ? undefined : (await existing.reread(parent))?.node.uuid;
  return { imageSha256, parentUuid, salt: randomUUID() };
}

/** Nothing for a server that is too old for one of them. */
async function readPortGroups(
  run: NodeRun,
  desired: readonly DesiredPortGroup[],
  existing: ExistingNode | undefined,
): Promise<PortGroupFinding[]> {
  const { ironic } = run;
  if (desired.length === 0 || portGroupVersionFaults(desired, ironic.minor).length > 0) return [];
  const present = existing ? await listPortGroups(ironic, { node: existing.node.uuid }) : [];
  const findings: PortGroupFinding[] = [];
  for (const each of desired) {
    const own = present.find((group) => isSamePortGroup(group, each));
    const other = own ? undefined : await findPortGroup(run, each);
    findings.push({
      own,
      foreign: other && { title: other.name || other.uuid, owner: await run.existing.titleOf(other.node_uuid) },
      newUuid: randomUUID(),
    });
  }
  return findings;
}

/** On any node: Ironic has each UUID, name and address of port groups only once. */
async function findPortGroup({ ironic }: NodeRun, desired: DesiredPortGroup): Promise<PortGroup | undefined> {
  const { name, address } = desired.attributes;
  const idents = [desired.uuid, name].filter((ident) => typeof ident === 'string');
  const named = (await Promise.all(idents.map((ident) => getPortGroup(ironic, ident)))).find(
    (group) => group !== undefined,
  );
  return named ?? (typeof address === 'string' ? (await listPortGroups(ironic, { address }))[0] : undefined);
}

async function readForeignPorts(run: NodeRun, situation: NodeSituation): Promise<ReadonlyMap<string, ForeignPort>> {
  const found = new Map<string, ForeignPort>();
  const missing = missingPorts({ existing: situation.existing, desired: situation.desired.ports });
  for (const { address } of missing) {
    const foreign = await readForeignPort(run, address, situation.existing?.node.uuid);
    if (foreign) found.set(address, foreign);
  }
  return found;
}

/** The port with this address, if it belongs to a node other than this one. */
export async function readForeignPort(
  { existing }: PortRun,
  address: string,
  nodeUuid: string | undefined,
): Promise<ForeignPort | undefined> {
  const port = await existing.portWith(address);
  if (!port || port.node_uuid === nodeUuid) return undefined;
  return { port, owner: (await existing.reread(port.node_uuid))?.node };
}

async function readDrivers(
  { drivers }: NodeRun,
  situation: NodeSituation,
  basics: ComparisonFindings,
): Promise<DriverOffer | undefined> {
  const use = driverUse(situation, compareNode(situation, basics));
  return use && drivers.look(use);
}

async function readImages(
  { images }: NodeRun,
  situation: NodeSituation,
  basics: ComparisonFindings,
): Promise<ReadonlyMap<string, ImageFacts>> {
  const { allowedPaths = [] } = situation.rules;
  const texts = imagesToCheck(situation, compareNode(situation, basics)).map(({ text }) => text);
  const found = await Promise.all(texts.map(async (text) => [text, await images.look(text, allowedPaths)] as const));
  return new Map(found.flatMap(([text, facts]) => (facts === undefined ? [] : [[text, facts] as const])));
}
