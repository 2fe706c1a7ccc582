// Public keys in a file as publishers offer them: armored, several blocks in one file, or binary. gpgv reads binary
// ones only.
import { messageOf, OperationError } from '../../core/errors.js';
import { mebibyte } from '../../core/sizes.js';
import { readSmallBytes } from '../files/yaml-file.js';

/** Those of whole distributions are smaller. */
const largest = 16 * mebibyte;

/** The keys of the file in the form that gpgv reads. Throws KEYRING_UNUSABLE, and the signal's reason. */
export async function binaryKeyring(path: string, signal: AbortSignal): Promise<Buffer> {
  const refuse = (why: string, cause?: unknown): OperationError =>
    new OperationError('KEYRING_UNUSABLE', `the keyring cannot be used: ${why}`, { path }, cause);
  const { bytes: content } = await readSmallBytes(path, { largest, signal }).catch((error: unknown) => {
    signal.throwIfAborted();
    throw refuse(messageOf(error), error);
  });
  const text = content.toString('latin1');
  if (/^-----BEGIN PGP PRIVATE KEY BLOCK-----/m.test(text))
    throw refuse(`${path} contains a private key; export the public keys alone`);
  const blocks = [...text.matchAll(armoredKeys)];
  if (blocks.length > 0) {
    const keys = blocks.map(([, body = '']) => dearmor(body));
    if (!keys.every(beginsWithKey)) throw refuse(`a block in ${path} is damaged`);
    return Buffer.concat(keys);
  }
  if (/^-----BEGIN PGP/m.test(text)) throw refuse(`${path} contains no complete block of public keys`);
  if (!isKeybox(content) && !beginsWithKey(content)) throw refuse(`${path} contains no public keys`);
  return content;
}

const armoredKeys = /^-----BEGIN PGP PUBLIC KEY BLOCK-----[ \t]*\r?\n([\s\S]*?)^-----END PGP PUBLIC KEY BLOCK-----/gm;

/** Without the headers, which end with an empty line, and without the checksum, which is optional. */
function dearmor(body: string): Buffer {
  const lines = body.split('\n').map((line) => line.trim());
  const start = lines.indexOf('') + 1;
  const base64 = lines.slice(start).filter((line) => line !== '' && !line.startsWith('='));
  return Buffer.from(base64.join(''), 'base64');
}

function isKeybox(content: Buffer): boolean {
  return content.toString('latin1', 8, 12) === 'KBXf';
}

/** The tag of a public key packet, in the old form or the new one. */
function beginsWithKey(content: Buffer): boolean {
  const [first = 0] = content;
  return (first & 0xfc) === 0x98 || first === 0xc6;
}
