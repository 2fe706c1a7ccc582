// A site whose catalogue has the double of Ironic, and runs of the operations on nodes against it.
import type { Outcome } from '../../modules/core/operation.js';
import { baremetalEnroll } from '../../modules/nodes/enroll/operation.js';
import { baremetalNode } from '../../modules/nodes/node/operation.js';
import { baremetalPort } from '../../modules/nodes/port/operation.js';
import type { IronicDouble } from '../sandbox/ironic.js';
import type { SandboxOptions } from '../sandbox/sandbox.js';
import { startSite, type TestSite } from '../images/site.js';

type Given = Readonly<Record<string, unknown>>;
type Options = Parameters<TestSite['run']>[2];

export interface NodeSite extends TestSite {
  readonly ironic: IronicDouble;
  node(given: Given, options?: Options): Promise<Outcome>;
  port(given: Given, options?: Options): Promise<Outcome>;
  enroll(given: Given, options?: Options): Promise<Outcome>;
  /** `METHOD path` of requests to Ironic that change something. */
  nodeWrites(): string[];
}

export async function startNodeSite(
  services: NonNullable<SandboxOptions['services']> = ['baremetal'],
): Promise<NodeSite> {
  const site = await startSite({ services });
  const { baremetal: ironic } = site.users;
  return {
    ...site,
    ironic,
    node: (given, options) => site.run(baremetalNode, given, options),
    port: (given, options) => site.run(baremetalPort, given, options),
    enroll: (given, options) => site.run(baremetalEnroll, given, options),
    nodeWrites: () =>
      ironic.requests
        .filter(({ method }) => !['GET', 'HEAD'].includes(method))
        .map(({ method, path }) => `${method} ${path}`),
  };
}
