// Runs playbooks/sites.yml on two real clouds at once, such as that of Debian 12 and that of Debian 13, with one store for
// both, and tidies up. `test/cloud/README.md` says how to have two clouds.
//   usage: node build/test/two-clouds.js STATE STATE     the state folders of two clouds that run
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { authOf, call, root, type CloudFacts } from './acceptance/cloud.js';
import { mib } from './acceptance/disk.js';
import { openGlance, type RawGlance } from './acceptance/glance.js';
import { swiftStore } from './acceptance/image-store.js';
import { run } from './acceptance/systemd-host.js';
import { logIn } from './sandbox/log-in.js';

interface OneCloud {
  readonly name: string;
  readonly facts: CloudFacts;
  readonly token: string;
  readonly glance: RawGlance;
}

const states = process.argv.slice(2);
if (states.length !== 2) throw new Error('usage: node build/test/two-clouds.js STATE STATE');
const scope = `two-clouds-${randomBytes(4).toString('hex')}`;
const names = ['one', 'two'].map((suffix) => `CC-${scope}-${suffix}`);
const folder = mkdtempSync(join(tmpdir(), 'two-clouds-'));
const clouds = await Promise.all(states.map((state, index) => openOne(state, `cloud-${index + 1}`)));
const [first] = clouds;
if (!first) throw new Error('there is no cloud');
const store = swiftStore(first.facts, first.token, scope);
try {
  for (const name of names) await store.publish(name, '20250422-v1-amd', { bytes: 8 * mib });
  writeInventory();
  for (const { name, facts } of clouds) console.log(`${name}: ${facts.glance_url}, API ${await newestApi(facts)}`);
  await play('deploy', /^cloud-\d +changed +2 images deployed/gm);
  await play('deploy', /^cloud-\d +ok +2 images up to date/gm);
  await play('info', /^cloud-\d +ok +2 images/gm);
  for (const { name, glance } of clouds) {
    const found = (await ours(glance)).map((image) => `${image.name} ${image.status} ${image.visibility}`).sort();
    const expected = names.map((image) => `${image} active public`).sort();
    if (found.join() !== expected.join()) throw new Error(`${name} has ${found.join(', ') || 'no images'}`);
  }
  console.log('Both clouds have both images.');
} finally {
  for (const { glance } of clouds) for (const { id } of await ours(glance)) await glance.remove(id);
  await store.cleanUp();
  rmSync(folder, { recursive: true });
}

async function openOne(state: string, name: string): Promise<OneCloud> {
  const facts = JSON.parse(readFileSync(join(state, 'cloud.json'), 'utf8')) as CloudFacts;
  const token = await logIn(authOf(facts, 'admin'));
  return { name, facts, token, glance: openGlance(facts.glance_url, token, facts.admin_project_id) };
}

async function ours(glance: RawGlance): ReturnType<RawGlance['list']> {
  return (await glance.list()).filter(({ name }) => names.some((image) => name.includes(image)));
}

/** Tells the releases of OpenStack apart. */
async function newestApi({ glance_url: url }: CloudFacts): Promise<string> {
  const { versions } = (await (await call('GET', `${url}/versions`)).json()) as { versions: { id: string }[] };
  return versions[0]?.id ?? 'unknown';
}

function writeInventory(): void {
  mkdirSync(join(folder, 'locks'));
  const hosts = Object.fromEntries(clouds.map(({ name, facts }) => [name, { auth: authOf(facts, 'admin') }]));
  const vars = {
    deploy_options: { object_store_url: store.url, scope, lock_dir: join(folder, 'locks') },
    info_options: { images: names },
  };
  writeFileSync(join(folder, 'inventory.yml'), JSON.stringify({ sites: { vars, hosts } }));
}

/** Shows the table of the play, and throws unless each site has a line in it like that. */
async function play(operation: string, expected: RegExp): Promise<void> {
  const { exitCode, stdout, stderr } = await run(
    '/usr/bin/ansible-playbook',
    [
      ...['-i', join(folder, 'inventory.yml'), '-e', `operation=${operation}`, '-e', `report_dir=${folder}`],
      'playbooks/sites.yml',
    ],
    { cwd: root, environment: { ANSIBLE_CONFIG: join(root, 'ansible.cfg'), ANSIBLE_NOCOLOR: '1', HOME: folder } },
  );
  const table = exitCode === 0 ? readFileSync(join(folder, 'sites.txt'), 'utf8') : '';
  console.log(`\n${operation}\n${table}`);
  if (exitCode !== 0 || table.match(expected)?.length !== clouds.length)
    throw new Error(`the play ended with ${exitCode}:\n${stdout}${stderr}`);
}
