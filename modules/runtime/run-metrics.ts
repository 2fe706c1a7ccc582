// What monitoring learns of a run: gauges made of its result alone. docs/monitoring.md explains
// them.
import { countWords } from '../core/counts.js';
import type { MetricFamily, Sample } from '../core/exposition.js';
import type { MeasuredImage, Measurements, Outcome } from '../core/operation.js';

/** A run that has ended. */
export interface EndedRun {
  /** The name of the operation. */
  readonly name: string;
  readonly endedAt: Date;
  readonly seconds: number;
  /** What it returned, or the code of the error that it threw. */
  readonly result: Outcome | { readonly code: string };
}

/** Each gauge and its description, in the order in which they are written. */
const gauges = {
  /**
   * When a run last succeeded: the name that the alerts of sites watch. Other tools write it too, without a
   * description, and node_exporter drops those of a name whose descriptions differ.
   */
  periodic_task_last_success: undefined,
  image_tools_last_run_timestamp_seconds: 'When the last run ended.',
  image_tools_last_run_success: 'Whether the last run succeeded.',
  image_tools_last_run_duration_seconds: 'How long the last run took.',
  image_tools_last_run_bytes: 'Size of the images that the last run transferred.',
  image_tools_last_run_images: 'Images of the last run, by what was done with them.',
  image_tools_last_run_failures: 'Failures of the last run, by error code.',
  image_tools_last_run_refused_deletions: 'Deletions that a safety limit refused in the last run.',
  image_tools_image_release_timestamp_seconds: 'When the release of a production image was built.',
  image_tools_image_catalogue_changed_timestamp_seconds: 'When the catalogue of a production image last changed.',
  image_tools_image_size_bytes: 'Size of a production image in Glance.',
} as const;

type GaugeName = keyof typeof gauges;

/** What is known of each gauge: an empty list says that there is nothing of the kind. */
export type RunMetrics = ReadonlyMap<string, readonly Sample[]>;

/** The code of a failed part that has none of its own. */
const partFailedCode = 'PART_FAILED';

export const gaugeNames: readonly string[] = Object.keys(gauges);

/** The gauges that the run knows; those that are missing keep the values of an earlier run. */
export function metricsOfRun({ name, endedAt, seconds, result }: EndedRun): RunMetrics {
  const codes = 'values' in result ? failureCodesOf(result) : [result.code];
  const isSuccess = codes.length === 0;
  const known: Partial<Record<GaugeName, readonly Sample[]>> = {
    ...(isSuccess ? { periodic_task_last_success: single(secondsOf(endedAt)) } : {}),
    image_tools_last_run_timestamp_seconds: single(secondsOf(endedAt)),
    image_tools_last_run_success: single(isSuccess ? 1 : 0),
    image_tools_last_run_duration_seconds: single(seconds),
    // A code that is always there replaces those of the run before on a push gateway.
    image_tools_last_run_failures: counts('code', codes, partFailedCode),
    ...('values' in result && result.measurements ? measuredGauges(result.measurements) : {}),
  };
  return new Map(
    Object.entries(known).map(([gauge, samples]) => [
      gauge,
      samples.map(({ labels, value }) => ({ labels: { name, ...labels }, value })),
    ]),
  );
}

/** In their order, and each with its description. */
export function familiesOf(metrics: RunMetrics): MetricFamily[] {
  return Object.entries(gauges).map(([name, help]) => ({ name, help, samples: metrics.get(name) ?? [] }));
}

/** Completes the metrics of a run by what an earlier run, or one of another operation, has left in the same file. */
export function withEarlier(metrics: RunMetrics, earlier: RunMetrics, name: string): RunMetrics {
  return new Map(
    gaugeNames.map((gauge) => {
      const others = (earlier.get(gauge) ?? []).filter(({ labels }) => labels.name !== name || !metrics.has(gauge));
      return [gauge, [...others, ...(metrics.get(gauge) ?? [])]];
    }),
  );
}

function failureCodesOf({ failures, measurements }: Outcome): readonly string[] {
  return failures.map((_, index) => measurements?.failureCodes[index] ?? partFailedCode);
}

function measuredGauges(measured: Measurements): Partial<Record<GaugeName, Sample[]>> {
  const { actions, transferredBytes, refusedDeletions, production } = measured;
  const ofProduction = (valueOf: (image: MeasuredImage) => number | undefined): Sample[] =>
    (production ?? []).flatMap((image) => {
      const value = valueOf(image);
      return value === undefined ? [] : [{ labels: { image: image.name, release: image.release }, value }];
    });
  return {
    image_tools_last_run_images: counts('action', actions, 'failed'),
    ...(transferredBytes === undefined ? {} : { image_tools_last_run_bytes: single(transferredBytes) }),
    ...(refusedDeletions === undefined ? {} : { image_tools_last_run_refused_deletions: single(refusedDeletions) }),
    ...(production && {
      image_tools_image_release_timestamp_seconds: ofProduction(({ builtAt }) => builtAt),
      image_tools_image_catalogue_changed_timestamp_seconds: ofProduction(({ catalogueChangedAt: at }) => at),
      image_tools_image_size_bytes: ofProduction(({ bytes }) => bytes),
    }),
  };
}

/** How often each word occurs. `always` is there even if it does not. */
function counts(label: string, words: readonly string[], always: string): Sample[] {
  const counted = new Map([[always, 0] as const, ...countWords(words)]);
  return [...counted.keys()].sort().map((word) => ({ labels: { [label]: word }, value: counted.get(word) ?? 0 }));
}

function single(value: number): Sample[] {
  return [{ labels: {}, value }];
}

function secondsOf(moment: Date): number {
  return Math.floor(moment.getTime() / 1000);
}
