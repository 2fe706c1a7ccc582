// What a run has found and done, for programs and for people.
import { withoutCredentials } from '../core/urls.js';
import type { Difference, Outcome } from '../core/operation.js';
import type { ImageSettings } from './policy/image-settings.js';
import type { Leftovers } from './leftovers.js';
import type { Plan } from './plan.js';
import type { NodeResult, Rollout } from './push.js';
import type { Run } from './run.js';
import type { Trial } from './trial.js';

export interface Report {
  readonly leftovers: Leftovers;
  readonly plan?: Plan;
  readonly trial?: Trial;
  readonly rollout?: Rollout;
}

export function outcomeOf(run: Run, report: Report): Outcome {
  const { leftovers, plan, trial, rollout } = report;
  const nodes = rollout?.nodes ?? [];
  const isChanged =
    nodes.some(({ result }) => result === 'updated' || result === 'rolled back' || result === 'update') ||
    leftovers.restored.length > 0;
  return {
    changed: isChanged,
    message: messageFor(run, report),
    values: {
      ...valuesOf(trial),
      ...(trial ? { seconds: run.seconds } : nodeToTake(plan)),
      ...(plan ? { kernel: plan.pair.kernel.shown, initramfs: plan.pair.initramfs.shown } : {}),
      ...(rollout ? { nodes: nodes.map(({ uuid, name, result, reason }) => ({ uuid, name, result, reason })) } : {}),
      restored: leftovers.restored,
    },
    failures: failuresOf(run, report),
    warnings: [...new Set(run.warnings), ...leftovers.rollouts.map(({ name }) => warningOf(run, name))].filter(
      (warning) => warning !== '',
    ),
    differences: plan
      ? nodes
          .filter(({ result }) => result === 'updated' || result === 'update')
          .map((node) => differenceOf(node, plan.wanted))
      : [],
    table: { columns: ['NODE', 'RESULT', 'REASON', 'UUID'], rows: rowsOf(report) },
  };
}

function valuesOf(trial: Trial | undefined): Readonly<Record<string, unknown>> {
  if (!trial) return {};
  const { passed, reason, lastError, node, server, lease } = trial;
  const given = { reason, last_error: lastError, node, server, lease };
  return { passed, ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) };
}

function nodeToTake(plan: Plan | undefined): Readonly<Record<string, unknown>> {
  const [first] = plan?.test?.candidates ?? [];
  return first ? { node: { uuid: first.uuid, name: first.name } } : {};
}

function failuresOf({ context }: Run, { leftovers, trial, rollout }: Report): string[] {
  const sentence = trial?.isVerdict ? 'the test has failed: ' : 'the test could not be made: ';
  const tested = trial?.passed === false ? [`${context.signal.aborted ? '' : sentence}${trial.reason}`] : [];
  const left = trial?.leftover === undefined ? [] : [trial.leftover];
  const nodes = (rollout?.nodes ?? [])
    .filter(({ result }) => result === 'failed')
    .map(({ name, uuid, reason }) => `node ${name || uuid}: ${reason}`);
  return [...leftovers.failures, ...tested, ...left, ...(rollout?.failures ?? []), ...nodes];
}

function messageFor(run: Run, { leftovers, plan, trial, rollout }: Report): string {
  const parts = [
    ...(leftovers.restored.length > 0
      ? [`${leftovers.restored.length} ${run.context.checkMode ? 'to be put back' : 'put back'}`]
      : []),
    ...(leftovers.failures.length > 0 ? [`${leftovers.failures.length} could not be put back`] : []),
    ...(plan?.test && run.context.checkMode ? [takes(plan)] : []),
    ...(trial
      ? [
          `${shown(plan)} ${trial.passed ? 'passed' : 'did not pass'} on node ${trial.node ? trial.node.name || trial.node.uuid : '(none)'}`,
        ]
      : []),
    ...(rollout ? [countResults(rollout.nodes)] : []),
  ];
  return parts.join('; ') || 'nothing to put back';
}

function takes({ test }: Plan): string {
  const [first] = test?.candidates ?? [];
  const count = test?.candidates.length ?? 0;
  if (test?.resourceProperties) return `planned: a node that Blazar leases, of ${count} that are free`;
  return `planned: a test on node ${first ? first.name || first.uuid : '(none)'}`;
}

function shown(plan: Plan | undefined): string {
  const { kernel, initramfs } = plan?.pair ?? {};
  return `${kernel?.shown.name ?? kernel?.shown.url ?? ''} and ${initramfs?.shown.name ?? initramfs?.shown.url ?? ''}`;
}

function countResults(nodes: readonly NodeResult[]): string {
  const counts = new Map<string, number>();
  for (const { result } of nodes) counts.set(result, (counts.get(result) ?? 0) + 1);
  return (
    [...counts]
      .sort()
      .map(([result, count]) => `${count} ${result}`)
      .join(', ') || 'no nodes'
  );
}

function warningOf({ args, journal }: Run, name: string): string {
  return args.push
    ? ''
    : `a roll-out that was broken off stands in ${journal.folder} (${name}): push again goes on with it, restore takes it back`;
}

function differenceOf({ uuid, name, former }: NodeResult, wanted: ImageSettings): Difference {
  const readable = (settings: ImageSettings): Record<string, unknown> =>
    Object.fromEntries(
      Object.entries(settings).flatMap(([key, value]) =>
        value === null ? [] : [[`driver_info.${key}`, value.includes('://') ? withoutCredentials(value) : value]],
      ),
    );
  return { header: `node ${name || uuid} (${uuid})`, before: readable(former ?? {}), after: readable(wanted) };
}

function rowsOf({ trial, rollout, leftovers }: Report): string[][] {
  const tested = trial
    ? [
        [
          trial.node?.name || trial.node?.uuid || '',
          trial.passed ? 'passed' : 'failed',
          trial.reason ?? '',
          trial.node?.uuid ?? '',
        ],
      ]
    : [];
  const nodes = (rollout?.nodes ?? []).map(({ name, uuid, result, reason }) => [name || uuid, result, reason, uuid]);
  return [...leftovers.restored.map((sentence) => ['', 'restored', sentence, '']), ...tested, ...nodes];
}
