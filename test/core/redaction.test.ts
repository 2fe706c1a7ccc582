import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { redact } from '../../modules/core/redaction.js';
import { secretsInUrls } from '../../modules/core/urls.js';

const hidden = '********';
const password = 'p@ss"w\\ord<ö>&1234';
const token = `gAAAAABn${'aB3-_x9Z'.repeat(22)}`;

const unicode = (text: string): string =>
  text.replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
const percent = (text: string): string =>
  [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
const entities = (text: string): string => text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);

/** How services, libraries and languages write a text that they were given. */
const writers: readonly (readonly [string, (text: string) => string])[] = [
  ['as it is', (text) => text],
  ['as JSON', (text) => JSON.stringify(text)],
  ['as JSON in ASCII', (text) => unicode(JSON.stringify(text))],
  [
    'as JSON in ASCII, in capitals',
    (text) =>
      unicode(JSON.stringify(text)).replace(/\\u[0-9a-f]{4}/g, (escape) => `\\u${escape.slice(2).toUpperCase()}`),
  ],
  ['as JSON with escaped slashes', (text) => JSON.stringify(text).replaceAll('/', '\\/')],
  ['as JSON within JSON', (text) => JSON.stringify({ message: JSON.stringify({ text }) })],
  ['in a URL', (text) => encodeURIComponent(text)],
  [
    'in a URL, in small letters',
    (text) => encodeURIComponent(text).replace(/%[0-9A-F]{2}/g, (escape) => escape.toLowerCase()),
  ],
  ['in a URL, every byte escaped', percent],
  ['in a form', (text) => new URLSearchParams({ text }).toString()],
  ['in a URL twice', (text) => encodeURIComponent(encodeURIComponent(text))],
  ['in HTML', entities],
  [
    'in HTML with names',
    (text) =>
      text.replace(/[&<>"]/g, (sign) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[sign] as string),
  ],
  ['as JSON in HTML', (text) => entities(JSON.stringify(text))],
  ['as JSON in a URL', (text) => encodeURIComponent(JSON.stringify(text))],
  [
    'as Python prints bytes',
    (text) => {
      const written = (byte: number): string =>
        byte < 0x20 || byte > 0x7e
          ? `\\x${byte.toString(16).padStart(2, '0')}`
          : String.fromCharCode(byte).replace(/[\\']/, '\\$&');
      return `b'${[...Buffer.from(text)].map(written).join('')}'`;
    },
  ],
  ['taken for Latin-1', (text) => Buffer.from(text).toString('latin1')],
  ['in base64', (text) => Buffer.from(text).toString('base64')],
  ['in base64 with a user before it', (text) => Buffer.from(`admin:${text}`).toString('base64')],
  [
    'in base64 with a longer user before it and something behind',
    (text) => Buffer.from(`admins:${text}\n`).toString('base64'),
  ],
  ['in base64 for URLs', (text) => Buffer.from(`a:${text}`).toString('base64url')],
];

describe('a secret is hidden', () => {
  test.each(writers)('%s', (_, write) => {
    for (const secret of [password, token, 'sixsix', 'a+b c%20d/e?f']) {
      const written = write(secret);
      const text = redact(`HTTP 400: the service says ${written} was not right`, [secret]);

      // A short one is only searched for as a word, in base64 not at all.
      if (secret.length >= 8 || !/base64/.test(_)) expect(text).toContain(hidden);
      expect(text).not.toContain(written.slice(1, -1));
      expect(text).toMatch(/^HTTP 400: the service says .*was not right$/);
    }
  });

  test('whatever it is and however it is written', () => {
    fc.assert(
      fc.property(
        fc
          .string({ minLength: 8, maxLength: 40, unit: 'grapheme' })
          .filter((text) => !/\p{Surrogate}/u.test(text) && new Set(text).size > 3),
        fc.constantFrom(...writers),
        (secret, [, write]) => {
          const written = write(secret);

          expect(redact(`said: ${written} .`, [secret])).not.toContain(
            written.length > 24 ? written.slice(4, -4) : written,
          );
        },
      ),
    );
  });
});

describe('what is left of a truncated secret is hidden', () => {
  test.each([
    ['at the end of the text', `token ${token.slice(0, 60)}`],
    ['before an ellipsis', `token ${token.slice(0, 12)}…`],
    ['before three dots', `token ${token.slice(0, 10)}... is wrong`],
    ['at the end of a quotation', `{"error": "token ${token.slice(0, 9)}"}`],
    ['in the middle', `token ${token.slice(0, 100)} is wrong`],
    ['at its beginning', `…${token.slice(-12)} is wrong`],
    ['in a URL', `GET /v3/${encodeURIComponent(token).slice(0, 40)}`],
  ])('%s', (_, text) => {
    const shown = redact(text, [token]);

    expect(shown).toContain(hidden);
    expect(shown).not.toMatch(/gAAAAABn|B3-_x9Z/);
  });

  test('and a word that begins like it is kept', () => {
    expect(redact('check user, password and project', ['password-1234'])).toBe('check user, password and project');
  });
});

describe('URLs lose their secrets, although these were not declared', () => {
  test.each([
    ['user and password', 'GET https://u:p%40ss@host/k: refused', `GET https://${hidden}@host/k: refused`],
    [
      'a signature of Swift',
      'https://h/v1/a?temp_url_sig=da39a3ee&temp_url_expires=1',
      `https://h/v1/a?temp_url_sig=${hidden}&temp_url_expires=1`,
    ],
    [
      'a signature of S3',
      'https://h/a?X-Amz-Expires=60&X-Amz-Signature=abc#x',
      `https://h/a?X-Amz-Expires=60&X-Amz-Signature=${hidden}#x`,
    ],
    ['the signature of Azure', '"https://h/a?sv=2024&sig=a%2Bb%3D"', `"https://h/a?sv=2024&sig=${hidden}"`],
    ['a token in the fragment', 'https://h/a#access_token=abc', `https://h/a#access_token=${hidden}`],
    ['a signature behind a path', 'it redirects to /a?temp_url_sig=abc', `it redirects to /a?temp_url_sig=${hidden}`],
    [
      'one that stands escaped in another',
      'https://login/?next=https%3A%2F%2Fu%3Apw%40host%2Fk',
      `https://login/?next=https%3A%2F%2F${hidden}%40host%2Fk`,
    ],
    ['one of each of two', 'http://a:b@h/ and http://c:d@h/', `http://${hidden}@h/ and http://${hidden}@h/`],
    [
      'nothing that is harmless',
      'https://h/v2/images?limit=1&sort_key=name&marker=x',
      'https://h/v2/images?limit=1&sort_key=name&marker=x',
    ],
    ['a token by its form', `X-Auth-Token: ${token}`, `X-Auth-Token: ${hidden}`],
  ])('%s', (_, text, expected) => {
    expect(redact(text, [])).toBe(expected);
  });

  test('and these are secrets from then on', () => {
    expect(secretsInUrls('sha256:https://u:p%40ssword@h/f?temp_url_sig=da39a3ee5e6b&limit=1')).toEqual(
      ['p%40ssword', 'p@ssword', 'da39a3ee5e6b', 'da39a3ee5e6b'].filter(
        (secret, index, all) => all.indexOf(secret) === index,
      ),
    );
  });
});

test('a text without secrets is never changed', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary' }).filter((text) => !/[=@]|:\/\/|gAAAA|eyJ/.test(text)),
      (text) => {
        expect(redact(text, ['another-secret'])).toBe(text);
      },
    ),
  );
});

test('a hundred secrets in a large result take no more than moments', () => {
  const secrets = Array.from({ length: 100 }, (_, index) => `secret-of-node-${index}-%"`);
  const text = `node ${JSON.stringify({ name: 'rack1', url: 'https://h/a?b=c%20d' })} `.repeat(2000);
  const started = performance.now();

  redact(text, secrets);

  expect(performance.now() - started).toBeLessThan(3000);
});
