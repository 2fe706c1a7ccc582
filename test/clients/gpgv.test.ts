// Signatures of the real gpg, verified by the real gpgv.
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { readSignatures, signatureFault } from '../../modules/clients/gpgv/signatures.js';
import { verifySignature, type SignatureRequest } from '../../modules/clients/gpgv/verify-signature.js';
import { openSigningHome, type SigningHome } from './signing.js';

// Keys and signatures are made by a program with an agent; on a busy machine it takes its time.
jest.setTimeout(60_000);

const [good, other, expired, revoked] = ['Good <good@x>', 'Other <other@x>', 'Expired <expired@x>', 'Revoked <r@x>'];
const sums = '0123456789abcdef  image.qcow2\n';

let home: SigningHome;
let temporary: string;

beforeAll(() => {
  home = openSigningHome();
  home.makeKey(good, { born: '20250101' });
  home.makeKey(other);
  home.makeKey(revoked);
  home.makeKey(expired, { born: '20200101', expires: '2020-06-01' });
});

afterAll(() => home.close());

beforeEach(() => {
  temporary = mkdtempSync(join(tmpdir(), 'gpgv-test-'));
  process.env.TMPDIR = temporary;
});

afterEach(() => {
  delete process.env.TMPDIR;
  // Whatever happened, nothing is left behind.
  expect(readdirSync(temporary)).toEqual([]);
  rmSync(temporary, { recursive: true });
});

const verify = (
  request: Pick<SignatureRequest, 'signature' | 'keyring'> & Partial<SignatureRequest>,
): Promise<string> =>
  verifySignature({
    content: sums,
    shown: 'https://store/SHA256SUMS.gpg',
    context: { environment: process.env, signal: new AbortController().signal },
    ...request,
  }).then(String);

const invalid = (reason: RegExp) => ({
  code: 'SIGNATURE_INVALID',
  message: expect.stringMatching(
    new RegExp(`^the signature https://store/SHA256SUMS.gpg is not valid: .*${reason.source}`),
  ),
});

describe('a signature in a file of its own', () => {
  test.each([
    ['armored', 'armored'],
    ['binary', 'armored'],
    ['armored', 'binary'],
    ['binary', 'binary'],
  ] as const)('that is %s is verified by an %s keyring', async (form, keys) => {
    const keyring = home.keyring('keys', [good], keys);

    await expect(verify({ signature: home.sign(sums, [good], { form }), keyring })).resolves.toBe(sums);
  });

  test('is verified by one of several keys, in several armored blocks with Windows line ends and text between', async () => {
    const blocks = [other, good].map((user) => `Key of ${user}:\n${String(readKey(user))}`).join('\n');
    const keyring = join(home.path, 'blocks.asc');
    writeFileSync(keyring, blocks.replaceAll('\n', '\r\n'));

    await expect(verify({ signature: home.sign(sums, [good]), keyring })).resolves.toBe(sums);
  });

  test('of two keys is verified if both are in the keyring', async () => {
    const keyring = home.keyring('both', [good, other]);

    await expect(verify({ signature: home.sign(sums, [good, other]), keyring })).resolves.toBe(sums);
  });

  test.each<[string, () => Partial<SignatureRequest> & Pick<SignatureRequest, 'signature'>, readonly string[], RegExp]>(
    [
      [
        'that is of other content',
        () => ({ signature: home.sign(sums, [good]), content: sums.replace('0', '1') }),
        [good],
        /it was not made for this content: the signature by the key [0-9A-F]{16} \(Good <good@x>\) does not fit/,
      ],
      [
        'that is for another file',
        () => ({ signature: home.sign('another file\n', [good]) }),
        [good],
        /it was not made for this content/,
      ],
      [
        'by an unknown key',
        () => ({ signature: home.sign(sums, [other]) }),
        [good],
        /made with the key [0-9A-F]{16}, which is not in \S+keys/,
      ],
      [
        'by a key that has expired, though the signature is older',
        () => ({ signature: home.sign(sums, [expired], { day: '20200201' }) }),
        [expired],
        /the key [0-9A-F]{16} \(Expired <expired@x>\) has expired; if its owner has prolonged it, put the new one into \S+keys/,
      ],
      [
        'that has expired',
        () => ({ signature: home.sign(sums, [good], { day: '20250201', expiresInDays: 1 }) }),
        [good],
        /the signature by the key [0-9A-F]{16} \(Good <good@x>\) has expired/,
      ],
      [
        'by two keys of which one is unknown',
        () => ({ signature: home.sign(sums, [good, other]) }),
        [good],
        /which is not in/,
      ],
      [
        'by two keys, of which one signed something else',
        () => ({ signature: Buffer.concat([home.sign(sums, [good]), home.sign('else\n', [other])]) }),
        [good, other],
        /\(Other <other@x>\) does not fit/,
      ],
      [
        'that is a page of a web server',
        () => ({ signature: '<html>404</html>\n' }),
        [good],
        /it contains no signature/,
      ],
      ['that is empty', () => ({ signature: '' }), [good], /it contains no signature/],
      [
        'that is cut off',
        () => ({ signature: home.sign(sums, [good]).subarray(0, 40) }),
        [good],
        /it contains no signature|gpgv/,
      ],
    ],
  )('%s is refused', async (_, request, users, reason) => {
    const keyring = home.keyring('keys', users);

    await expect(verify({ ...request(), keyring })).rejects.toMatchObject(invalid(reason));
  });

  test('by a key that was revoked is refused', async () => {
    const signature = home.sign(sums, [revoked]);
    home.revoke(revoked);
    const keyring = home.keyring('revoked', [revoked]);

    await expect(verify({ signature, keyring })).rejects.toMatchObject(
      invalid(/the key [0-9A-F]{16} \(Revoked <r@x>\) was revoked/),
    );
  });
});

