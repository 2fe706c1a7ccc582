// Tables as files have them: separators, encodings, line ends and damaged lines.
import { describe, expect, test } from '@jest/globals';
import { parseTable } from '../../modules/clients/files/separated-table.js';
import type { SeparatedTable } from '../../modules/core/separated-table.js';

const parse = (text: string | Uint8Array): Promise<SeparatedTable> =>
  parseTable(typeof text === 'string' ? Buffer.from(text) : text);

const records = async (text: string): Promise<unknown> => {
  const { records: found, faults } = await parse(text);
  return [found.map(({ line, cells }) => [line, ...cells]), faults];
};

describe('a table', () => {
  test.each([
    ['commas', 'name,mac\na,b\n'],
    ['semicolons', 'name;mac\na;b\n'],
    ['tabs', 'name\tmac\na\tb\n'],
    ['a byte order mark and CRLF', '\uFEFFname,mac\r\na,b\r\n'],
    ['the line ends of old Macs', 'name,mac\ra,b\r'],
    ['spaces around cells', 'name , "mac"\n a, b \n'],
  ])('with %s is read', async (_, text) => {
    expect(await records(text)).toEqual([
      [
        [1, 'name', 'mac'],
        [2, 'a', 'b'],
      ],
      [],
    ]);
  });

  test("with Excel's line about its separator is read", async () => {
    expect(await records('sep=;\nname;mac\n1,5;b\n')).toEqual([
      [
        [2, 'name', 'mac'],
        [3, '1,5', 'b'],
      ],
      [],
    ]);
  });

  test('has the lines where its records begin', async () => {
    expect(await records('name,mac\n\n# comment\n,\n"a\nb","c\n\nd"\ne,f\n')).toEqual([
      [
        [1, 'name', 'mac'],
        [5, 'a\nb', 'c\n\nd'],
        [9, 'e', 'f'],
      ],
      [],
    ]);
  });

  test('of another encoding is read as far as possible', async () => {
    const { records: found, faults } = await parse(Buffer.from('name,owner\na,M\xfcller\nb,x\n', 'latin1'));

    expect([found.map(({ cells }) => cells), faults]).toEqual([
      [
        ['name', 'owner'],
        ['a', 'M\uFFFDller'],
        ['b', 'x'],
      ],
      [],
    ]);
  });

  test.each<[string, BufferEncoding]>([
    ['with a byte order mark', 'utf16le'],
    ['without one', 'utf16le'],
  ])('in UTF-16 %s is named as such', async (mark, encoding) => {
    const text = `${mark.startsWith('with a') ? '\uFEFF' : ''}name,mac\na,b\n`;

    expect((await parse(Buffer.from(text, encoding))).faults).toEqual([
      { line: 1, text: expect.stringContaining('it is UTF-16 or binary; save it as UTF-8') },
    ]);
  });
});

describe('damaged lines', () => {
  test.each([
    ['a quote that is not closed', '"b', 'a quote is not closed'],
    ['a quote behind a quoted cell', '"b"c', 'there is a quote in the middle of a cell'],
    ['a quote within a cell', 'b"c', 'there is a quote in the middle of a cell'],
    ['a formula', '="012"', 'there is a quote in the middle of a cell'],
  ])('with %s are reported, and all others read', async (_, cell, expected) => {
    const text = `name,mac\na,${cell}\n"c\nd",e\nf,${cell}\ng,h\n`;

    expect(await records(text)).toEqual([
      [
        [1, 'name', 'mac'],
        [3, 'c\nd', 'e'],
        [6, 'g', 'h'],
      ],
      [2, 5].map((line) => ({ line, text: expect.stringContaining(expected) })),
    ]);
  });

  test('that look like comments are reported too', async () => {
    expect(await records('name,mac\n#REF!,b\n# c\na,b\n')).toEqual([
      [
        [1, 'name', 'mac'],
        [4, 'a', 'b'],
      ],
      [{ line: 2, text: 'the row begins with an error of a spreadsheet' }],
    ]);
  });

  test('do not take long, however many there are', async () => {
    const began = Date.now();

    const { faults } = await parse(`name,mac\n${'a,"b\n'.repeat(100_000)}`);

    expect(faults.length).toBeLessThanOrEqual(100);
    expect(Date.now() - began).toBeLessThan(5000);
  });
});
