// Measures the built executables against the targets of the project, on the test cloud; exits with
// 1 if one is missed.
//   npm run bench -- [--quick] [--rounds N] [--only PART]...
// It takes about half an hour, with --quick less. The parts are listed below. `--only fleet` and
// `--only cleaner` need no cloud, and nothing from root.
// Nothing else should run meanwhile: both sides of a pair need the processors, but ours, which
// digests, needs more of them.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { measureCache } from './bench/cache.js';
import { measureConcurrency } from './bench/concurrency.js';
import { measureCleaner } from './bench/cleaner.js';
import { measureFleet } from './bench/fleet.js';
import { openGlance, type Cloud } from './bench/glance.js';
import { measure, measureWall, type Measured } from './bench/measured.js';
import { measureNodes, type NodesBench } from './bench/nodes.js';
import { atMost, median, ratio, table, type Result } from './bench/report.js';
import {
  container,
  imageName,
  limitsMib,
  prepareImage,
  scope,
  startStore,
  type Headers,
  type Image,
  type Speed,
} from './bench/store.js';
import { root } from './declarations.js';

const parts = [
  ...(['transfer', 'limited', 'memory', 'concurrency', 'idle', 'cache', 'start-up', 'nodes'] as const),
  ...(['cleaner', 'fleet'] as const),
] as const;
const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    only: { type: 'string', multiple: true },
  },
});
for (const part of options.only ?? [])
  if (!parts.some((known) => known === part)) throw new Error(`--only: ${part} is none of ${parts.join(', ')}`);
const isSelected = (part: (typeof parts)[number]): boolean => options.only === undefined || options.only.includes(part);
const rounds = Number(options.rounds ?? (options.quick ? 2 : 5));
const imageMib = options.quick ? 256 : 1024;
const startUpPairs = options.quick ? 15 : 31;

const machine =
  `${availableParallelism()} processors (${cpus()[0]?.model.trim()}), Node.js ${process.version}, load at the ` +
  `start ${loadavg()[0]?.toFixed(1)}`;
const roles = join(root, 'roles/chameleon_image_tools');
const results: Result[] = isSelected('fleet') ? await measureFleet(options.quick ? 20 : 100) : [];
if (isSelected('cleaner')) results.push(...(await measureCleaner(join(roles, 'library/image_clean.mjs'))));
if (!parts.some((part) => part !== 'fleet' && part !== 'cleaner' && isSelected(part))) finish();

const state = resolve(process.env.CHAMELEON_CLOUD_STATE ?? join(root, '.cloud'));
const folder = join(state, 'bench');
execFileSync(
  join(root, 'test/cloud/up'),
  ['keystone', 'glance', 'swift', 'web', ...(isSelected('nodes') ? ['ironic'] : [])],
  { stdio: 'inherit' },
);
mkdirSync(folder, { recursive: true });
const cloud = JSON.parse(readFileSync(join(state, 'cloud.json'), 'utf8')) as Cloud;
const environment = { OS_CLIENT_CONFIG_FILE: cloud.os_client_config_file };
const glance = await openGlance(cloud);
const image = await prepareImage(state, imageMib, 'random');
const large = await prepareImage(state, imageMib * 4, 'zeros');
const small = await prepareImage(state, imageMib / 2, 'random');
const store = await startStore(state, [image, large, small]);

// A site in use has images, and by them a deployer knows by which algorithm Glance digests.
const other = await glance.create('bench-other');
try {
  await glance.upload(other.fileUrl, 'an image');
  if (isSelected('transfer')) {
    for (const headers of ['plain', 'sdk'] as const) {
      for (const speed of ['unlimited', 'limited'] as const) results.push(...(await compareTransfers(headers, speed)));
    }
  }
  // By default four connections, where one alone would be the limit.
  if (isSelected('limited')) results.push(...(await compareTransfers('sdk', 'narrow', 0.35)));
  if (isSelected('memory')) results.push(...(await measureMemory()));
  if (isSelected('concurrency'))
    results.push(
      ...(await measureConcurrency({ store, image: small, count: options.quick ? 4 : 10, deploy: deployAll })),
    );
  if (isSelected('idle')) results.push(...(await measureIdleRun()));
  if (isSelected('cache')) {
    const images = [image, large].map((of, index) => ({
      mib: index === 0 ? imageMib : imageMib * 4,
      url: () => imageUrl(of, 'unlimited'),
    }));
    results.push(
      ...(await measureCache({ commandLine: join(roles, 'files/chameleon-image-tools.mjs'), folder, rounds, images })),
    );
  }
  if (isSelected('start-up')) results.push(...(await measureStartUp()));
  if (isSelected('nodes')) results.push(...(await measureNodes(nodesBench())));
} finally {
  await glance.remove(other.id);
  await store.stop();
}
finish();

