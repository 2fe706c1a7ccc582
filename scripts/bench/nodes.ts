// Nodes with two ports each, enrolled to `available`: our command as a complete process, compared
// with the bare requests in as many parallel loops. Then a second run, which has nothing to do.
import { writeFileSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { measure, type Measured } from './measured.js';
import { median, ratio, type Result } from './report.js';

export interface NodesBench {
  /** Ironic's URL. */
  readonly url: string;
  readonly token: string;
  /** The built command line. */
  readonly command: string;
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly rounds: number;
  readonly nodes: number;
}

const concurrency = 16;
const firstPauseMs = 200;

interface Wanted {
  readonly name: string;
  readonly driver: string;
  readonly driver_info: object;
  readonly properties: object;
  readonly resource_class: string;
  readonly nics: readonly { mac: string }[];
}

/** The desired nodes: with names and addresses that nothing else has. */
function wantedNodes(prefix: string, count: number): Wanted[] {
  const byte = (value: number): string => (value & 255).toString(16).padStart(2, '0');
  const random = Math.floor(Math.random() * 0xffff);
  const mac = (index: number): string =>
    `06:be:${byte(random >> 8)}:${byte(random)}:${byte(index >> 8)}:${byte(index)}`;
  return Array.from({ length: count }, (_, index) => ({
    name: `${prefix}-${index}`,
    driver: 'fake-hardware',
    driver_info: { ipmi_address: `192.0.2.${index % 256}`, ipmi_username: 'ADMIN', ipmi_password: 'of no use' },
    properties: { memory_mb: 8192, cpus: 4, cpu_arch: 'x86_64', capabilities: 'boot_mode:uefi' },
    resource_class: 'bench',
    nics: [{ mac: mac(2 * index) }, { mac: mac(2 * index + 1) }],
  }));
}

export async function measureNodes(bench: NodesBench): Promise<Result[]> {
  const ours: number[] = [];
  const bare: number[] = [];
  const second: { readonly seconds: number; readonly requests: readonly string[] }[] = [];
  for (let round = 0; round < bench.rounds; round++) {
    // Whoever is first finds an emptier database: they take turns.
    for (const side of round % 2 === 0 ? (['ours', 'bare'] as const) : (['bare', 'ours'] as const)) {
      const desired = wantedNodes(`bench-${process.pid}-${round}-${side}`, bench.nodes);
      try {
        (side === 'ours' ? ours : bare).push(
          side === 'ours' ? await enrolByUs(bench, desired) : await enrolBarely(bench, desired),
        );
        if (side === 'ours') second.push(await enrolAgain(bench, desired));
      } finally {
        await removeNodes(bench, desired);
      }
    }
    console.error(
      `${bench.nodes} nodes: ours ${ours.at(-1)?.toFixed(1)} s, bare requests ${bare.at(-1)?.toFixed(1)} s`,
    );
  }
  const seconds = (values: readonly number[]): string => `${median(values).toFixed(1)} s`;
  return [
    { what: `${bench.nodes} nodes with ${bench.nodes * 2} ports to available, ${concurrency} at a time`, value: '' },
    { what: '  ours, median', value: seconds(ours) },
    { what: '  bare requests, median', value: seconds(bare) },
    ratio('  ratio', { ours, rival: bare, limit: 1.1 }),
    { what: '  second run, nothing to do, median', value: seconds(second.map((run) => run.seconds)) },
    { what: '  its requests', value: counted(second[0]?.requests ?? []) },
  ];
}

/** How many there are of each kind. */
function counted(requests: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const request of requests) counts.set(request, (counts.get(request) ?? 0) + 1);
  return [...counts].map(([request, count]) => `${count} ${request}`).join(', ');
}

async function enrolByUs(bench: NodesBench, desired: readonly Wanted[]): Promise<number> {
  const { seconds, stdout } = await enrol(bench, desired);
  assertAll(stdout, desired, ({ action, provision_state }) => action === 'create' && provision_state === 'available');
  return seconds;
}

async function enrolAgain(
  bench: NodesBench,
  desired: readonly Wanted[],
): Promise<{ readonly seconds: number; readonly requests: readonly string[] }> {
  const { seconds, stdout, stderr } = await enrol(bench, desired, '-vv');
  assertAll(stdout, desired, ({ action }) => action === 'up_to_date');
  const found = stderr.matchAll(/(GET|POST|PUT|PATCH|DELETE) http:\/\/[^/]+(\/\S*?)(?:\?\S*)? \d{3} /g);
  return { seconds, requests: [...found].map(([, method, path]) => `${method} ${path}`) };
}

interface Enrolled {
  readonly action: string;
  readonly provision_state: string;
}

function assertAll(stdout: string, desired: readonly Wanted[], isRight: (node: Enrolled) => boolean): void {
  const { nodes } = JSON.parse(stdout) as { nodes: readonly Enrolled[] };
  const odd = nodes.find((node) => !isRight(node));
  if (odd || nodes.length !== desired.length) throw new Error(`not enrolled as expected: ${JSON.stringify(odd)}`);
}

function enrol(
  { folder, command, environment }: NodesBench,
  desired: readonly Wanted[],
  ...more: readonly string[]
): Promise<Measured> {
  const inventory = join(folder, 'nodes.json');
  writeFileSync(inventory, JSON.stringify(desired));
  const argv = [
    command,
    'enroll',
    '--cloud',
    'local',
    '--inventory',
    inventory,
    '--concurrency',
    String(concurrency),
    '--json',
    '--no-progress',
    ...more,
  ];
  return measure(argv, { folder, environment });
}

/**
 * The least that does it: no check, no comparison, no retry but for what Ironic asks to be waited
 * for.
 */
async function enrolBarely(bench: NodesBench, desired: readonly Wanted[]): Promise<number> {
  const started = performance.now();
  await inParallel(desired, async ({ nics, ...node }) => {
    const { uuid } = JSON.parse(await ask(bench, 'POST', '/nodes', node)) as { uuid: string };
    for (const { mac } of nics) await ask(bench, 'POST', '/ports', { address: mac, node_uuid: uuid });
    for (const [target, state] of [
      ['manage', 'manageable'],
      ['provide', 'available'],
    ]) {
      await ask(bench, 'PUT', `/nodes/${uuid}/states/provision`, { target });
      for (let pause = firstPauseMs; ; pause *= 1.5) {
        const { provision_state, reservation } = JSON.parse(
          await ask(bench, 'GET', `/nodes/${uuid}?fields=provision_state,reservation`),
        ) as Record<string, string | null>;
        if (provision_state === state && reservation === null) break;
        await sleep(pause);
      }
    }
  });
  return (performance.now() - started) / 1000;
}

async function removeNodes(bench: NodesBench, desired: readonly Wanted[]): Promise<void> {
  await inParallel(
    desired,
    async ({ name }) =>
      void (await ask(bench, 'DELETE', `/nodes/${name}`).catch((error: unknown) => console.error(String(error)))),
  );
}

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items];
  const hand = async (): Promise<void> => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: concurrency }, hand));
}

function ask({ url, token }: NodesBench, method: string, path: string, body?: object): Promise<string> {
  const headers = {
    'X-Auth-Token': token,
    'X-OpenStack-Ironic-API-Version': '1.82',
    'Content-Type': 'application/json',
  };
  return new Promise((resolve, reject) => {
    const request = http.request(`${url}/v1${path}`, { method, headers, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () =>
        (response.statusCode ?? 0) < 300
          ? resolve(text)
          : reject(new Error(`${method} ${path}: ${response.statusCode} ${text}`)),
      );
    });
    request.on('error', reject).end(body && JSON.stringify(body));
  });
}