function readKey(user: string): Buffer {
  const path = home.keyring('one', [user], 'armored');
  return readFileSync(path);
}

describe('a text that is signed in place', () => {
  test('is what was signed, and nothing around it', async () => {
    const keyring = home.keyring('keys', [good]);
    const signed = home.clearsign(`- dashes\n${sums}`, [good]);
    const surrounded = Buffer.concat([Buffer.from('fff  image.qcow2\n'), signed, Buffer.from('fff  image.qcow2\n')]);

    await expect(verify({ content: signed, signature: signed, keyring })).resolves.toBe(`- dashes\n${sums}`);
    await expect(verify({ content: surrounded, signature: surrounded, keyring })).resolves.toBe(`- dashes\n${sums}`);
  });

  test('may be next to the same text without a signature, but not next to another', async () => {
    const keyring = home.keyring('keys', [good]);
    const signature = home.clearsign(sums, [good]);

    await expect(verify({ content: sums.replace('\n', '\r\n'), signature, keyring })).resolves.toBe(sums);
    await expect(verify({ content: `${sums}fff  image.raw\n`, signature, keyring })).rejects.toMatchObject(
      invalid(/it is a signature of another text/),
    );
  });

  test.each<[string, (signed: string) => string, RegExp]>([
    ['that was changed', (signed) => signed.replace('0123', '3210'), /it was not made for this content/],
    [
      'whose signature is missing',
      (signed) => signed.replace(/-----BEGIN PGP SIGNATURE[\s\S]*/, ''),
      /it contains no signature/,
    ],
    ['that stands there twice', (signed) => signed + signed, /gpgv does not accept it/],
  ])('%s is refused', async (_, change, reason) => {
    const keyring = home.keyring('keys', [good]);
    const signed = change(String(home.clearsign(sums, [good])));

    await expect(verify({ content: signed, signature: signed, keyring })).rejects.toMatchObject(invalid(reason));
  });
});

