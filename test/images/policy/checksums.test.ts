import { createHash } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  algorithmByName,
  algorithmNames,
  findChecksum,
  nodeHashName,
  parseChecksumField,
} from '../../../modules/images/policy/checksums.js';

const hex = (digits: number, digit = 'a'): string => digit.repeat(digits);

describe('a checksum is given', () => {
  test.each([
    ['as MD5', hex(32), 'md5'],
    ['as SHA-1', hex(40), 'sha1'],
    ['as SHA-224', hex(56), 'sha224'],
    ['as SHA-256 in capitals', hex(64, 'A'), 'sha256'],
    ['as SHA-384', hex(96), 'sha384'],
    ['as SHA-512', hex(128), 'sha512'],
    ['with its algorithm', `sha3_256:${hex(64)}`, 'sha3_256'],
    ['with its algorithm in capitals', `SHA256:${hex(64)}`, 'sha256'],
    ['as blake2b', `blake2b:${hex(128)}`, 'blake2b'],
    ['as SHA-512/256', `sha512_256:${hex(64)}`, 'sha512_256'],
    ['with space around it', ` ${hex(64)} `, 'sha256'],
  ])('%s', (_, text, algorithm) => {
    expect(parseChecksumField(text)).toEqual({
      kind: 'checksum',
      checksum: { algorithm, digest: expect.stringMatching(/^a+$/) },
    });
  });

  test.each([
    ['a URL', 'https://h/SHA256SUMS', { kind: 'url', url: 'https://h/SHA256SUMS' }],
    ['a URL with the algorithm', 'sha512:https://h/SUMS', { kind: 'url', url: 'https://h/SUMS', algorithm: 'sha512' }],
  ])('by %s', (_, text, expected) => {
    expect(parseChecksumField(text)).toEqual(expected);
  });

  test.each([
    ['too short', hex(31), /it has 31 hex digits; the algorithm can be derived only from 32 \(md5\)/],
    ['too short for its algorithm', `sha256:${hex(63)}`, /sha256 has 64 hex digits, not 63/],
    ['no hex', `sha256:${hex(64, 'g')}`, /must be hex digits/],
    ['an unknown algorithm', `crc32:${hex(8)}`, /"crc32" is not an algorithm of hashlib; use one of md5, sha1/],
    ['shake', `shake_128:${hex(64)}`, /shake_128 has no fixed length/],
    ['words', 'the usual one', /it must be hex digits/],
    ['empty', '', /it must be hex digits/],
  ])('and refused when it is %s', (_, text, why) => {
    expect(parseChecksumField(text)).toEqual({ kind: 'refused', why: expect.stringMatching(why) });
  });
});

test.each([...algorithmNames])('this Node.js computes %s, with as many digits', (name) => {
  const digest = createHash(nodeHashName(name)).update('abc').digest('hex');

  expect(parseChecksumField(`${name}:${digest}`)).toEqual({ kind: 'checksum', checksum: { algorithm: name, digest } });
});

describe('an algorithm is called', () => {
  test.each([
    ['SHA256', 'sha256'],
    ['SHA2-256', 'sha256'],
    ['sha-256', 'sha256'],
    ['SHA3-512', 'sha3_512'],
    ['SHA512/256', 'sha512_256'],
    ['SHA512t256', 'sha512_256'],
    ['RMD160', 'ripemd160'],
    ['BLAKE2b-512', 'blake2b'],
    ['BLAKE2b', 'blake2b'],
    ['MD5', 'md5'],
    ['SIZE', undefined],
  ])('%s, hashlib says %s', (name, expected) => {
    expect(algorithmByName(name)).toBe(expected);
  });
});

const wanted = hex(64, 'c');
const other = hex(64, 'd');

