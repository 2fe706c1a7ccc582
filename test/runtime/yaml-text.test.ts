import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parse } from 'yaml';
import { toYamlText } from '../../modules/runtime/result.js';

test.each([
  ['nothing', {}, ''],
  ['plain text', { name: 'CC-Ubuntu22.04', url: 'a: b' }, 'name: CC-Ubuntu22.04\nurl: "a: b"\n'],
  [
    'what YAML would take for something else',
    { a: 'yes', b: '12', c: '', d: null, e: 12, f: true },
    'a: "yes"\nb: "12"\nc: ""\nd: null\ne: 12\nf: true\n',
  ],
  [
    'what is nested',
    { a: { b: 'c' }, d: ['e', { f: 'g', h: 'i' }], j: [], k: {} },
    'a:\n  b: c\nd:\n  - e\n  - f: g\n    h: i\nj: []\nk: {}\n',
  ],
])('shows %s', (_, values, expected) => {
  expect(toYamlText(values)).toBe(expected);
});

test('is read back as the same by a YAML parser', () => {
  const word = fc.oneof(
    fc.string(),
    fc.constantFrom('no', 'null', '~', '- a', '# b', 'a #b', 'a:', '*', '0x1f', '1e3', '2020-01-01', '.5', '---'),
  );
  fc.assert(
    fc.property(
      fc.dictionary(
        word,
        fc.oneof(word, fc.boolean(), fc.integer(), fc.constant(null), fc.array(word), fc.dictionary(word, word)),
      ),
      (values) => {
        fc.pre(!Object.hasOwn(values, '__proto__') && !JSON.stringify(values).includes('__proto__'));

        expect(parse(toYamlText(values), { merge: false }) ?? {}).toEqual(values);
      },
    ),
  );
});