function finish(): never {
  console.log(`\n${machine}\n\n${table(results)}`);
  process.exit(results.some(({ target }) => target?.met === false) ? 1 : 0);
}

function nodesBench(): NodesBench {
  return {
    url: cloud.ironic_url ?? '',
    token: glance.token,
    command: join(roles, 'files/chameleon-image-tools.mjs'),
    folder,
    environment,
    rounds,
    nodes: options.quick ? 50 : 1000,
  };
}

interface Deployment extends Measured {
  readonly id: string;
}

/**
 * The command line as a complete process, from its start until the image is public. The caller
 * removes the image.
 */
async function deploy(of: Image, headers: Headers, speed: Speed): Promise<Deployment> {
  store.publish(of);
  const measured = await measure(deployCommand(headers, speed), { folder, environment });
  const {
    images: [deployed],
  } = JSON.parse(measured.stdout) as { images: { id: string; action: string; verified_by?: string[] }[] };
  const expected = headers === 'sdk' ? "store's sha256" : "Glance's md5";
  if (deployed?.action !== 'deploy' || !deployed.verified_by?.includes(expected))
    throw new Error(`not deployed as expected: ${measured.stdout}${measured.stderr}`);
  await glance.assertActive(deployed.id, of.bytes);
  return { ...measured, id: deployed.id };
}

async function deployAll(names: readonly string[], speed: Speed, more: readonly string[]): Promise<Measured> {
  const measured = await measure([...deployCommand('sdk', speed, names), ...more], { folder, environment });
  const { images } = JSON.parse(measured.stdout) as { images: readonly { id: string; action: string }[] };
  for (const { id } of images) await glance.remove(id);
  if (images.length !== names.length || images.some(({ action }) => action !== 'deploy'))
    throw new Error(`not deployed as expected: ${measured.stdout}${measured.stderr}`);
  return measured;
}

function deployCommand(headers: Headers, speed: Speed, names: readonly string[] = [imageName]): string[] {
  const from = ['--object-store-url', store.url(headers, speed), '--image-container', container, '--scope', scope];
  // A separate lock directory, so that other runs on this host do not interfere.
  return [
    join(roles, 'files/chameleon-image-tools.mjs'),
    'deploy',
    '--json',
    '-vv',
    '--cloud',
    'local',
    '--lock-dir',
    folder,
    '--image-type',
    'raw',
    '--images',
    names.join(','),
    ...from,
  ];
}

/** Publishes the image again, and returns the URL of its data. */
function imageUrl(of: Image, speed: Speed): string {
  return `${store.url('plain', speed)}/${container}/${scope}/versions/${store.publish(of)}/${imageName}.raw`;
}

/** The data alone, into an image that is there already. Nothing is verified. */
async function pipe(of: Image, speed: Speed, curlOptions: string): Promise<Measured> {
  const from = imageUrl(of, speed);
  const { id, fileUrl } = await glance.create('bench-curl');
  try {
    const to =
      `curl -sS -f -T - ${curlOptions} -H "X-Auth-Token: $TOKEN" -H 'Content-Type: ` +
      `application/octet-stream' ${fileUrl}`;
    const measured = await measure(['bash', '-c', `set -o pipefail; curl -sS -f ${from} | ${to}`], {
      folder,
      environment: { TOKEN: glance.token },
    });
    await glance.assertActive(id, of.bytes);
    return measured;
  } finally {
    await glance.remove(id);
  }
}

