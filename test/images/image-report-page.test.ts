// The page of image_report as HTML: hostile texts are inert, and its policy fits what is in it.
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from '@jest/globals';
import { html, visibleText } from '../../modules/images/report/html.js';
import { axisOf, lifeOf } from '../../modules/images/report/time-line.js';
import { rowOf } from './report-page.js';
import { hostileNames, seedHostileNames, startReportSite } from './report-site.js';

const now = new Date('2026-06-01T12:00:00Z');

describe('a text', () => {
  test.each([
    ['a mark that turns the direction', 'CC-\u202egnp', 'CC-⟨U+202E⟩gnp'],
    ['an end of line, and an escape', 'a\n\u001b[0m', 'a⟨U+000A⟩⟨U+001B⟩[0m'],
    ['a space without width', 'CC\u200b-\ufeffUbuntu', 'CC⟨U+200B⟩-⟨U+FEFF⟩Ubuntu'],
    ['half a character', 'x\ud800', 'x⟨U+D800⟩'],
    ['a letter of a hidden alphabet', '\u{e0041}', '⟨U+E0041⟩'],
    ['a selector of a variant', 'a\u{e0100}\u180b', 'a⟨U+E0100⟩⟨U+180B⟩'],
    ['what no letter is assigned to yet', '\u2065\ufff0\u{e0080}', '⟨U+2065⟩⟨U+FFF0⟩⟨U+E0080⟩'],
    ['a blank that is not the usual one', 'a\u00a0b\u2800 c', 'a⟨U+00A0⟩b⟨U+2800⟩ c'],
    ['names of other languages, which stay', 'Übung ‒ صورة 画像 👍', 'Übung ‒ صورة 画像 👍'],
  ])('shows %s', (_, text, expected) => {
    expect(visibleText(text)).toBe(expected);
  });

  test('never leaves its place, whatever it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const { markup } = html`<p title="${text}">${text}</p>`;

        expect(markup).toMatch(/^<p title="[^"<>]*">[^<>]*<\/p>$/);
        expect(markup).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/u);
      }),
    );
  });
});

/** The tags of a page, without what is in its style and its script. */
function tagsOf(page: string): string[] {
  const markup = page.replace(/(<(style|script)>).*?<\/\2>/gs, '$1');
  return [...markup.matchAll(/<[a-z][^>]*>/g)].map(([tag]) => tag);
}

test('hostile names are shown and make no markup', async () => {
  const site = await startReportSite();
  try {
    seedHostileNames(site);
    await site.report();
    const page = site.page();

    for (const name of hostileNames) expect(rowOf(page, visibleText(name))).toBeDefined();
    const tags = tagsOf(page).map((tag) => tag.replace(/(?<!\shref=)"[^"]*"/g, '""'));
    expect(tags.filter((tag) => /^<(script|style)\b/.test(tag))).toEqual(['<style>', '<script>']);
    expect(tags.filter((tag) => /^<(?:img|iframe|object|a)\b|\s(?:on\w+|style|src|action)=/.test(tag))).toEqual([]);
    expect(tags.filter((tag) => /\shref=/.test(tag))).toEqual(['<link rel="" href="data:,">']);
  } finally {
    await site.close();
  }
});

test('the policy allows the style and the script of the page, and nothing else', async () => {
  const site = await startReportSite();
  try {
    await site.report();
    const page = site.page();
    const digest = (tag: string): string => {
      const content = new RegExp(`<${tag}>(.*)</${tag}>`, 's').exec(page)?.[1] ?? '';
      return `sha256-${createHash('sha256').update(content).digest('base64')}`;
    };

    expect(page).toContain(
      `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src '${digest('style')}'; ` +
        `script-src '${digest('script')}'; img-src data:; base-uri 'none'; form-action 'none'">`,
    );
  } finally {
    await site.close();
  }
});

describe('the time line', () => {
  const image = (times: Readonly<Record<string, unknown>>) =>
    ({ state: 'archived', visibility: 'public', hidden: false, ...times }) as unknown as Parameters<typeof lifeOf>[0];

  test.each([
    ['kept', { created_at: '2026-01-01T00:00:00Z' }, 'created 2026-01-01'],
    [
      'to be hidden',
      { created_at: '2026-01-01T00:00:00Z', plan: { hide_from: '2027-01-01', delete_from: '2027-07-01' } },
      'created 2026-01-01, to be hidden from 2027-01-01, to be deleted from 2027-07-01',
    ],
    [
      'hidden when it was replaced',
      { created_at: '2026-01-01T00:00:00Z', superseded_at: '2026-03-01T00:00:00Z', hidden: true },
      'created 2026-01-01, replaced 2026-03-01, hidden',
    ],
    ['without a date', { created_at: null }, 'the time of its creation cannot be read'],
  ])('of an image %s says so', (_, times, words) => {
    expect(lifeOf(image(times), axisOf({ images: [image(times)] }, now)).markup).toContain(`>${words}</span>`);
  });

  test('stays within its width, whatever the dates are', () => {
    const date = fc.option(
      fc.date({ noInvalidDate: true }).map((moment) => moment.toISOString()),
      { nil: undefined },
    );
    fc.assert(
      fc.property(fc.record({ created_at: date, superseded_at: date, hide_from: date, delete_from: date }), (dates) => {
        const { hide_from, delete_from, ...times } = dates;
        const drawn = image({ ...times, plan: { hide_from, delete_from } });
        const { markup } = lifeOf(drawn, axisOf({ images: [drawn] }, now));

        for (const [, place] of markup.matchAll(/ (?:x|x1|cx)="([^"]*)%"/g)) {
          expect(Number(place)).toBeGreaterThanOrEqual(0);
          expect(Number(place)).toBeLessThanOrEqual(100);
        }
        for (const [, width] of markup.matchAll(/ width="([\d.-]*)%"/g)) expect(Number(width)).toBeGreaterThan(0);
      }),
    );
  });
});
