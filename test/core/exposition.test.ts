import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { formatExposition, parseExposition } from '../../modules/core/exposition.js';

const gauge = (name: string, samples: readonly { labels: Record<string, string>; value: number }[]) => ({
  name,
  help: 'Seconds since 1970, with a \\ and\na break.',
  samples,
});

test('writes description, type and samples of each gauge, and the end that OpenMetrics requires', () => {
  const text = formatExposition([
    gauge('last_success', [{ labels: { name: 'image_deploy' }, value: 1764237600 }]),
    gauge('size_bytes', [
      { labels: { image: 'a "b" \\ c\nd' }, value: 1.5 },
      { labels: {}, value: Number.POSITIVE_INFINITY },
    ]),
  ]);

  expect(text).toBe(
    [
      '# HELP last_success Seconds since 1970, with a \\\\ and\\na break.',
      '# TYPE last_success gauge',
      'last_success{name="image_deploy"} 1764237600',
      '# HELP size_bytes Seconds since 1970, with a \\\\ and\\na break.',
      '# TYPE size_bytes gauge',
      'size_bytes{image="a \\"b\\" \\\\ c\\nd"} 1.5',
      'size_bytes +Inf',
      '# EOF',
      '',
    ].join('\n'),
  );
});

test('writes no description where there is none', () => {
  const text = formatExposition([{ name: 'last_success', samples: [{ labels: {}, value: 1 }] }]);

  expect(text).toBe('# TYPE last_success gauge\nlast_success 1\n# EOF\n');
});

test('leaves out a gauge without a sample', () => {
  expect(formatExposition([gauge('nothing', [])])).toBe('# EOF\n');
});

test.each([
  ['a comment', '# TYPE x gauge'],
  ['no value', 'x{a="b"}'],
  ['a timestamp', 'x 1 1764237600'],
  ['a value that is no number', 'x one'],
  ['labels without quotes', 'x{a=b} 1'],
  ['labels without a comma', 'x{a="b"c="d"} 1'],
  ['an open label', 'x{a="b} 1'],
  ['a line of another file', 'root:$6$salt$hash:19000:0:99999:7:::'],
])('reads no sample from %s', (_, line) => {
  expect(parseExposition(`${line}\n`).size).toBe(0);
});

test('reads what the wrapper of earlier versions wrote', () => {
  const text = '# TYPE periodic_task_last_success gauge\nperiodic_task_last_success{name="image_deploy"} 1764237600\n';

  expect([...parseExposition(text)]).toEqual([
    ['periodic_task_last_success', [{ labels: { name: 'image_deploy' }, value: 1764237600 }]],
  ]);
});

test('reads back what it writes, whatever the labels contain', () => {
  const label = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('a\rb', 'a\u2028b'));
  const value = fc.double({ noNaN: true, noDefaultInfinity: true }).filter((number) => !Object.is(number, -0));
  const sample = fc.record({ labels: fc.record({ name: label, image: label }), value });

  fc.assert(
    fc.property(fc.array(sample, { minLength: 1 }), (samples) => {
      expect(parseExposition(formatExposition([gauge('some_gauge', samples)])).get('some_gauge')).toEqual(samples);
    }),
  );
});
