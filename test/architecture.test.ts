// The rules that keep the structure: who may import whom, what is generated is fresh, what is
// promised is written down.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { operations } from '../modules/registry.js';
import { loadDeclarations } from '../scripts/declarations.js';
import { collectionOf } from '../scripts/galaxy.js';
import { referenceOf } from '../scripts/reference.js';
import { roleVariableFiles } from '../scripts/role-variables.js';
import { root, sourceFiles, type SourceFile } from './source-files.js';

const modules = sourceFiles('modules');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

const wings = ['ansible', 'cli', 'ipa', 'nodes', 'cache', 'images', 'runtime', 'clients', 'core'] as const;
type Place = (typeof wings)[number] | 'entry' | 'registry';

/**
 * Imports go one way: entries → ansible | cli | registry → ipa → nodes | cache → images → runtime →
 * clients → core.
 */
const allowed: Readonly<Record<Place, readonly Place[]>> = {
  entry: ['ansible', 'cli', 'registry', 'ipa', 'nodes', 'cache', 'images'],
  ansible: ['ansible', 'runtime', 'core'],
  cli: ['cli', 'images', 'runtime', 'clients', 'core'],
  registry: ['ipa', 'nodes', 'cache', 'images', 'core'],
  ipa: ['ipa', 'nodes', 'images', 'runtime', 'clients', 'core'],
  nodes: ['nodes', 'images', 'runtime', 'clients', 'core'],
  cache: ['cache', 'images', 'runtime', 'clients', 'core'],
  images: ['images', 'runtime', 'clients', 'core'],
  runtime: ['runtime', 'clients', 'core'],
  clients: ['clients', 'core'],
  core: ['core'],
};

function placeOf(path: string): Place {
  const [, folder = ''] = path.split('/');
  return folder === 'registry.ts' ? 'registry' : (wings.find((wing) => wing === folder) ?? 'entry');
}

const isPolicy = (path: string): boolean => path.split('/')[2] === 'policy';

/** `file imports what`, for each import of these files that breaks the rule. */
function breaches(files: readonly SourceFile[], isAllowed: (specifier: string, file: SourceFile) => boolean): string[] {
  return files.flatMap((file) =>
    file.imports
      .filter((specifier) => !isAllowed(specifier, file))
      .map((specifier) => `${file.path} imports ${specifier}`),
  );
}

const policy = modules.filter((file) => isPolicy(file.path));
const outside = (folder: string): SourceFile[] => modules.filter((file) => !file.path.startsWith(folder));
const inside = (folder: string): SourceFile[] => modules.filter((file) => file.path.startsWith(folder));

describe('imports', () => {
  test('are found at all', () => {
    expect(modules.find((file) => file.path === 'modules/image_info.ts')?.imports).toEqual([
      'modules/ansible/serve.ts',
      'modules/images/info/operation.ts',
    ]);
  });

  test('go one way: entries → ansible | cli | registry → ipa → nodes | cache → images → runtime → clients → core', () => {
    const isAllowed = (specifier: string, file: SourceFile): boolean =>
      !specifier.startsWith('modules/') || allowed[placeOf(file.path)].includes(placeOf(specifier));

    expect(breaches(modules, isAllowed)).toEqual([]);
  });

  test('of policy reach policy and core alone', () => {
    const isAllowed = (specifier: string): boolean =>
      !specifier.startsWith('modules/') || isPolicy(specifier) || placeOf(specifier) === 'core';

    expect(breaches(policy, isAllowed)).toEqual([]);
  });

  test('of an entry reach its operation, or all of them by the registry, alone', () => {
    const isAllowed = (specifier: string): boolean =>
      ['ansible', 'cli', 'registry'].includes(placeOf(specifier)) || specifier.endsWith('/operation.ts');

    expect(
      breaches(
        modules.filter((file) => placeOf(file.path) === 'entry'),
        isAllowed,
      ),
    ).toEqual([]);
  });

  test('of the command line reach only those clients that read files', () => {
    expect(breaches(inside('modules/cli/'), (specifier) => !/^modules\/clients\/(?!files\/)/.test(specifier))).toEqual(
      [],
    );
  });

  test.each([
    ['node-fetch', 'modules/clients/http/', /^node-fetch(\/|$)/],
    ['yargs', 'modules/cli/', /^yargs(\/|$)/],
    ['cli-progress', 'modules/cli/', /^cli-progress$/],
  ])('of %s are only in %s', (_, folder, name) => {
    expect(breaches(outside(folder), (specifier) => !name.test(specifier))).toEqual([]);
  });

  test('of core and policy are free of I/O', () => {
    const io = /^(node:)?(fs|http|https|net|tls|dns|child_process|os|process|worker_threads|dgram|cluster)(\/|$)/;

    expect(breaches([...inside('modules/core/'), ...policy], (specifier) => !io.test(specifier))).toEqual([]);
  });

  test('of the doubles take nothing from the modules', () => {
    expect(
      breaches(
        sourceFiles('test/sandbox', 'test/cloud').filter((file) => !file.path.endsWith('.test.ts')),
        (specifier) => !specifier.startsWith('modules/'),
      ),
    ).toEqual([]);
  });
});