describe('a checksum file in the style of', () => {
  test.each([
    ['coreutils', `${other}  b.img\n${wanted}  a.img\n`],
    ['coreutils, binary', `${wanted} *a.img\n${other} *b.img`],
    ['coreutils, with a folder before the name', `${other}  b.img\n${wanted}  ./a.img\n`],
    ['coreutils, with more folders', `${wanted}  images/jammy/a.img\n`],
    ['coreutils, with CRLF and comments', `# made by hand\r\n\r\n${wanted}  a.img\r\n`],
    ['BSD', `MD5 (a.img) = ${hex(32)}\nSHA256 (b.img) = ${other}\nSHA256 (a.img) = ${wanted}\n`],
    ['OpenSSL', `SHA2-256(a.img)= ${wanted}`],
    [
      'a clear-signed message',
      `-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n${wanted}  a.img\n-----BEGIN PGP SIGNATURE-----\nxyz\n`,
    ],
    ['nothing but the digits', `${wanted}\n`],
    ['nothing but the digits, in capitals', wanted.toUpperCase()],
    ['a line said twice', `${wanted}  a.img\n${wanted}  a.img\n`],
  ])('%s tells', (_, text) => {
    expect(findChecksum(text, { name: 'a.img' })).toEqual({ algorithm: 'sha256', digest: wanted });
  });

  test.each([
    ['is empty', '\n', 'it is empty'],
    ['is a page', '<html>not found</html>', 'it contains no checksum'],
    ['has other names', `${wanted}  b.img\n`, 'it has no checksum for "a.img"; it has "b.img"'],
    ['has a name that only ends so', `${wanted}  xa.img\n`, 'it has no checksum for "a.img"; it has "xa.img"'],
    ['has a name that a pattern would match', `${wanted}  aximg\n`, 'it has no checksum for "a.img"; it has "aximg"'],
    ['has several bare digests', `${wanted}\n${other}\n`, 'it has no checksum for "a.img"'],
    ['contradicts itself', `${wanted}  a.img\n${other}  a.img\n`, 'it has several sha256 for "a.img" that differ'],
    ['has digits that are none', `${hex(63)}  a.img\n`, 'it contains no checksum'],
  ])('that %s does not', (_, text, fault) => {
    expect(findChecksum(text, { name: 'a.img' })).toEqual({ fault });
  });

  test('the strongest of several is used, or the requested one', () => {
    const text = `MD5 (a.img) = ${hex(32)}\nSHA512 (a.img) = ${hex(128)}\nSHA256 (a.img) = ${wanted}\n`;

    expect(findChecksum(text, { name: 'a.img' })).toMatchObject({ algorithm: 'sha512' });
    expect(findChecksum(text, { name: 'a.img', algorithm: 'sha256' })).toMatchObject({ algorithm: 'sha256' });
    expect(findChecksum(text, { name: 'a.img', algorithm: 'sha1' })).toEqual({ fault: 'it has no sha1 for "a.img"' });
  });

  test('the exact name precedes one in a folder', () => {
    expect(findChecksum(`${other}  old/a.img\n${wanted}  a.img\n`, { name: 'a.img' })).toMatchObject({
      digest: wanted,
    });
  });

  test('an escaped name is understood', () => {
    expect(findChecksum(`\\${wanted}  a\\nb\\\\c.img\n`, { name: 'a\nb\\c.img' })).toMatchObject({ digest: wanted });
  });
});

const utf16 = (text: string, swap = false): string => {
  const bytes = Buffer.from(`\ufeff${text}`, 'utf16le');
  return (swap ? bytes.swap16() : bytes).toString('utf8');
};

