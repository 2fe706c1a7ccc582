// The role's rules for Prometheus, by Prometheus's own promtool out of Debian's package, which is unpacked and not installed.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { stringify } from 'yaml';
import { root } from './cloud.js';
import { run, succeed, type Output } from './systemd-host.js';

jest.setTimeout(300_000);

const rules = join(root, 'roles/chameleon_image_tools/files/image_tools.rules.yml');
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'promtool-'));
  const unpack = 'dpkg-deb --fsys-tarfile prometheus_*.deb | tar -xf - ./usr/bin/promtool';
  await succeed('/bin/sh', ['-c', `apt-get -qq download prometheus && ${unpack}`], { cwd: folder });
});

afterAll(() => rmSync(folder, { recursive: true }));

const promtool = (...argv: readonly string[]): Promise<Output> =>
  run(join(folder, 'usr/bin/promtool'), argv, { cwd: folder });

/** What fires, by hours since the only success, that of image_deploy. */
function firing(files: readonly string[], alerts: Readonly<Record<string, readonly string[]>>): Promise<Output> {
  const labels = 'alertstate="firing",job="periodic_task",name="image_deploy"';
  const tests = Object.entries(alerts).map(([time, names]) => ({
    expr: 'ALERTS{alertstate="firing"}',
    eval_time: time,
    exp_samples: names.map((name) => ({
      labels: `ALERTS{alertname="${name}",severity="critical",${labels}}`,
      value: 1,
    })),
  }));
  const series = 'periodic_task_last_success{job="periodic_task",name="image_deploy"}';
  const input = { interval: '5m', input_series: [{ series, values: '0x600' }], promql_expr_test: tests };
  writeFileSync(join(folder, 'tests.yml'), stringify({ rule_files: files, evaluation_interval: '5m', tests: [input] }));
  return promtool('test', 'rules', 'tests.yml');
}

test('are valid, and fire once the timer, its delay and a whole run do not explain it', async () => {
  expect(await promtool('check', 'rules', rules)).toMatchObject({ exitCode: 0 });

  expect(await firing([rules], { '38h': [], '40h': ['ImageToolsNoRecentSuccess'] })).toMatchObject({ exitCode: 0 });
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
  writeFileSync(join(folder, 'theirs.yml'), stringify({ groups: [{ name: 'periodic_task', rules: [alert] }] }));
  const theirs = ['PeriodicTaskNoRecentSuccess'];

  expect(await firing(['theirs.yml'], { '26h': theirs })).toMatchObject({ exitCode: 0 });
  expect(await firing(['theirs.yml', rules], { '38h': [], '40h': theirs })).toMatchObject({ exitCode: 0 });
});