test('policy knows no clock, no randomness and no environment', () => {
  const impure = /\bDate\.now\(|new Date\(\)|Math\.random|performance\.now|\bprocess\.|setTimeout|\bfetch\(/;

  expect(policy.filter((file) => impure.test(file.code)).map((file) => file.path)).toEqual([]);
});

test('only the front ends, and what the environment must give, touch the process', () => {
  const touching = modules
    .filter((file) => /\bprocess\.(env|argv|exit|std|on\()/.test(file.code))
    .map((file) => placeOf(file.path));

  expect([...new Set(touching)].sort()).toEqual(['ansible', 'cli', 'entry']);
});

test('nothing but errors is a class', () => {
  const classes = modules.flatMap((file) =>
    [...file.code.matchAll(/\bclass (\w+)( extends \w+)?/g)].map(([text]) => `${file.path}: ${text}`),
  );

  expect(classes.filter((text) => !/ extends \w*(Error|InProgress)$/.test(text))).toEqual([]);
});

test('every operation has its entry of three lines, and every entry its operation', () => {
  const entries = readdirSync(join(root, 'modules')).filter(
    (name) => name.endsWith('.ts') && name !== 'cli.ts' && name !== 'registry.ts',
  );

  expect(entries.sort()).toEqual(operations.map(({ name }) => `${name}.ts`));
  for (const entry of entries) expect(read(`modules/${entry}`).trimEnd().split('\n')).toHaveLength(3);
});

test('the registry is sorted by name', () => {
  const names = operations.map(({ name }) => name);

  expect(names).toEqual([...names].sort());
});

test('a name is exported once, so that a search finds one', () => {
  const places = new Map<string, string[]>();
  for (const { path, code } of modules)
    for (const [, name = ''] of code.matchAll(
      /^export (?:async )?(?:function\*?|const|let|class|interface|type) (\w+)/gm,
    ))
      places.set(name, [...(places.get(name) ?? []), path]);

  expect([...places].filter(([, paths]) => paths.length > 1)).toEqual([]);
});

test('no function of the product has more than 70 lines', () => {
  const long = [...modules, ...sourceFiles('scripts')].flatMap((file) =>
    functionsOf(file.text)
      .filter(({ lines }) => lines > 70)
      .map(({ name, lines }) => `${file.path}: ${name} has ${lines} lines`),
  );

  expect(long).toEqual([]);
});

/**
 * The functions at the top level of a formatted file: each ends with a brace at the beginning of a
 * line.
 */
function functionsOf(text: string): { name: string; lines: number }[] {
  const lines = text.split('\n');
  return lines.flatMap((line, begin) => {
    const [, name] = /^(?:export )?(?:async )?function\*? (\w+)/.exec(line) ?? [];
    return name === undefined ? [] : [{ name, lines: lines.indexOf('}', begin) - begin + 1 }];
  });
}

test('no line of the product has more than 120 columns, none of a test more than 160', () => {
  const longLines = (files: readonly SourceFile[], limit: number): string[] =>
    files.flatMap(({ path, text }) =>
      text.split('\n').flatMap((line, index) => (line.length > limit ? [`${path}:${index + 1}`] : [])),
    );

  expect(longLines([...modules, ...sourceFiles('scripts')], 120)).toEqual([]);
  expect(longLines(sourceFiles('test'), 160)).toEqual([]);
});

test('no file of the product or of its tests has more than 300 lines', () => {
  const long = [...modules, ...sourceFiles('scripts', 'test')].filter(({ text }) => text.split('\n').length > 301);

  expect(long.map(({ path }) => path)).toEqual([]);
});

describe('generated documents', () => {
  test('are fresh: run `npm run docs`', async () => {
    const declarations = await loadDeclarations();
    const collection = collectionOf(declarations);

    for (const declaration of declarations) {
      expect(existsSync(join(root, `docs/reference/${declaration.name}.md`))).toBe(true);
      expect(read(`docs/reference/${declaration.name}.md`)).toBe(referenceOf(declaration, collection));
    }
  });

  test('of the role are fresh: run `npm run docs`', () => {
    for (const [path, text] of roleVariableFiles()) expect({ path, text: read(path) }).toEqual({ path, text });
  });

  test('of removed operations are gone', async () => {
    expect(readdirSync(join(root, 'docs/reference')).sort()).toEqual(
      (await loadDeclarations()).map(({ name }) => `${name}.md`),
    );
  });
});

describe('modules/README.md', () => {
  const documented = [...read('modules/README.md').matchAll(/^\| `([A-Z][A-Z0-9_]*)` \|/gm)].map(
    ([, code]) => code ?? '',
  );

  test('lists every error code that is thrown', () => {
    expect(thrownCodes().filter((code) => !documented.includes(code))).toEqual([]);
  });

  test('lists no other, and lists them in order', () => {
    expect(documented.filter((code) => !thrownCodes().includes(code))).toEqual([]);
    expect(documented).toEqual([...documented].sort());
  });
});

/**
 * Codes given to the constructors of errors, and those that results and the launcher carry without
 * one.
 */
function thrownCodes(): string[] {
  const constructed = modules.flatMap((file) =>
    [...file.code.matchAll(/\bnew [A-Z]\w*(?:Error|InProgress)\(|\bsuper\(/g)].flatMap(({ index }) =>
      codesIn(callAt(file.code, index)),
    ),
  );
  const others = [...modules, ...sourceFiles('scripts')].flatMap((file) =>
    [...file.code.matchAll(/\bcode\??"?(?:: string)?\s*[:=]\s*['"]([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*)['"]/g)].map(
      ([, code]) => code ?? '',
    ),
  );
  return [...new Set([...constructed, ...others])].sort();
}

/** The text of a call, up to the parenthesis that closes it. */
function callAt(code: string, start: number): string {
  let depth = 0;
  for (let index = code.indexOf('(', start); index < code.length; index += 1) {
    if (code[index] === '(') depth += 1;
    if (code[index] === ')') depth -= 1;
    if (depth === 0) return code.slice(start, index);
  }
  return code.slice(start);
}

function codesIn(call: string): string[] {
  return [...call.matchAll(/'([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*)'/g)]
    .map(([, code]) => code ?? '')
    .filter((code) => code.length > 3);
}
