// The role's rules for Prometheus and its dashboard, by Prometheus's own promtool.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { stringify } from 'yaml';
import { root } from './cloud.js';
import { unpackPrometheus, type PrometheusPrograms } from './prometheus.js';
import type { Output } from './systemd-host.js';

jest.setTimeout(300_000);

const files = join(root, 'roles/chameleon_image_tools/files');
const rules = join(files, 'image_tools.rules.yml');
let programs: PrometheusPrograms;

beforeAll(async () => {
  programs = await unpackPrometheus(['prometheus']);
});

afterAll(() => programs.close());

interface Alert {
  readonly name: string;
  readonly severity: string;
  /** Those that are undefined are missing. */
  readonly labels?: Readonly<Record<string, string | undefined>>;
}

/** Whether exactly these alerts fire at these times, of these series. */
function firing(
  ruleFiles: readonly string[],
  series: Readonly<Record<string, string>>,
  alerts: Readonly<Record<string, readonly Alert[]>>,
): Promise<Output> {
  const tests = Object.entries(alerts).map(([time, expected]) => ({
    expr: 'ALERTS{alertstate="firing"}',
    eval_time: time,
    exp_samples: expected.map(({ name, severity, labels = {} }) => {
      const all = {
        alertname: name,
        alertstate: 'firing',
        job: 'periodic_task',
        name: 'image_deploy',
        severity,
        ...labels,
      };
      return { labels: `ALERTS${labelled(all)}`, value: 1 };
    }),
  }));
  const inputs = Object.entries(series).map(([name, values]) => ({ series: name, values }));
  const input = { interval: '5m', input_series: inputs, promql_expr_test: tests };
  const document = { rule_files: ruleFiles, evaluation_interval: '5m', tests: [input] };
  writeFileSync(join(programs.folder, 'tests.yml'), stringify(document));
  return programs.promtool('test', 'rules', 'tests.yml');
}

function labelled(labels: Readonly<Record<string, string | undefined>>): string {
  return `{${Object.entries(labels)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}="${value}"`)
    .join(',')}}`;
}

const seriesOf = (name: string, labels: Readonly<Record<string, string>> = {}): string =>
  `${name}${labelled({ job: 'periodic_task', name: 'image_deploy', ...labels })}`;
/** The only success, at the beginning. */
const lastSuccess = { [seriesOf('periodic_task_last_success')]: '0x600' };
const noSuccess = { name: 'ImageToolsNoRecentSuccess', severity: 'critical' };

test('are valid, and fire once the timer, its delay and a whole run do not explain it', async () => {
  expect(await programs.promtool('check', 'rules', rules)).toMatchObject({ exitCode: 0 });

  expect(await firing([rules], lastSuccess, { '38h': [], '40h': [noSuccess] })).toMatchObject({ exitCode: 0 });
});

test('give the alert of CHI-in-a-Box the same limit, and are silent where it fires', async () => {
  // As in ChameleonCloud/chi-in-a-box kolla/node_custom_config/prometheus/cron.rules.yml: 25 hours, unless a threshold says more.
  const usual = 'count by (name) (periodic_task_last_success) * 0 + 25 * 3600';
  const limit = `(periodic_task_last_success_threshold or on (name) (${usual}))`;
  const alert = {
    alert: 'PeriodicTaskNoRecentSuccess',
    expr: `time() - periodic_task_last_success > on (name) group_left () ${limit}`,
    labels: { severity: 'critical' },
  };
  const groups = [{ name: 'periodic_task', rules: [alert] }];
  writeFileSync(join(programs.folder, 'theirs.yml'), stringify({ groups }));
  const theirs = [{ name: 'PeriodicTaskNoRecentSuccess', severity: 'critical' }];

  expect(await firing(['theirs.yml'], lastSuccess, { '26h': theirs })).toMatchObject({ exitCode: 0 });
  expect(await firing(['theirs.yml', rules], lastSuccess, { '38h': [], '40h': theirs })).toMatchObject({ exitCode: 0 });
});

test('that alert of another host, or one that is pending, silences nothing', async () => {
  const other = {
    alert: 'PeriodicTaskNoRecentSuccess',
    expr: 'vector(1)',
    labels: { name: 'image_deploy', instance: 'elsewhere', severity: 'critical' },
  };
  const pending = { ...other, for: '90h', labels: { name: 'image_deploy', severity: 'critical' } };
  const groups = [{ name: 'periodic_task', rules: [other, pending] }];
  writeFileSync(join(programs.folder, 'theirs.yml'), stringify({ groups }));
  const theirs = {
    ...{ name: 'PeriodicTaskNoRecentSuccess', severity: 'critical' },
    labels: { instance: 'elsewhere', job: undefined },
  };

  expect(await firing(['theirs.yml', rules], lastSuccess, { '40h': [theirs, noSuccess] })).toMatchObject({
    exitCode: 0,
  });
});

test('tell that no success is known, once the first night is over', async () => {
  const failing = { [seriesOf('image_tools_last_run_success')]: '0x600' };
  const noMetrics = { name: 'ImageToolsNoMetrics', severity: 'critical', labels: { job: undefined } };

  expect(await firing([rules], failing, { '38h': [], '42h': [noMetrics] })).toMatchObject({ exitCode: 0 });
});

test.each(['DELETIONS_REFUSED', 'CATALOGUE_DOUBTED', 'TIMEOUT'])(
  'tell failures with the code %s of their kind',
  async (code) => {
    const failures = { [seriesOf('image_tools_last_run_failures', { code })]: '0x12 2x30' };
    const name = code === 'TIMEOUT' ? 'ImageToolsRunFailed' : 'ImageToolsDeletionsRefused';

    const output = await firing([rules], failures, {
      '1h': [],
      '2h': [{ name, severity: 'warning', labels: { code } }],
    });

    expect(output).toMatchObject({ exitCode: 0 });
  },
);

test('tell a production image that was built more than half a year ago', async () => {
  const labels = { image: 'CC-Ubuntu22.04', release: '20250422-v1-amd' };
  // As if it was built that long before the beginning of time.
  const built = { [seriesOf('image_tools_image_release_timestamp_seconds', labels)]: `-${179 * 86_400}x600` };

  const stale = { name: 'ImageToolsReleaseStale', severity: 'warning', labels };
  expect(await firing([rules], built, { '23h': [], '26h': [stale] })).toMatchObject({ exitCode: 0 });
});

interface Panel {
  readonly title: string;
  readonly targets: readonly { readonly expr: string }[];
}

test('the dashboard asks nothing that Prometheus does not understand', async () => {
  const { panels } = JSON.parse(readFileSync(join(files, 'image_tools.dashboard.json'), 'utf8')) as { panels: Panel[] };
  const expressions = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr.replaceAll('$task', '.*')));
  const recorded = expressions.map((expr, index) => ({ record: `dashboard:${index}`, expr }));
  writeFileSync(join(programs.folder, 'panels.yml'), stringify({ groups: [{ name: 'panels', rules: recorded }] }));

  expect(expressions.length).toBeGreaterThan(8);
  expect(await programs.promtool('check', 'rules', 'panels.yml')).toMatchObject({ exitCode: 0 });
});
