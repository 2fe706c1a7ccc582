// Hands the metrics of a run to those who asked for them. Nothing here fails a run: what cannot be
// written is a warning.
import { withHome } from '../clients/files/paths.js';
import { codeOf, messageOf, RunInProgress } from '../core/errors.js';
import type { Environment, Outcome } from '../core/operation.js';
import { withoutCredentials } from '../core/urls.js';
import { writeMetricsFile } from '../runtime/metrics-file.js';
import { pushMetrics, pushUrl } from '../runtime/push-gateway.js';
import { metricsOfRun, type RunMetrics } from '../runtime/run-metrics.js';

/** Where the metrics of a run go. */
export interface MetricsTargets {
  readonly file?: string | undefined;
  readonly gateway?: string | undefined;
}

/** A file on a server that does not answer must not hold the run up; the push has a limit of its own. */
const longestSeconds = 10;

/** The variables that mean the same as the options, which take precedence. */
export const metricsVariables = {
  file: 'CHAMELEON_IMAGE_TOOLS_METRICS_FILE',
  gateway: 'CHAMELEON_IMAGE_TOOLS_PUSH_GATEWAY',
} as const;

export function metricsTargets(given: MetricsTargets, environment: Environment): MetricsTargets {
  return {
    file: given.file || environment[metricsVariables.file],
    gateway: given.gateway || environment[metricsVariables.gateway],
  };
}

export interface RecordedRun {
  /** The name of the operation. */
  readonly name: string;
  readonly seconds: number;
  readonly targets: MetricsTargets;
  readonly environment: Environment;
  readonly now: Date;
}

/**
 * Records how a run ended: `ended` is its outcome, or the error that it threw. Returns a warning for
 * each place that does not take it. A run that another one kept from starting is not recorded: it
 * has neither succeeded nor failed.
 */
export async function recordRun(ended: Outcome | Error, run: RecordedRun): Promise<readonly string[]> {
  const { targets } = run;
  if ((!targets.file && !targets.gateway) || ended instanceof RunInProgress) return [];
  try {
    return await recordIn(targets, ended, run);
  } catch (error) {
    return [`the metrics of this run cannot be recorded: ${messageOf(error)}`];
  }
}

async function recordIn(targets: MetricsTargets, ended: Outcome | Error, run: RecordedRun): Promise<readonly string[]> {
  const { environment, name } = run;
  const result = ended instanceof Error ? { code: codeOf(ended) ?? 'INTERNAL_ERROR' } : ended;
  const metrics = metricsOfRun({ name, endedAt: run.now, seconds: run.seconds, result });
  const warnings = await Promise.all([
    targets.file && warned(`the metrics cannot be written to ${targets.file}`, () => toFile(run, metrics)),
    targets.gateway &&
      warned(`the metrics cannot be pushed to ${shownGateway(targets.gateway, name)}`, () =>
        pushMetrics(targets.gateway ?? '', metrics, { name, environment }),
      ),
  ]);
  return warnings.flatMap((warning) => warning || []);
}

function toFile({ targets, environment, name }: RecordedRun, metrics: RunMetrics): Promise<void> {
  return writeMetricsFile(withHome(targets.file ?? '', environment), metrics, name);
}

/** What is no URL may hold a password anywhere. The option has been checked, so that it is the variable's. */
function shownGateway(gateway: string, name: string): string {
  try {
    pushUrl(gateway, name);
    return withoutCredentials(gateway);
  } catch {
    return `what ${metricsVariables.gateway} names`;
  }
}

async function warned(what: string, work: () => Promise<void>): Promise<string | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<string>((resolve) => {
    timer = setTimeout(resolve, longestSeconds * 1000, `${what}: it took longer than ${longestSeconds} s`);
  });
  const done = work().then(
    () => undefined,
    (error: unknown) => `${what}: ${messageOf(error)}`,
  );
  try {
    return await Promise.race([done, limit]);
  } finally {
    clearTimeout(timer);
  }
}
