// The metrics of real runs, in Debian's own Prometheus: by way of its node_exporter, of its push gateway, and as OpenMetrics.
import { once } from 'node:events';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { root, until } from './cloud.js';
import { mib } from './disk.js';
import type { Ended } from './executable.js';
import { newRelease, oldRelease } from './images.js';
import { unpackPrometheus, type Prometheus, type PrometheusPrograms, type Service } from './prometheus.js';
import { withSite, type Site } from './site.js';

jest.setTimeout(300_000);

const rules = join(root, 'roles/chameleon_image_tools/files/image_tools.rules.yml');
let programs: PrometheusPrograms;

beforeAll(async () => {
  programs = await unpackPrometheus(['prometheus', 'prometheus-node-exporter', 'prometheus-pushgateway']);
});

afterAll(() => programs.close());

interface Monitoring {
  readonly prometheus: Prometheus;
  readonly gateway: Service;
  readonly file: string;
}

/** Three ways from a run to Prometheus; beside the file is one that the role's wrapper of earlier versions wrote. */
async function startMonitoring(site: Site): Promise<Monitoring> {
  const folder = join(programs.folder, 'textfiles');
  mkdirSync(folder);
  const file = join(folder, 'image_deploy.prom');
  writeFileSync(
    join(folder, 'image_clean.prom'),
    '# TYPE periodic_task_last_success gauge\nperiodic_task_last_success{name="image_clean"} 1700000000\n',
  );
  const openMetrics = createServer((_, response) => {
    response.setHeader('Content-Type', 'application/openmetrics-text; version=1.0.0; charset=utf-8');
    response.end(readFileSync(file));
  }).listen(0, '127.0.0.1');
  await once(openMetrics, 'listening');
  site.afterwards(() => openMetrics.close());
  writeFileSync(file, '# EOF\n');
  const [node, gateway] = await Promise.all([programs.startNodeExporter(folder), programs.startPushGateway()]);
  const openMetricsUrl = `http://127.0.0.1:${(openMetrics.address() as AddressInfo).port}`;
  const jobs = { node: node.url, pushgateway: gateway.url, openmetrics: openMetricsUrl };
  return { gateway, file, prometheus: await programs.startPrometheus(jobs, rules) };
}

function deploy(site: Site, { file, gateway }: Monitoring): Promise<Ended> {
  const store = ['--object-store-url', site.store.url, '--scope', site.scope, '--lock-dir', site.addHost()];
  return site.startCommand(['deploy', ...store, '--metrics-file', file, '--push-gateway', gateway.url]).ended;
}

/** The values of a gauge of image_deploy by the three ways, once all have this one. */
async function everywhere(
  { prometheus }: Monitoring,
  gauge: string,
  isNew: (value: number) => boolean,
): Promise<number[]> {
  return until(async () => {
    const values = (await prometheus.query(gauge)).map(({ value }) => value);
    return values.length === 3 && values.every(isNew) && values;
  }, `${gauge} in Prometheus`);
}

test(
  'what a run records reaches Prometheus by file and by push, and a failed run keeps the last success',
  withSite(
    async (site) => {
      const monitoring = await startMonitoring(site);
      const { prometheus, file } = monitoring;
      const begun = Math.floor(Date.now() / 1000);
      await site.store.publish(site.name, oldRelease, { bytes: 4 * mib });

      expect(await deploy(site, monitoring)).toMatchObject({
        exitCode: 0,
        stderr: expect.not.stringContaining('metrics'),
      });

      const lastSuccess = 'periodic_task_last_success{name="image_deploy"}';
      const successes = await everywhere(monitoring, lastSuccess, (value) => value >= begun);
      expect(statSync(file).mode & 0o777).toBe(0o644);
      // The only thing that it would add: a description of the gauge that other tools write without one.
      expect(await programs.checkMetrics(file)).toMatchObject({
        ...{ exitCode: 3, stdout: '' },
        stderr: 'periodic_task_last_success no help text\n',
      });
      expect(await prometheus.query('periodic_task_last_success{name="image_clean"}')).toMatchObject([
        { value: 1700000000 },
      ]);
      expect(await prometheus.query('node_textfile_scrape_error')).toMatchObject([{ value: 0 }]);
      const labels = `{image="${site.name}",release="${oldRelease}"}`;
      const [{ size } = { size: 0 }] = await site.glance.list();
      expect(await everywhere(monitoring, `image_tools_image_size_bytes${labels}`, () => true)).toEqual(
        Array(3).fill(size),
      );
      // Recorded by the rules, which Prometheus evaluates at times of its own, so after the gauges that they read.
      const recorded = (series: string) =>
        until(async () => (await prometheus.query(`${series}${labels}`))[0], `${series} in Prometheus`);
      expect((await recorded('image_tools:image_release_age_days')).value).toBeGreaterThan(365);
      expect((await recorded('image_tools:image_catalogue_unchanged_days')).value).toBeLessThan(1);

      await site.store.publish(site.name, newRelease, { bytes: 4 * mib });
      await site.store.withdraw(site.name, newRelease, 'qcow2');
      expect(await deploy(site, monitoring)).toMatchObject({ exitCode: 1 });

      await everywhere(monitoring, 'image_tools_last_run_success{name="image_deploy"}', (value) => value === 0);
      expect((await prometheus.query(lastSuccess)).map(({ value }) => value)).toEqual(successes);
      const failures = 'image_tools_last_run_failures{code="STORE_OBJECT_MISSING"}';
      expect(await everywhere(monitoring, failures, () => true)).toEqual([1, 1, 1]);
      expect(await everywhere(monitoring, `image_tools_image_size_bytes${labels}`, () => true)).toEqual(
        Array(3).fill(size),
      );
      const alert = 'ALERTS{alertname="ImageToolsRunFailed",code="STORE_OBJECT_MISSING"}';
      await until(async () => (await prometheus.query(alert)).length === 3, 'the alert to be pending');
    },
    { store: 'web' },
  ),
);
