// What YAML and JSON files hold, beside PyYAML (python3-yaml), by which Ansible, bifrost and the
// OpenStack clients read the same files.
import { spawnSync } from 'node:child_process';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseYamlDocument } from '../../modules/clients/files/yaml-document.js';
import { parseJson } from '../../modules/core/json-text.js';
import { isWrittenNumber } from '../../modules/core/written-numbers.js';

const scalars = [
  ...[
    '0',
    '7',
    '-7',
    '+7',
    '12',
    '0123',
    '0123456',
    '08',
    '0o14',
    '0x1f',
    '0b11',
    '1_000',
    '1:30',
    '190:20:30',
    '98765432109876543210',
    '1234567890123456789',
    '9007199254740993',
  ],
  ...[
    '1.10',
    '1.1',
    '2.0',
    '.5',
    '5.',
    '-.5',
    '0.1',
    '0.1000000000000000055511151231257827',
    '00.5',
    '12e4',
    '1e3',
    '1E5',
    '1.5e3',
    '1.5e+3',
    '1.0e-3',
    '1e400',
    '1.0e+400',
    '.inf',
    '-.inf',
    '.NaN',
    '1e',
    'e1',
    '+',
    '.',
  ],
  ...[
    'yes',
    'no',
    'on',
    'off',
    'y',
    'n',
    'true',
    'True',
    'TRUE',
    'false',
    '~',
    'null',
    'Null',
    '2026-11-26',
    '2026-11-26T10:00:00Z',
    '12:30:45',
    '1.2.3',
    '10.0.0.1',
    '1,000',
    'abc',
    '1a',
    '0x',
    '1__0',
  ],
];

/** Of each text: its type in Python and its value, whole numbers as text. */
function readByPython(texts: readonly string[]): { type: string; value: string }[] {
  const program =
    'import json, sys, yaml\nprint(json.dumps([{"type": type(v).__name__, "value": ' +
    'repr(v)} for v in (yaml.safe_load("k: " + t)["k"] for t in json.load(sys.stdin))]))';
  const { stdout, stderr } = spawnSync('/usr/bin/python3', ['-c', program], {
    input: JSON.stringify(texts),
    encoding: 'utf8',
  });
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout) as { type: string; value: string }[];
}

const read = async (text: string): Promise<unknown> =>
  ((await parseYamlDocument(`k: ${text}`, 'f', 'typed')).content as { k: unknown }).k;

describe('a scalar of YAML', () => {
  test('is never a number if PyYAML reads a text, and never another number', async () => {
    const python = readByPython(scalars);

    for (const [index, text] of scalars.entries()) {
      const value = await read(text);
      const { type, value: shown } = python[index] ?? { type: '', value: '' };
      const told = `${text}: ${type} ${shown}, here ${typeof value} ${String(value)}`;
      if (typeof value === 'number')
        expect([told, ['int', 'float'].includes(type), Number(shown)]).toEqual([told, true, value]);
      else if (typeof value === 'boolean') expect([told, type]).toEqual([told, 'bool']);
      else if (value === null) expect([told, type]).toEqual([told, 'NoneType']);
      else expect([told, String(value)]).toEqual([told, text]);
      if (isWrittenNumber(value)) expect([told, ['int', 'float'].includes(type)]).toEqual([told, true]);
    }
  });

  test('of any characters of numbers, too', async () => {
    const texts = fc
      .sample(fc.stringMatching(/^[-+]?[0-9._e:x]{1,12}$/), { numRuns: 400, seed: 7 })
      .filter((text) => !text.endsWith(':'));
    const python = readByPython(texts);

    for (const [index, text] of texts.entries()) {
      const value = await read(text);
      if (typeof value === 'number' || isWrittenNumber(value))
        expect([text, python[index]?.type]).toEqual([text, expect.stringMatching(/^(int|float)$/)]);
      if (typeof value === 'number') expect([text, Number(python[index]?.value)]).toEqual([text, value]);
      else expect(String(value)).toBe(text);
    }
  });
});