describe('a keyring is refused', () => {
  test.each<[string, () => string | Buffer | undefined, string]>([
    ['that is missing', () => undefined, 'there is no such file'],
    ['that is empty', () => '', 'contains no public keys'],
    ['that is something else', () => '<html></html>', 'contains no public keys'],
    ['that is cut off', () => String(readKey(good)).slice(0, 200), 'contains no complete block of public keys'],
    ['that is damaged', () => String(readKey(good)).replace(/\n\n..../, '\n\nAAAA'), 'a block in'],
    ['with a private key', () => '-----BEGIN PGP PRIVATE KEY BLOCK-----\n', 'contains a private key'],
    ['that is a signature', () => home.sign(sums, [good], { form: 'armored' }), 'no complete block of public keys'],
    ['that is too large', () => Buffer.alloc(17 * 1024 * 1024), 'is larger than 16 MiB'],
  ])('%s', async (_, content, reason) => {
    const keyring = join(home.path, 'unusable');
    rmSync(keyring, { force: true });
    const written = content();
    if (written !== undefined) writeFileSync(keyring, written);

    await expect(verify({ signature: home.sign(sums, [good]), keyring })).rejects.toMatchObject({
      code: 'KEYRING_UNUSABLE',
      message: expect.stringContaining(reason),
    });
  });

  test('that is a folder', async () => {
    const keyring = join(home.path, 'folder');
    mkdirSync(keyring);

    await expect(verify({ signature: '', keyring })).rejects.toMatchObject({
      code: 'KEYRING_UNUSABLE',
      message: expect.stringContaining('it is a directory'),
    });
  });
});

test('without gpgv says which package has it', async () => {
  const keyring = home.keyring('keys', [good]);
  const context = { environment: { PATH: temporary }, signal: new AbortController().signal };

  await expect(verify({ signature: home.sign(sums, [good]), keyring, context })).rejects.toMatchObject({
    code: 'GPGV_MISSING',
    message: expect.stringMatching(/has no gpgv; install the package gpgv \(Debian, Ubuntu\), gnupg2/),
  });
});

test('trusts no key of the user who runs it', async () => {
  const keyring = home.keyring('keys', [other]);
  const context = {
    environment: { PATH: process.env.PATH, GNUPGHOME: home.path },
    signal: new AbortController().signal,
  };
  home.keyring('trustedkeys.gpg', [good]);

  await expect(verify({ signature: home.sign(sums, [good]), keyring, context })).rejects.toMatchObject(
    invalid(/which is not in/),
  );
});

test('ends with the run', async () => {
  const keyring = home.keyring('keys', [good]);
  const controller = new AbortController();
  controller.abort(new Error('interrupted'));
  const context = { environment: process.env, signal: controller.signal };

  await expect(verify({ signature: home.sign(sums, [good]), keyring, context })).rejects.toThrow('interrupted');
});

test.each<[string, string, string | undefined]>([
  ['nothing', '', 'it contains no signature'],
  [
    'a good signature that is not confirmed',
    'NEWSIG\nGOODSIG K U',
    'gpgv does not confirm the signature by the key K (U)',
  ],
  ['a valid signature that is not called good', 'NEWSIG\nVALIDSIG F', 'gpgv cannot read it'],
  [
    'an algorithm that it does not know',
    'NEWSIG\nERRSIG K 99 8 00 1 4 F',
    'gpgv cannot check the signature by the key K',
  ],
  ['a good signature', 'NEWSIG x\nGOODSIG K U\nVALIDSIG F', undefined],
  [
    'a good signature before one that is not confirmed',
    'NEWSIG\nGOODSIG K U\nVALIDSIG F\nNEWSIG',
    'gpgv cannot read it',
  ],
  [
    'a good signature after a revoked key',
    'NEWSIG\nREVKEYSIG K U\nVALIDSIG F\nNEWSIG\nGOODSIG K U\nVALIDSIG F',
    'the key K (U) was revoked',
  ],
])('of what gpgv reports, %s', (_, status, fault) => {
  const lines = status.split('\n').map((line) => `[GNUPG:] ${line}`);

  expect(signatureFault(readSignatures(lines.join('\n')), 'keys')).toBe(fault);
});