async function compareTransfers(headers: Headers, speed: Speed, target = 1): Promise<Result[]> {
  const ours: number[] = [];
  const curl: number[] = [];
  const eager: number[] = [];
  const peaks: number[] = [];
  const what =
    `${imageMib} MiB, store ${speed === 'unlimited' ? speed : `at ${limitsMib[speed]} MiB/s for each connection`}, ` +
    `${headers === 'sdk' ? 'with a SHA-256' : 'without a checksum'}`;
  for (let round = 0; round < rounds; round++) {
    const deployed = await deploy(image, headers, speed);
    await glance.remove(deployed.id);
    ours.push(deployed.seconds);
    peaks.push(deployed.peakMib);
    curl.push((await pipe(image, speed, '')).seconds);
    // curl waits a second for a "100 Continue" that uwsgi never sends; without that wait it is a
    // harder rival.
    eager.push((await pipe(image, speed, "-H 'Expect:'")).seconds);
    console.error(
      `${what}: ours ${ours.at(-1)?.toFixed(2)} s (CPU ${deployed.cpuSeconds.toFixed(2)} s), curl ` +
        `${curl.at(-1)?.toFixed(2)} s, without Expect ${eager.at(-1)?.toFixed(2)} s`,
    );
  }
  const seconds = (values: readonly number[]): string => `${median(values).toFixed(2)} s`;
  return [
    { what, value: '' },
    { what: '  ours, median', value: seconds(ours) },
    { what: '  curl | curl -T -, median', value: seconds(curl) },
    { what: "  curl | curl -T - -H 'Expect:', median", value: seconds(eager) },
    ratio('  ratio to curl', { ours, rival: curl, limit: target }),
    atMost('  peak memory', Math.max(...peaks), 150, ' MiB', 0),
    ratio('  ratio to curl without Expect', { ours, rival: eager }),
  ];
}

async function measureMemory(): Promise<Result[]> {
  const peaks: Result[] = [];
  for (const [of, mib] of [
    [image, imageMib],
    [large, imageMib * 4],
  ] as const) {
    const deployed = await deploy(of, 'sdk', 'unlimited');
    await glance.remove(deployed.id);
    console.error(`${mib} MiB: peak ${deployed.peakMib.toFixed(0)} MiB, ${deployed.seconds.toFixed(1)} s`);
    peaks.push(atMost(`peak memory, image of ${mib} MiB`, deployed.peakMib, 150, ' MiB', 0));
  }
  return peaks;
}

async function measureIdleRun(): Promise<Result[]> {
  const { id } = await deploy(image, 'sdk', 'unlimited');
  const runs: Measured[] = [];
  for (let round = 0; round < Math.max(rounds, 5); round++) {
    runs.push(await measure(deployCommand('sdk', 'unlimited'), { folder, environment }));
  }
  await glance.remove(id);
  const requests = runs.map(
    ({ stderr }) => stderr.match(/(GET|HEAD|POST|PUT|PATCH|DELETE) http\S+ \d{3} /g)?.length ?? 0,
  );
  return [
    { what: 'nothing to do: requests', value: String(median(requests)) },
    atMost('nothing to do: CPU, median', median(runs.map(({ cpuSeconds }) => cpuSeconds)), 0.2, ' s'),
    { what: 'nothing to do: wall, median', value: `${median(runs.map(({ seconds }) => seconds)).toFixed(2)} s` },
    {
      what: 'nothing to do: peak memory, median',
      value: `${median(runs.map(({ peakMib }) => peakMib)).toFixed(0)} MiB`,
    },
  ];
}

/**
 * A module as Ansible runs it, with arguments that it refuses, against the least that Node.js can
 * do.
 */
async function measureStartUp(): Promise<Result[]> {
  const argsFile = join(folder, 'refused-arguments.json');
  writeFileSync(argsFile, JSON.stringify({ no_such_option: true }));
  const all: Result[] = [];
  for (const name of ['image_info', 'image_deploy']) {
    const module: number[] = [];
    const node: number[] = [];
    for (let pair = 0; pair < startUpPairs; pair++) {
      const { seconds, stdout } = await measureWall([join(roles, `library/${name}.mjs`), argsFile]);
      if ((JSON.parse(stdout) as { failed?: boolean }).failed !== true)
        throw new Error(`${name} should have refused: ${stdout}`);
      module.push(seconds);
      node.push((await measureWall(['node', '-e', '0'])).seconds);
    }
    const milliseconds = (values: readonly number[]): string => `${(median(values) * 1000).toFixed(0)} ms`;
    all.push(
      { what: `start-up of ${name}, median`, value: milliseconds(module) },
      { what: '  node -e 0, median', value: milliseconds(node) },
      ratio('  ratio', { ours: module, rival: node, limit: 1.3 }),
    );
  }
  return all;
}
