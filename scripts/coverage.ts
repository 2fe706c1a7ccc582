// Which lines of the modules and of the doubles no test reaches: in the tests' own process, and in
// the executables that they start. Run as `npm run coverage`.
//   usage: npm run coverage -- [--acceptance] [PATTERN…]
// Without a pattern, all unit tests. With --acceptance, the acceptance tests as well, on the cloud
// that runs (CHAMELEON_CLOUD_STATE). A process that is killed leaves no record, nor does one on a
// host of its own.
import { spawnSync } from 'node:child_process';
import { chmodSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import v8ToIstanbul from 'v8-to-istanbul';
import { launcherFor, type LauncherKind } from './launcher.js';
import { loadDeclarations, root } from './declarations.js';

const folder = join(root, 'build/coverage');
const records = join(folder, 'processes');
const role = join(root, 'roles/chameleon_image_tools');

/** How often each line of a file was reached. */
type Lines = Map<number, number>;

interface ScriptCoverage {
  readonly url: string;
  readonly functions: Parameters<ReturnType<typeof v8ToIstanbul>['applyCoverage']>[0];
}

interface FileCoverage {
  readonly path: string;
  readonly statementMap: Readonly<Record<string, { readonly start: { readonly line: number } }>>;
  readonly s: Readonly<Record<string, number>>;
}

const words = process.argv.slice(2);
const patterns = words.filter((word) => !word.startsWith('--'));
rmSync(folder, { recursive: true, force: true });
let failed = false;
try {
  await linkExecutables();
  const kinds = ['unit', ...(words.includes('--acceptance') ? ['acceptance'] : [])];
  failed = kinds.map((kind) => runTests(kind)).includes(false);
  const reached = new Map<string, Lines>();
  for (const kind of kinds) addAll(reached, readFiles(join(folder, kind, 'coverage-final.json')));
  for (const file of readdirSync(records)) await addProcess(reached, join(records, file));
  print(reached);
} finally {
  npm('build');
}
if (failed) throw new Error('some tests failed, so the lines are not all that the tests reach');

/** Executables that run what tsc emitted, line by line, and record what they reach. */
async function linkExecutables(): Promise<void> {
  const link = (target: string, entry: string, kind: LauncherKind): void => {
    const launcher = launcherFor(kind).replace('exec "$node"', `NODE_V8_COVERAGE='${records}' exec "$node"`);
    writeFileSync(target, `${launcher}await import(${JSON.stringify(join(root, 'build/modules', entry))});\n`);
    chmodSync(target, 0o755);
  };
  link(join(role, 'files/chameleon-image-tools.mjs'), 'cli.js', 'command');
  for (const { name } of await loadDeclarations()) link(join(role, `library/${name}.mjs`), `${name}.js`, 'module');
}

function npm(...args: readonly string[]): boolean {
  // For the programs that the tests of the front ends start themselves.
  const env = { ...process.env, PROCESS_COVERAGE: records };
  return spawnSync('npm', ['run', '--silent', ...args], { cwd: root, stdio: 'inherit', env }).status === 0;
}

function runTests(kind: string): boolean {
  const config =
    kind === 'unit' ? ['--roots', 'build/test', '--roots', 'build/modules'] : ['--config', 'jest.acceptance.config.js'];
  // With build/modules among the roots, files that no test loads are listed too.
  const sources = ['build/modules/**/*.js', 'build/test/sandbox/**/*.js', '!**/*.test.js', '!**/*contract*.js'];
  return npm(
    'test:unit',
    '--',
    ...config,
    '--coverage',
    '--coverageReporters=json',
    '--rootDir',
    root,
    ...sources.map((pattern) => `--collectCoverageFrom=${pattern}`),
    `--coverageDirectory=${join(folder, kind)}`,
    ...patterns,
  );
}

function readFiles(path: string): FileCoverage[] {
  return Object.values(JSON.parse(readFileSync(path, 'utf8')) as Record<string, FileCoverage>);
}

function addAll(reached: Map<string, Lines>, files: readonly FileCoverage[]): void {
  for (const { path, statementMap, s } of files) {
    const lines = reached.get(path) ?? new Map<number, number>();
    reached.set(path, lines);
    for (const [key, count] of Object.entries(s)) {
      const line = statementMap[key]?.start.line ?? 0;
      lines.set(line, (lines.get(line) ?? 0) + count);
    }
  }
}

async function addProcess(reached: Map<string, Lines>, record: string): Promise<void> {
  const { result } = JSON.parse(readFileSync(record, 'utf8')) as { readonly result: readonly ScriptCoverage[] };
  for (const { url, functions } of result) {
    if (!url.startsWith('file://')) continue;
    const path = fileURLToPath(url);
    if (!/^build\/(modules|test\/sandbox)\//.test(relative(root, path))) continue;
    const converter = v8ToIstanbul(path);
    await converter.load();
    converter.applyCoverage(functions);
    addAll(reached, Object.values(converter.toIstanbul()) as FileCoverage[]);
    converter.destroy();
  }
}

function print(reached: ReadonlyMap<string, Lines>): void {
  let [all, missed] = [0, 0];
  for (const [path, lines] of [...reached].sort(([one], [other]) => (one < other ? -1 : 1))) {
    const unreached = [...lines]
      .flatMap(([line, count]) => (count === 0 ? [line] : []))
      .sort((one, other) => one - other);
    all += lines.size;
    missed += unreached.length;
    if (unreached.length > 0) console.log(`${relative(root, path)}: ${ranges(unreached)}`);
  }
  console.log(`${missed} of ${all} lines are not reached`);
}

/** `1-3, 7`, of lines in ascending order. */
function ranges(lines: readonly number[]): string {
  const spans: [number, number][] = [];
  for (const line of lines) {
    const last = spans.at(-1);
    if (last && line === last[1] + 1) last[1] = line;
    else spans.push([line, line]);
  }
  return spans.map(([from, to]) => (from === to ? String(from) : `${from}-${to}`)).join(', ');
}
