// Reads what the page shows. What cannot be read is unknown, with the reason, and the rest is
// shown.
import type { Image } from '../../clients/glance/images.js';
import { openIronic } from '../../clients/ironic/api.js';
import { listNodes, type Node } from '../../clients/ironic/nodes.js';
import type { WatchedClock } from '../../clients/keystone/clock.js';
import type { Cloud } from '../../clients/keystone/cloud.js';
import { messageOf, rethrowProgramFault } from '../../core/errors.js';
import type { ArgumentsOf } from '../../core/fields.js';
import { optionText } from '../../core/option-text.js';
import type { Context, Outcome } from '../../core/operation.js';
import { cataloguesOf } from '../catalogues.js';
import { imageDeploy } from '../deploy/operation.js';
import { planShownCleaning, readShownUses, type ShownCleaning, type ShownUses } from '../info/uses-and-plan.js';
import type { ImageResult } from '../policy/deploy-results.js';
import { describeUnknown, usesSources } from '../uses.js';
import type { imageReportDeclaration } from './declaration.js';

export type ReportArguments = ArgumentsOf<(typeof imageReportDeclaration)['fields']>;

export interface ReportRun {
  readonly args: ReportArguments;
  readonly context: Context;
  readonly cloud: Cloud;
  readonly clock: WatchedClock;
  readonly images: readonly Image[];
}

/** What could not be read. */
export interface Unknown {
  readonly what: string;
  readonly reason: string;
}

export interface PlannedDeployment {
  readonly results: readonly ImageResult[];
  /** What the next deployment would report besides. */
  readonly warnings: readonly string[];
  /** Whether every catalogue was read as a whole. */
  readonly isComplete: boolean;
}

/** What is undefined is unknown. */
export interface SiteReading {
  readonly uses: ShownUses | undefined;
  readonly deployment: PlannedDeployment | undefined;
  readonly cleaning: ShownCleaning | undefined;
  /** Those that this login sees; none if the cloud has no Ironic. */
  readonly nodes: readonly Node[];
  readonly areNodesKnown: boolean;
  /** Services that may use images and that this cloud does not have. */
  readonly absent: readonly string[];
  readonly unknown: readonly Unknown[];
  /** What is unknown because the site has not configured it, which is not a failure. */
  readonly notConfigured: readonly string[];
}

export async function readForReport(run: ReportRun): Promise<SiteReading> {
  const { args, context, cloud } = run;
  const unknown: Unknown[] = [];
  async function attempt<T>(what: string, read: () => Promise<T>): Promise<T | undefined> {
    try {
      return await read();
    } catch (error) {
      context.signal.throwIfAborted();
      rethrowProgramFault(error);
      unknown.push({ what, reason: messageOf(error) });
      return undefined;
    }
  }
  const uses = await attempt('who uses the images', () => readShownUses(run));
  unknown.push(...(uses?.unknown ?? []).map((each) => ({ what: useBy(each.service), reason: describeUnknown(each) })));
  const cleaning = uses && (await attempt('what the next cleaning does', () => planShownCleaning(run, uses)));
  const hasCatalogue = !cataloguesOf(args).includes('releases') || Boolean(args.object_store_url?.length);
  const deployment = hasCatalogue
    ? await attempt('what the next deployment does', () => planDeployment(run, unknown))
    : undefined;
  const hasNodes = cloud.hasService('baremetal');
  const nodes = hasNodes ? await attempt('what nodes boot', () => readNodes(cloud)) : [];
  // Ironic answers with a part of the nodes to those who may not see all; their use is then unknown too.
  const seesAll = uses?.unknown.every(({ service }) => service !== 'baremetal') ?? false;
  const missing = `${optionText('object_store_url')} is not given, so it is not known what the next deployment does`;
  return {
    ...{ uses, deployment, cleaning, unknown },
    nodes: nodes ?? [],
    areNodesKnown: !hasNodes || (nodes !== undefined && seesAll),
    absent: usesSources(cloud).absent,
    notConfigured: hasCatalogue ? [] : [missing],
  };
}

const users: Readonly<Record<string, string>> = {
  compute: 'servers',
  'block-storage': 'volumes',
  baremetal: 'nodes',
  inventory: 'hardware in Doni',
  image: 'images of other projects',
};

/** Such as `use by servers`. */
export function useBy(service: string): string {
  return `use by ${users[service] ?? service}`;
}

/** The plan of image_deploy, as its check mode reports it. */
async function planDeployment({ args, context }: ReportRun, unknown: Unknown[]): Promise<PlannedDeployment> {
  const deployArguments = { ...args, force: false, concurrency: 1, attempts: 1, stall_timeout: args.timeout };
  const outcome = await imageDeploy.run(deployArguments, { ...context, checkMode: true, progress: () => undefined });
  const results = outcome.values.images as readonly ImageResult[];
  const unread = partsUnread(outcome, results);
  unknown.push(...unread.map((reason) => ({ what: 'a catalogue', reason })));
  return { results, warnings: outcome.warnings, isComplete: unread.length === 0 };
}

/** The failures of a planned deployment that are not results of its images. */
function partsUnread({ failures }: Outcome, results: readonly ImageResult[]): string[] {
  const reported = new Set(results.map(({ name, reason }) => `${name}: ${reason}`));
  return failures.filter((failure) => !reported.has(failure));
}

async function readNodes(cloud: Cloud): Promise<Node[]> {
  const nodes: Node[] = [];
  for await (const node of listNodes(await openIronic(cloud))) nodes.push(node);
  return nodes;
}