describe('a publisher writes', () => {
  const long = hex(128, 'c');
  const longer = hex(128, 'd');

  test.each([
    [
      'Gentoo DIGESTS: the comment names the algorithm',
      `# BLAKE2B HASH\n${longer}  a.img\n# SHA512 HASH\n${long}  a.img\n`,
      { name: 'a.img' },
      { algorithm: 'sha512', digest: long },
    ],
    [
      'Gentoo DIGESTS, asked for the other one',
      `# BLAKE2B HASH\n${longer}  a.img\n# SHA512 HASH\n${long}  a.img\n`,
      { name: 'a.img', algorithm: 'blake2b' },
      { algorithm: 'blake2b', digest: longer },
    ],
    [
      'Gentoo DIGESTS in a signed message',
      `-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n# BLAKE2B HASH\n${longer}  a.img\n`,
      { name: 'a.img' },
      { algorithm: 'blake2b', digest: longer },
    ],
    [
      'Arch b2sums.txt, asked for blake2b',
      `${long}  a.img\n`,
      { name: 'a.img', algorithm: 'blake2b' },
      { algorithm: 'blake2b', digest: long },
    ],
    [
      'Arch b2sums.txt, known by its name',
      `${long}  a.img\n`,
      { name: 'a.img', fileName: 'b2sums.txt' },
      { algorithm: 'blake2b', digest: long },
    ],
    [
      'SHA3-512SUMS, known by its name',
      `${long}  a.img\n`,
      { name: 'a.img', fileName: 'SHA3-512SUMS' },
      { algorithm: 'sha3_512', digest: long },
    ],
    [
      'SHA512SUMS',
      `${long}  a.img\n`,
      { name: 'a.img', fileName: 'SHA512SUMS' },
      { algorithm: 'sha512', digest: long },
    ],
    [
      'a comment that fits no line',
      `# md5 is not here any more\n${long}  a.img\n`,
      { name: 'a.img' },
      { algorithm: 'sha512', digest: long },
    ],
    [
      'a comment of Fedora',
      `# Fedora-Cloud.qcow2: 123 bytes\nSHA256 (a.img) = ${wanted}\n`,
      { name: 'a.img' },
      { algorithm: 'sha256', digest: wanted },
    ],
    ['a path of Windows', `${wanted} *C:\\build\\a.img\n`, { name: 'a.img' }, { algorithm: 'sha256', digest: wanted }],
    [
      'a path of Windows below another file',
      `${other} *b.img\n${wanted} *out\\a.img\n`,
      { name: 'a.img' },
      { algorithm: 'sha256', digest: wanted },
    ],
    ['UTF-16 of PowerShell', utf16(`${wanted}  a.img\r\n`), { name: 'a.img' }, { algorithm: 'sha256', digest: wanted }],
    [
      'UTF-16, the other way round',
      utf16(`${wanted}  a.img\r\n`, true),
      { name: 'a.img' },
      { algorithm: 'sha256', digest: wanted },
    ],
    [
      'UTF-8 with a byte order mark',
      `\ufeff${wanted}  a.img\n`,
      { name: 'a.img' },
      { algorithm: 'sha256', digest: wanted },
    ],
    [
      'lines that end as on an old Mac',
      `${other}  b.img\r${wanted}  a.img\r`,
      { name: 'a.img' },
      { algorithm: 'sha256', digest: wanted },
    ],
    [
      'openSUSE: one line about what the link points to',
      `${wanted}  a-15.6.0-Build19.88.img\n`,
      { name: 'a.img', fileName: 'a.img.sha256' },
      { algorithm: 'sha256', digest: wanted },
    ],
  ])('%s', (_, text, question, expected) => {
    expect(findChecksum(text, question)).toEqual(expected);
  });

  test.each([
    [
      'one line about another file, in a list',
      `${wanted}  b.img\n`,
      { name: 'a.img', fileName: 'SHA256SUMS' },
      'it has no checksum for "a.img"; it has "b.img"',
    ],
    [
      'two lines about others beside the file',
      `${wanted}  b.img\n${other}  c.img\n`,
      { name: 'a.img', fileName: 'a.img.sha256' },
      'it has no checksum for "a.img"; it has "b.img", "c.img"',
    ],
    [
      'many names',
      ['b', 'c', 'd', 'e', 'f'].map((name) => `${wanted}  ${name}`).join('\n'),
      { name: 'a.img' },
      'it has no checksum for "a.img"; it has "b", "c", "d" and 2 more',
    ],
    [
      'a signature beside the file',
      `${wanted}  a.img.asc\n`,
      { name: 'a.img', fileName: 'a.img.old.sha256' },
      'it has no checksum for "a.img"; it has "a.img.asc"',
    ],
  ])('%s: refused', (_, text, question, fault) => {
    expect(findChecksum(text, question)).toEqual({ fault });
  });
});

test('any name is read back from coreutils and BSD format, and no other', () => {
  fc.assert(
    fc.property(
      fc.string({ minLength: 1 }).filter((name) => !/[\s\\/*]/.test(name)),
      (name) => {
        expect(findChecksum(`${other}  ${name}x\n${wanted}  ${name}\n`, { name })).toMatchObject({ digest: wanted });
        expect(findChecksum(`SHA256 (${name}x) = ${other}\nSHA256 (${name}) = ${wanted}\n`, { name })).toMatchObject({
          digest: wanted,
        });
      },
    ),
  );
});