describe('a number of JSON', () => {
  test.each<[string, unknown]>([
    ['{"a": 12e4}', '12e4'],
    ['{"a": 5.0}', '5.0'],
    ['{"a": 98765432109876543210}', '98765432109876543210'],
    ['{"a": 623}', 623],
    ['{"a": "\\"1.10\\\\", "b": 1.10}', '"1.10\\'],
  ])('%s keeps its spelling, in a file and as an argument', async (text, expected) => {
    const plain = (value: unknown): unknown => (isWrittenNumber(value) ? value.source : value);
    const { content } = await parseYamlDocument(text, 'f', 'typed');

    expect(plain((content as { a: unknown }).a)).toEqual(expected);
    expect(plain((parseJson(text, { numbers: 'written' }) as { a: unknown }).a)).toEqual(expected);
  });

  test('of any JSON is the same as by JSON.parse, where it is exact', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        const number = (_: string, value: unknown): unknown => (isWrittenNumber(value) ? value.number : value);
        expect(JSON.stringify(parseJson(text, { numbers: 'written' }), number)).toBe(JSON.stringify(JSON.parse(text)));
      }),
    );
  });
});

describe('a document', () => {
  const refusalOf = (text: string): Promise<string> =>
    parseYamlDocument(text, 'f.yml', 'typed').then(String, (error: Error) => error.message);

  test.each<[string, string]>([
    ['flow lists', '['.repeat(200_000)],
    ['closed flow lists', '['.repeat(3000) + ']'.repeat(3000)],
    ['flow mappings', '{a: '.repeat(200_000)],
    ['compact lists', `${'- '.repeat(100_000)}x`],
    ['explicit keys', `${'? '.repeat(100_000)}x`],
    ['block mappings', Array.from({ length: 300 }, (_, level) => `${' '.repeat(level)}a:`).join('\n')],
    [
      'aliases',
      ['a0: &a0 [x]', ...Array.from({ length: 150 }, (_, index) => `a${index + 1}: &a${index + 1} [*a${index}]`)].join(
        '\n',
      ),
    ],
  ])('that is too deep by %s is refused by its line', async (_, text) =>
    expect(await refusalOf(text)).toMatch(
      /^f\.yml line \d+ is not valid YAML: it is nested more than 100 levels deep$/,
    ),
  );

  test.each<[string, string, string]>([
    [
      'aliases that multiply',
      [
        'a0: &a0 [x, x, x, x, x, x, x, x, x, x]',
        ...Array.from(
          { length: 9 },
          (_, index) => `a${index + 1}: &a${index + 1} [${Array(10).fill(`*a${index}`).join(', ')}]`,
        ),
      ].join('\n'),
      'its aliases stand for more than 1000000 values',
    ],
    ['an alias within its anchor', 'a: &a [*a]', 'an alias is before or within its anchor'],
    ['an alias of nothing', 'a: *b', 'nresolved alias'],
    ['a key twice', 'a: 1\nb: 2\na: 3', 'line 3 is not valid YAML: a key is given twice'],
    ['two documents', 'a: 1\n---\nb: 2', 'more than one document'],
    ['a tag of a vault', 'a: !vault x', 'line 1'],
  ])('with %s is refused', async (_, text, expected) =>
    expect(await refusalOf(text)).toMatch(new RegExp(`${expected}|an alias is before`)),
  );

  test('of 30,000 anchors takes time in proportion to its length', async () => {
    const text = (count: number): string =>
      Array.from({ length: count }, (_, index) => `k${index}: &a${index} v\nl${index}: *a${index}\n`).join('');
    const seconds = async (count: number): Promise<number> => {
      const begin = process.cpuUsage();
      const { content } = await parseYamlDocument(text(count), 'f', 'typed');
      expect(Object.keys(content as object)).toHaveLength(2 * count);
      return process.cpuUsage(begin).user / 1e6;
    };

    await seconds(1000);
    const [few, many] = [await seconds(5000), await seconds(30_000)];
    expect(many / few).toBeLessThan(20);
  });

  test('has merge keys, and knows the line of each of its parts', async () => {
    const { content, lineOf } = await parseYamlDocument(
      'base: &b {driver: ipmi, extra: {a: 1}}\nnodes:\n- name: a\n  <<: *b\n- name: b\n  <<: [*b, {driver: ' +
        'x, owner: y}]\n  extra: {}\n',
      'f',
      'typed',
    );

    expect(content).toMatchObject({
      nodes: [
        { name: 'a', driver: 'ipmi', extra: { a: 1 } },
        { name: 'b', driver: 'ipmi', owner: 'y', extra: {} },
      ],
    });
    expect([lineOf(['nodes', 1]), lineOf(['nodes', 1, 'extra']), lineOf(['nodes', 7])]).toEqual([5, 7, 2]);
  });
});
