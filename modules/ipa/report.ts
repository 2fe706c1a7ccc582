// What a run has found and done, for programs and for people.
import { countWords, joinCounts } from '../core/counts.js';
import { withoutCredentials } from '../core/urls.js';
import type { Difference, Outcome } from '../core/operation.js';
import { nodeTitle } from '../nodes/policy/provision-states.js';
import type { Leftovers } from './leftovers.js';
import type { ImageSettings } from './policy/image-settings.js';
import type { ChosenImage } from './policy/pair-choice.js';
import type { RolloutResult } from './policy/rollout.js';
import type { IpaPlan } from './policy/test-plan.js';
import type { Rollout } from './rollout.js';
import type { IpaRun } from './run.js';
import type { Trial } from './trial.js';

export interface IpaReport {
  readonly leftovers: Leftovers;
  readonly plan?: IpaPlan | undefined;
  readonly trial?: Trial | undefined;
  readonly rollout?: Rollout | undefined;
}

type Mapping = Readonly<Record<string, unknown>>;

export function ipaTestOutcome(run: IpaRun, report: IpaReport): Outcome {
  const { leftovers, plan, trial, rollout } = report;
  const nodes = rollout?.nodes ?? [];
  const isChanged =
    nodes.some(({ result }) => result === 'updated' || result === 'rolled back' || result === 'update') ||
    leftovers.restored.length > 0;
  return {
    changed: isChanged,
    message: messageFor(run, report),
    values: {
      ...(trial ? trialResult(trial) : candidateResult(plan)),
      ...(plan ? { kernel: imageResult(plan.pair.kernel), initramfs: imageResult(plan.pair.initramfs) } : {}),
      ...(rollout ? { nodes: nodes.map(({ uuid, name, result, reason }) => ({ uuid, name, result, reason })) } : {}),
      restored: leftovers.restored,
    },
    failures: failuresOf(run, report),
    warnings: warningsOf(run, report),
    differences: plan
      ? nodes
          .filter(({ result }) => result === 'updated' || result === 'update')
          .map((node) => differenceOf(node, plan.settings))
      : [],
    table: { columns: ['NODE', 'RESULT', 'REASON', 'UUID'], rows: rowsOf(report) },
  };
}

function trialResult({ passed, reason, lastError, node, server, lease, seconds }: Trial): Mapping {
  const given = { reason, last_error: lastError, node, server, lease };
  return { passed, ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)), seconds };
}

function candidateResult(plan: IpaPlan | undefined): Mapping {
  const [first] = plan?.test?.candidates ?? [];
  return first ? { node: { uuid: first.uuid, name: first.name } } : {};
}

function imageResult({ reference, isUrl, name, buildTag }: ChosenImage): Mapping {
  return isUrl ? { url: withoutCredentials(reference) } : { id: reference, name, build_tag: buildTag };
}

function failuresOf({ context }: IpaRun, { leftovers, trial, rollout }: IpaReport): string[] {
  const prefix = trial?.isVerdict ? 'the test failed: ' : 'the test could not be run: ';
  const tested = trial?.passed === false ? [`${context.signal.aborted ? '' : prefix}${trial.reason}`] : [];
  const left = trial?.leftover === undefined ? [] : [trial.leftover];
  const nodes = (rollout?.nodes ?? [])
    .filter(({ result }) => result === 'failed')
    .map((node) => `node ${nodeTitle(node)}: ${node.reason}`);
  return [...leftovers.failures, ...tested, ...left, ...(rollout?.failures ?? []), ...nodes];
}

function warningsOf({ args, journal }: IpaRun, { leftovers, plan, trial, rollout }: IpaReport): string[] {
  const parts = [leftovers, plan, trial, rollout];
  const interrupted = args.push
    ? []
    : leftovers.rollouts.map(
        ({ name }) =>
          `the journal in ${journal.folder} has an interrupted roll-out (${name}): ` +
          'another push continues it, restore rolls it back',
      );
  return [...new Set(parts.flatMap((part) => part?.warnings ?? [])), ...interrupted];
}

function messageFor(run: IpaRun, { leftovers, plan, trial, rollout }: IpaReport): string {
  const { checkMode } = run.context;
  const parts = [
    ...(leftovers.restored.length > 0 ? [`${leftovers.restored.length} ${checkMode ? 'to restore' : 'restored'}`] : []),
    ...(leftovers.failures.length > 0 ? [`${leftovers.failures.length} not restored`] : []),
    ...(plan?.test && checkMode ? [plannedTest(plan)] : []),
    ...(trial
      ? [
          `${pairTitle(plan)} ${trial.passed ? 'passed' : 'did not pass'} on node ` +
            `${trial.node ? nodeTitle(trial.node) : '(none)'}`,
        ]
      : []),
    ...(rollout ? [countResults(rollout.nodes)] : []),
  ];
  return parts.join('; ') || 'nothing to restore';
}

function plannedTest({ test }: IpaPlan): string {
  const candidates = test?.candidates ?? [];
  const [first] = candidates;
  if (test?.resourceProperties)
    return `planned: a test on a node that Blazar leases (free nodes: ${candidates.length})`;
  return `planned: a test on node ${first ? nodeTitle(first) : '(none)'}`;
}

function pairTitle(plan: IpaPlan | undefined): string {
  const title = (image: ChosenImage | undefined): string =>
    image ? (image.name ?? withoutCredentials(image.reference)) : '';
  return `${title(plan?.pair.kernel)} and ${title(plan?.pair.initramfs)}`;
}

function countResults(nodes: readonly RolloutResult[]): string {
  return joinCounts([...countWords(nodes.map(({ result }) => result))].sort()) || 'no nodes';
}

function differenceOf({ uuid, name, former }: RolloutResult, settings: ImageSettings): Difference {
  const readable = (images: ImageSettings): Record<string, unknown> =>
    Object.fromEntries(
      Object.entries(images).flatMap(([key, value]) =>
        value === null ? [] : [[`driver_info.${key}`, value.includes('://') ? withoutCredentials(value) : value]],
      ),
    );
  return {
    header: `node ${nodeTitle({ uuid, name })} (${uuid})`,
    before: readable(former ?? {}),
    after: readable(settings),
  };
}

function rowsOf({ trial, rollout, leftovers }: IpaReport): string[][] {
  const tested = trial
    ? [
        [
          trial.node ? nodeTitle(trial.node) : '',
          trial.passed ? 'passed' : 'failed',
          trial.reason ?? '',
          trial.node?.uuid ?? '',
        ],
      ]
    : [];
  const nodes = (rollout?.nodes ?? []).map((node) => [nodeTitle(node), node.result, node.reason, node.uuid]);
  return [...leftovers.restored.map((sentence) => ['', 'restored', sentence, '']), ...tested, ...nodes];
}
