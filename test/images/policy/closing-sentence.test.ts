import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { cleanSentence, deploySentence, type TreatedImage } from '../../../modules/images/policy/closing-sentence.js';

const gibibyte = 2 ** 30;
const facts = { failures: [], siteName: 'chi.tacc', checkMode: false };

function images(counts: Readonly<Record<string, number>>, bytes?: number): TreatedImage[] {
  return Object.entries(counts).flatMap(([action, count]) =>
    Array.from({ length: count }, (_, index) => ({ name: `CC-${action}-${index}`, action, bytes })),
  );
}

describe('the sentence of a deployment', () => {
  test.each([
    [
      'several things',
      images({ up_to_date: 14, deploy: 2, resume: 1, held: 1 }, 4 * gibibyte),
      '3 images deployed (12.0 GiB), 1 held, 14 up to date at chi.tacc; nothing failed.',
    ],
    ['one image', images({ deploy: 1 }), '1 image deployed at chi.tacc; nothing failed.'],
    ['nothing to do', images({ up_to_date: 2 }, 5), '2 images up to date at chi.tacc; nothing failed.'],
    ['no images', [], 'No images selected at chi.tacc; nothing failed.'],
    [
      'rarer actions',
      images({ update: 1, copy: 1, delete: 1, in_progress: 1 }),
      '1 image updated, 1 copied to more stores, 1 left over and deleted, 1 being deployed by another run at ' +
        'chi.tacc; nothing failed.',
    ],
  ])('%s', (_, treated, expected) => {
    expect(deploySentence(treated, facts)).toBe(expected);
  });

  test('of a dry run says what would be done', () => {
    expect(deploySentence(images({ deploy: 2, up_to_date: 1 }, gibibyte), { ...facts, checkMode: true })).toBe(
      'Planned: 2 images to deploy (2.0 GiB), 1 up to date at chi.tacc; nothing failed.',
    );
    expect(deploySentence([], { ...facts, checkMode: true })).toBe(
      'Planned: no images selected at chi.tacc; nothing failed.',
    );
  });

  test.each([
    ['every image', images({ failed: 1 }), ['CC: x'], 'No image deployed at chi.tacc; 1 failed: CC-failed-0.'],
    [
      'many images',
      images({ deploy: 1, failed: 4, conflict: 1 }),
      ['', '', '', '', ''],
      '1 image deployed at chi.tacc; 5 failed: CC-failed-0, CC-failed-1, CC-failed-2 and 2 more.',
    ],
    [
      'an image and something else',
      images({ up_to_date: 1, failed: 1 }),
      ['a', 'b', 'c'],
      '1 image up to date at chi.tacc; 1 failed: CC-failed-0; 2 other failures.',
    ],
    [
      'the run',
      images({ deploy: 1 }),
      ['the catalogue objects is unreadable'],
      '1 image deployed at chi.tacc; the run failed: the catalogue objects is unreadable.',
    ],
    [
      'the run, twice',
      images({ deploy: 1 }),
      ['one', 'two'],
      '1 image deployed at chi.tacc; the run failed: one (and 1 other failure).',
    ],
  ])('names what failed: %s', (_, treated, failures, expected) => {
    expect(deploySentence(treated, { ...facts, failures })).toBe(expected);
  });
});

describe('the sentence of a cleaning', () => {
  test('counts what was freed', () => {
    expect(cleanSentence(images({ keep: 9, delete: 2, hide: 1, skip: 3 }, gibibyte), facts)).toBe(
      '2 images deleted (2.0 GiB), 1 hidden, 3 due but left alone, 9 kept at chi.tacc; nothing failed.',
    );
  });

  test('of a dry run says what would be done', () => {
    expect(cleanSentence(images({ delete: 1, hide: 1, keep: 1 }), { ...facts, checkMode: true })).toBe(
      'Planned: 1 image to delete, 1 to hide, 1 kept at chi.tacc; nothing failed.',
    );
  });

  test('ends with a remark', () => {
    expect(
      cleanSentence(images({ keep: 1 }), { ...facts, remark: 'services that this cloud does not have: doni' }),
    ).toBe('1 image kept at chi.tacc; nothing failed (services that this cloud does not have: doni).');
  });

  test('of a site without images says so', () => {
    expect(cleanSentence([], facts)).toBe('No images to manage at chi.tacc; nothing failed.');
  });
});

test('every image is counted once, whatever happened to the others', () => {
  const actions = ['deploy', 'resume', 'update', 'copy', 'delete', 'held', 'in_progress', 'up_to_date', 'failed'];
  const treated = fc.array(fc.record({ name: fc.constant('CC-X'), action: fc.constantFrom(...actions) }));
  fc.assert(
    fc.property(treated, fc.boolean(), (list, checkMode) => {
      const failures = list.filter(({ action }) => action === 'failed').map(({ name }) => name);
      const sentence = deploySentence(list, { failures, siteName: 'site', checkMode });

      const counts = sentence.match(/\b\d+\b(?! more)/g) ?? [];
      expect(counts.reduce((sum, count) => sum + Number(count), 0)).toBe(list.length);
      expect(sentence).toMatch(/^[A-Z0-9].* at site; .*\.$/);
    }),
  );
});
