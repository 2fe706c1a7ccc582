// What Ansible's own tools, and a reader of its pages, would say of the collection
// chameleon.image_tools.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { root } from './cloud.js';
import { installCollection, type InstalledCollection } from './collection.js';
import { run, succeed } from './systemd-host.js';

jest.setTimeout(900_000);

let collection: InstalledCollection;
/** The folder of ansible-core's sanity tests. */
let sanity: string;

beforeAll(async () => {
  collection = await installCollection();
  const { stdout } = await python('-c', 'import ansible_test; print(ansible_test.__path__[0])');
  sanity = join(stdout.trim(), '_util/controller/sanity');
});

afterAll(() => collection.remove());

/** Runs Python in the collection, where its modules can be imported. */
function python(...argv: readonly string[]): ReturnType<typeof run> {
  // Debian has no package of this one, which ansible-core 2.16 and newer read markup with.
  const double = join(root, 'test/acceptance/python');
  const environment = { PYTHONPATH: `${collection.folder}:${double}` };
  return run('/usr/bin/python3', argv, { cwd: collection.files, environment });
}

function textFiles(): string[] {
  return readdirSync(collection.files, { recursive: true, encoding: 'utf8' }).filter(
    (path) => /\.(md|ya?ml|py|txt)$/.test(path) && statSync(join(collection.files, path)).isFile(),
  );
}

function readFile(path: string): string {
  return readFileSync(join(collection.files, path), 'utf8');
}

/** The lines of each ignore file without their comments; each must have one. */
function ignoredFindings(): string[] {
  const folder = join(collection.files, 'tests/sanity');
  const names = readdirSync(folder).sort();
  expect(names).toEqual([14, 15, 16, 17, 18, 19, 20, 21, 22].map((minor) => `ignore-2.${minor}.txt`));
  const [first, ...others] = names.map((name) => readFileSync(join(folder, name), 'utf8'));
  for (const other of others) expect(other).toBe(first);
  return (first ?? '')
    .trimEnd()
    .split('\n')
    .map((line) => {
      const [, finding = '', reason] = /^(\S+ \S+) # (\S.+)$/.exec(line) ?? [];
      expect({ line, reason }).toEqual({ line, reason: expect.any(String) });
      return finding;
    });
}

test('every link of its pages leads to a file of the collection or of the repository', async () => {
  await succeed(process.execPath, [join(root, 'scripts/check-links.mjs'), collection.files], { cwd: root });

  const ours = /https:\/\/github\.com\/ChameleonCloud\/chameleon_image_tools\/(?:blob|tree)\/main\/([^\s)#"'>]*)/g;
  const broken = textFiles().flatMap((path) =>
    [...readFile(path).matchAll(ours)]
      .map(([, target = '']) => target.replace(/\.$/, ''))
      .filter((target) => !existsSync(join(root, target)))
      .map((target) => `${path}: ${target}`),
  );
  expect(broken).toEqual([]);
  // Galaxy shows this page without the other files.
  expect(readFile('README.md').match(/\]\((?!https:)[^)]*\)/g)).toBeNull();
});

test("passes validate-modules and the shebang test of ansible-core's sanity tests, but for what it ignores", async () => {
  const validated = await python(
    join(sanity, 'validate-modules/validate.py'),
    ...['--format', 'json', '--collection', 'ansible_collections/chameleon/image_tools'],
    ...['--collection-version', '0.1.0', '--plugin-type', 'module', 'plugins/modules'],
  );
  const files = readdirSync(join(collection.files, 'plugins/modules')).map((name) => `plugins/modules/${name}`);
  const shebang = await python(join(sanity, 'code-smell/shebang.py'), ...files);

  const reports = JSON.parse(validated.stdout) as Record<string, { errors: { code: string; msg: string }[] }>;
  expect(Object.keys(reports).filter((path) => path.endsWith('.mjs'))).toHaveLength(collection.modules.length);
  const found = [
    ...Object.entries(reports).flatMap(([path, { errors }]) =>
      path.endsWith('.mjs')
        ? [`${path} validate-modules!skip`]
        : errors.map(({ code }) => `${path} validate-modules:${code}`),
    ),
    ...[...shebang.stdout.matchAll(/^([^:]+):/gm)].map(([, path]) => `${path} shebang`),
  ];
  expect([...new Set(found)].sort()).toEqual(ignoredFindings().sort());
});

test('passes ansible-lint with its strictest profile', async () => {
  const playbooks = collection.playbooks.map((name) => `playbooks/${name}.yml`);
  const { stdout, stderr, exitCode } = await run(
    '/usr/bin/ansible-lint',
    [
      ...[
        '--offline',
        '--nocolor',
        '-p',
        '--profile',
        'production',
        '--project-dir',
        '.',
        '-c',
        join(root, '.ansible-lint'),
      ],
      ...[...playbooks, 'roles', 'meta/runtime.yml'],
      collection.galaxy,
    ],
    { cwd: collection.files, environment: { ANSIBLE_COLLECTIONS_PATH: collection.folder, HOME: collection.folder } },
  );

  expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: '' });
  // The releases of ansible-lint say it in different orders.
  expect(stderr).toMatch(/^Passed.*production/m);
  expect(stderr).toMatch(/^Passed.* on [2-9]\d files/m);
});

test('needs Node.js from the system, and an ansible-core that is tested', () => {
  expect(readFile('meta/execution-environment.yml')).toMatch(/^dependencies:\n {2}system: bindep\.txt$/m);
  expect(readFile('bindep.txt')).toMatch(/^nodejs \[platform:dpkg platform:rpm\]$/m);
  expect(readFile('meta/runtime.yml')).toMatch(/^requires_ansible: ">=2\.14\.0"$/m);
});
