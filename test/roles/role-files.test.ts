// What must be true of the role's tasks, templates and playbooks, whoever edits them next, and ansible-lint does not look for.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { imageCache } from '../../modules/cache/operation.js';
import { gaugeNames } from '../../modules/runtime/run-metrics.js';

const role = join(process.cwd(), 'roles/chameleon_image_tools');
const playbooks = join(process.cwd(), 'playbooks');
const read = (...path: string[]): string => readFileSync(join(...path), 'utf8');

type Task = Readonly<Record<string, unknown>> & { readonly name?: string };

const taskFiles = readdirSync(join(role, 'tasks'));
/** A part that most plays skip is called by its stage: node_install.yml is included by node.yml. */
const stages = taskFiles.filter((file) => file !== 'main.yml' && !file.includes('_'));

function tasksOf(file: string): Task[] {
  const flatten = (tasks: readonly Task[]): Task[] =>
    tasks.flatMap((task) => [
      task,
      ...['block', 'rescue', 'always'].flatMap((part) => flatten((task[part] ?? []) as Task[])),
    ]);
  return flatten(parse(read(role, 'tasks', file)) as Task[]);
}

const allTasks = taskFiles.flatMap(tasksOf);

test('files that may contain a secret are written for root alone, and neither they nor their diff are shown', () => {
  const secret = allTasks.filter((task) =>
    /site\.yaml|environment/.test(
      String((task['ansible.builtin.template'] as Record<string, unknown> | undefined)?.src),
    ),
  );

  expect(secret.length).toBeGreaterThan(0);
  for (const task of secret) {
    expect(task).toMatchObject({ no_log: true, diff: false, 'ansible.builtin.template': { mode: '0600' } });
  }
});

test('every assertion fails with a message that explains the condition', () => {
  const asserts = allTasks
    .map((task) => task['ansible.builtin.assert'] as Record<string, unknown> | undefined)
    .filter((assert) => assert !== undefined);

  expect(asserts.filter((assert) => typeof assert.fail_msg !== 'string')).toEqual([]);
});

test('main.yml imports every stage, each with rights of its own and a tag by its name', () => {
  const imports = tasksOf('main.yml');

  const included = (task: Task): Record<string, Record<string, unknown>> =>
    (task['ansible.builtin.include_tasks'] ?? {}) as Record<string, Record<string, unknown>>;
  expect(imports.map((task) => task['ansible.builtin.import_tasks'] ?? included(task).file).sort()).toEqual(
    [...stages].sort(),
  );
  for (const task of imports) {
    const tags = [task.tags].flat().map(String);
    expect(task.become ?? included(task).apply?.become).toBe(true);
    expect(tags.every((tag) => tag.startsWith('chameleon_image_tools_'))).toBe(true);
  }
  const tags = new Set(imports.flatMap((task) => [task.tags].flat()));
  expect(tags).toEqual(
    new Set(
      ['preflight', 'install', 'configure', 'timers', 'run', 'check', 'remove'].map(
        (stage) => `chameleon_image_tools_${stage}`,
      ),
    ),
  );
});

test('site.yaml.j2 writes every value as JSON, which YAML reads back as it was', () => {
  const values = [...read(role, 'templates/site.yaml.j2').matchAll(/\{\{(.*?)-?\}\}/gs)].map(
    ([, inner]) => inner?.trim() ?? '',
  );

  expect(values.filter((value) => !/^line\(|\| to_json$|^key$/.test(value))).toEqual([]);
});

test('the wrapper quotes what a site may set', () => {
  const wrapper = read(role, 'templates/wrapper.sh.j2').replace(/^# .*$/gm, '');
  const values = [...wrapper.matchAll(/\{\{(.*?)\}\}/gs)].map(([, inner]) => inner?.trim() ?? '');

  expect(
    values.filter(
      (value) =>
        value.includes('chameleon_image_tools_') &&
        !value.startsWith('_chameleon_image_tools_') &&
        !value.endsWith('| quote'),
    ),
  ).toEqual([]);
});

test.each(['chameleon_image_tools.yml', 'post_deploy.yml'])(
  'playbooks/%s works wherever it is copied to: it names nothing beside it',
  (file) => {
    const plays = parse(read(playbooks, file)) as Record<string, unknown>[];

    for (const play of plays) {
      expect(play.hosts).toBe('chameleon-image-tools');
      expect(Object.keys(play).filter((key) => /import|include|vars_files|vars_prompt/.test(key))).toEqual([]);
      expect(play.become).toBeUndefined();
      expect(play.roles).toEqual([{ role: 'chameleon_image_tools' }]);
    }
  },
);

test('playbooks/post_deploy.yml says in its first lines that it is not the one of CHI-in-a-Box', () => {
  expect(read(playbooks, 'post_deploy.yml').split('\n').slice(0, 3).join(' ')).toContain(
    'It is NOT the playbooks/post_deploy.yml of CHI-in-a-Box',
  );
});

test('the rules for Prometheus allow for the interval, the delay and a whole run, as the defaults have them', () => {
  const defaults = parse(read(role, 'defaults/main.yml')) as Record<string, string>;
  const text = read(role, 'files/image_tools.rules.yml');
  const hours = (name: string): number => Number.parseInt(defaults[`chameleon_image_tools_${name}`] ?? '', 10);

  expect(defaults.chameleon_image_tools_calendar).toBe('daily');
  expect(text.match(/\(24 \+ \d+ \+ \d+\) \* 3600/g)).toEqual(
    Array(3).fill(`(24 + ${hours('randomized_delay')} + ${hours('start_timeout')}) * 3600`),
  );
});

/** The gauges of our runs that a text names. */
const gaugesNamed = (text: string): string[] => [
  ...new Set(text.match(/\b(?:periodic_task_last_success|image_tools_[a-z_]+[a-z])\b(?![.:])/g) ?? []),
];

test.each(['files/image_tools.rules.yml', 'files/image_tools.dashboard.json', '../../docs/monitoring.md'])(
  '%s knows the metrics that runs write, and no others',
  (file) => {
    const named = gaugesNamed(read(role, file));

    expect(named.length).toBeGreaterThan(2);
    expect(named.filter((name) => !gaugeNames.includes(name))).toEqual([]);
  },
);

test('docs/monitoring.md describes each metric, and the dashboard and the rules show each that is no mere date', () => {
  const shown = gaugesNamed(read(role, 'files/image_tools.rules.yml') + read(role, 'files/image_tools.dashboard.json'));

  expect(gaugeNames.filter((name) => !gaugesNamed(read('docs/monitoring.md')).includes(name))).toEqual([]);
  expect(gaugeNames.filter((name) => !shown.includes(name))).toEqual([]);
});

test('the units of both runtimes start what the site names after a failure', () => {
  for (const unit of ['periodic.service.j2', 'periodic.container.service.j2'])
    expect(read(role, 'templates', unit)).toContain('OnFailure={{ chameleon_image_tools_on_failure }}');
});

test('the playbook image_cache.yml passes every option of its module on, each by a variable of its own', () => {
  const [{ tasks }] = parse(read(playbooks, 'image_cache.yml')) as [{ tasks: Task[] }];
  const given = tasks[0]?.image_cache as Record<string, string>;
  const variables = Object.entries(given).map(([name, value]) => [name, /image_cache_(\w+)/.exec(value)?.[1]]);

  expect(Object.keys(given).sort()).toEqual(Object.keys(imageCache.fields).sort());
  expect(variables.filter(([name, variable]) => name !== variable)).toEqual([
    ['file_url_allowed_paths', 'allowed_paths'],
    ['hosts', 'logins'],
  ]);
});
