// docs/operating.md, command by command in its order, on a site with a control host and the real cloud: each prints what the page
// says. `HANDBOOK=write` puts into the page what they print now.
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { parse } from 'yaml';
import { mib } from './disk.js';
import { openHandbookSite, type HandbookSite } from './handbook-site.js';
import { isDocumented, pairIds, readHandbook, rewriteOutput, type Answer, type Step } from './handbook.js';

jest.setTimeout(600_000);

const [introduction, ...answers] = readHandbook();
const first = '20250422-v1-amd';
const second = '20250601-v1-amd';
/** The page's ids, and what they are here. */
const ids = new Map<string, string>();
let site: HandbookSite;

beforeAll(async () => {
  site = await openHandbookSite();
  for (const text of answers.flatMap(({ settings }) => settings)) site.set(parse(site.toSite(text)));
  await Promise.all([
    followAll(introduction as Answer),
    publish(first, '20.04', '22.04', '24.04', '24.04-CUDA'),
    site.archive('CC-Ubuntu20.04', '20250115-v1-amd', 19),
    site.archive('CC-Ubuntu22.04', '20241120-v1-amd', 20),
    site.archive('CC-Ubuntu24.04', '20250115-v1-amd', 13, { visibility: 'private' }),
  ]);
  await site.host.shell('systemctl start image_deploy.service');
});

afterAll(() => site.cleanUp());

async function publish(release: string, ...versions: readonly string[]): Promise<void> {
  for (const version of versions) await site.store.publish(site.toSite(`CC-Ubuntu${version}`), release, { bytes: mib });
}

/** What has happened on the site when somebody asks. */
const before: Readonly<Record<string, () => Promise<void>>> = {
  'Why last night failed': async () => {
    await publish(second, '22.04', '24.04');
    await site.store.withdraw(site.toSite('CC-Ubuntu24.04'), second, 'qcow2');
    expect(await site.host.try('systemctl start image_deploy.service')).not.toMatchObject({ exitCode: 0 });
  },
  'Exclude an image': async () => {
    await publish(second, '24.04');
    await site.host.shell('systemctl start image_deploy.service');
  },
  'Upgrade and go back with the tools': () => site.releaseNewer(),
  'Coming from the older tools': async () => {
    await site.host.shell('mkdir /etc/hammers && cp /etc/chameleon_image_tools/site.yaml /etc/hammers');
  },
};

/** A play takes half a minute for all stages: after the first one, only the stage that the answer is about. */
function shortened(command: string, title: string): string {
  const isPlay = title !== '' && command.startsWith('ansible-playbook ');
  return isPlay ? `${command} --tags chameleon_image_tools_install` : command;
}

async function follow({ prompt, command }: Step, { title }: Answer): Promise<string> {
  const known = [...ids].reduce((text, [page, here]) => text.replaceAll(page, here), site.toSite(command));
  const both = `exec 2>&1\n${shortened(known, title)}`;
  const { exitCode, stdout } = await (prompt === '#' ? site.host.try(both) : site.shell(both));
  expect({ command, exitCode, output: exitCode === 0 ? '' : stdout }).toEqual({ command, exitCode: 0, output: '' });
  expect(stdout).not.toContain(site.cloud.admin_password);
  return site.toPage(stdout);
}

async function followAll(answer: Answer): Promise<void> {
  for (const step of answer.steps) {
    const actual = await follow(step, answer);
    const pairs = pairIds(step.output, actual);
    for (const [page, here] of pairs) ids.set(page, here);
    if (isDocumented(actual, step.output)) continue;
    const shown = [...pairs].reduce((text, [page, here]) => text.replaceAll(here, page), actual);
    if (process.env.HANDBOOK === 'write') rewriteOutput(answer, step, shown);
    else expect(`${step.command}\n${shown}`).toBe(`${step.command}\n${step.output}`);
  }
}

test('has the answers that operators look for', () => {
  expect(answers.map(({ title }) => title)).toEqual([
    'Why last night failed',
    'Exclude an image',
    'Keep one for ever',
    'Unhide',
    'Go back',
    'Stop everything now',
    'Permissions',
    'Upgrade and go back with the tools',
    'Supported versions',
    'Report a bug',
    'Coming from the older tools',
  ]);
  expect(answers.filter(({ steps }) => steps.length === 0)).toEqual([]);
});

test.each(answers.map((answer) => [answer.title, answer] as const))('%s', async (title, answer) => {
  await before[title]?.();
  await followAll(answer);
});

test('what is attached to a report shows no secret', async () => {
  const report = await site.host.shell('cat report.txt');

  expect(report).toContain('GET ');
  expect(report).not.toContain(site.cloud.admin_password);
  expect(report).not.toMatch(/gAAAA/);
});
