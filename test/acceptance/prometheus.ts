// Prometheus, its node_exporter and its push gateway out of Debian's packages, which are unpacked and not installed. On loopback.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { until } from './cloud.js';
import { freePort } from './nginx.js';
import { run, succeed, type Output } from './systemd-host.js';

export interface PrometheusPrograms {
  /** A folder for the tests' own files, in which promtool runs. */
  readonly folder: string;
  promtool(...argv: readonly string[]): Promise<Output>;
  /** promtool's judgement of a text of metrics. */
  checkMetrics(path: string): Promise<Output>;
  /** Reads the metrics of these files. */
  startNodeExporter(textfiles: string): Promise<Service>;
  startPushGateway(): Promise<Service>;
  /** Scrapes these each second, and evaluates the rules. */
  startPrometheus(jobs: Readonly<Record<string, string>>, rules: string): Promise<Prometheus>;
  /** Ends all that was started. */
  close(): Promise<void>;
}

export interface Service {
  readonly url: string;
}

export interface Prometheus extends Service {
  /** The values of an instant query by the labels of their series. */
  query(expression: string): Promise<{ readonly labels: Readonly<Record<string, string>>; readonly value: number }[]>;
}

/** Unpacks the packages, with the programs that a test needs. */
export async function unpackPrometheus(packages: readonly string[]): Promise<PrometheusPrograms> {
  const folder = mkdtempSync(join(tmpdir(), 'prometheus-'));
  const unpack = 'for file in *.deb; do dpkg-deb --fsys-tarfile "$file" | tar -xf - ./usr/bin; done; rm *.deb';
  // Since Debian 13 promtool is in a package of its own.
  const promtool = "$(apt-cache search --names-only '^promtool$' | cut -d ' ' -f 1)";
  const download = `apt-get -qq download ${packages.join(' ')} ${promtool}`;
  await succeed('/bin/sh', ['-c', `${download} && ${unpack}`], { cwd: folder });
  const ends: (() => Promise<unknown>)[] = [];
  const program = (name: string): string => join(folder, 'usr/bin', name);

  async function start(name: string, argv: (address: string) => readonly string[], ready: string): Promise<Service> {
    const address = `127.0.0.1:${await freePort()}`;
    const child = spawn(program(name), argv(address), { cwd: folder, stdio: 'ignore' });
    const ended = once(child, 'close');
    ends.push(async () => {
      child.kill('SIGTERM');
      await ended;
    });
    const isReady = async (): Promise<boolean> =>
      fetch(`http://${address}${ready}`).then(
        ({ ok }) => ok,
        () => false,
      );
    await until(isReady, `${name} to answer`);
    return { url: `http://${address}` };
  }

  return {
    folder,
    promtool: (...argv) => run(program('promtool'), argv, { cwd: folder }),
    checkMetrics: (path) =>
      run('/bin/sh', ['-c', '"$0" check metrics <"$1"', program('promtool'), path], { cwd: folder }),
    startNodeExporter: (textfiles) =>
      start(
        'prometheus-node-exporter',
        (address) => [
          ...['--collector.disable-defaults', '--collector.textfile', `--collector.textfile.directory=${textfiles}`],
          `--web.listen-address=${address}`,
        ],
        '/metrics',
      ),
    startPushGateway: () =>
      start('prometheus-pushgateway', (address) => [`--web.listen-address=${address}`], '/-/ready'),
    startPrometheus: async (jobs, rules) => {
      const scrapes = Object.entries(jobs).map(([job, url]) => ({
        ...{ job_name: job, honor_labels: true, scrape_interval: '1s' },
        static_configs: [{ targets: [new URL(url).host] }],
      }));
      const configuration = { global: { evaluation_interval: '1s' }, rule_files: [rules], scrape_configs: scrapes };
      writeFileSync(join(folder, 'prometheus.yml'), stringify(configuration));
      mkdirSync(join(folder, 'data'));
      const argv = ['--config.file=prometheus.yml', '--storage.tsdb.path=data'];
      const service = await start('prometheus', (at) => [...argv, `--web.listen-address=${at}`], '/-/ready');
      return { ...service, query: (expression) => query(service, expression) };
    },
    close: async () => {
      for (const end of ends) await end();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function query({ url }: Service, expression: string): ReturnType<Prometheus['query']> {
  const answer = await fetch(`${url}/api/v1/query?query=${encodeURIComponent(expression)}`);
  const { data } = (await answer.json()) as {
    data: { result: { metric: Record<string, string>; value: [number, string] }[] };
  };
  return data.result.map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }));
}
