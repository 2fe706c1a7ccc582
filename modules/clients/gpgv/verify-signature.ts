// Verifies the signature of a small file with the host's gpgv: by the keys of one file and no others, without a
// keyring of the user, and without a network.
import { execFile } from 'node:child_process';
import fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Context } from '../../core/operation.js';
import { isSystemError, messageOf, OperationError } from '../../core/errors.js';
import { binaryKeyring } from './keyring.js';
import { readSignatures, signatureFault } from './signatures.js';

export interface SignatureRequest {
  /** What is signed. */
  readonly content: string | Uint8Array;
  /** A detached signature, armored or binary, or a text that is signed in place, such as `content` itself. */
  readonly signature: string | Uint8Array;
  /** Path of a file with public keys, armored or binary. */
  readonly keyring: string;
  /** Where the signature is from, for messages; without credentials. */
  readonly shown: string;
  readonly context: Pick<Context, 'environment' | 'signal'>;
}

/**
 * What is signed, for nothing else may be trusted: `content`, or the part of it that is signed in place. Throws
 * SIGNATURE_INVALID unless every signature is valid, by a key of the keyring that has neither expired nor been
 * revoked; KEYRING_UNUSABLE; GPGV_MISSING; GPGV_FAILED; and the signal's reason.
 */
export async function verifySignature(request: SignatureRequest): Promise<Buffer> {
  const keys = await binaryKeyring(request.keyring, request.context.signal);
  const folder = await fs.mkdtemp(join(tmpdir(), 'image-tools-gpgv-'));
  try {
    return await verifyIn(folder, keys, request);
  } finally {
    await fs.rm(folder, { recursive: true, force: true });
  }
}

async function verifyIn(folder: string, keys: Buffer, request: SignatureRequest): Promise<Buffer> {
  const [content, signature] = [Buffer.from(request.content), Buffer.from(request.signature)];
  const files = {
    keyring: join(folder, 'keyring'),
    signature: join(folder, 'signature'),
    content: join(folder, 'content'),
    signed: join(folder, 'signed'),
  };
  const isSignedInPlace = signedInPlace.test(signature.toString('latin1'));
  await fs.writeFile(files.keyring, keys, { mode: 0o600 });
  await fs.writeFile(files.signature, signature, { mode: 0o600 });
  if (!isSignedInPlace) await fs.writeFile(files.content, content, { mode: 0o600 });
  const argv = isSignedInPlace ? ['--output', files.signed, files.signature] : [files.signature, files.content];
  const { status, isAccepted } = await runGpgv(['--keyring', files.keyring, ...argv], folder, request);
  const fault = signatureFault(readSignatures(status), request.keyring);
  if (fault !== undefined) throw invalid(fault, request);
  if (!isAccepted) throw invalid('gpgv does not accept it', request);
  if (!isSignedInPlace) return content;
  const signed = await fs.readFile(files.signed);
  if (!content.equals(signature) && linesOf(content) !== linesOf(signed))
    throw invalid('it is a signature of another text', request);
  return signed;
}

const signedInPlace = /^-----BEGIN PGP SIGNED MESSAGE-----\s*$/m;

/** A signature in place does not cover the ends of lines. */
function linesOf(text: Buffer): string {
  return text
    .toString('latin1')
    .replace(/[ \t\r]+$/gm, '')
    .trimEnd();
}

function invalid(why: string, { shown, keyring }: SignatureRequest): OperationError {
  return new OperationError('SIGNATURE_INVALID', `the signature ${shown} is not valid: ${why}`, {
    url: shown,
    keyring,
  });
}

const timeoutSeconds = 60;
const run = promisify(execFile);

interface GpgvAnswer {
  /** What it reports for programs. */
  readonly status: string;
  /** By its exit code, which alone says nothing of keys that have expired or were revoked. */
  readonly isAccepted: boolean;
}

async function runGpgv(
  argv: readonly string[],
  home: string,
  { context, shown }: SignatureRequest,
): Promise<GpgvAnswer> {
  const { environment, signal } = context;
  const options = {
    env: { PATH: environment.PATH, GNUPGHOME: home, LC_ALL: 'C' },
    timeout: timeoutSeconds * 1000,
    killSignal: 'SIGKILL',
    encoding: 'utf8',
    signal,
  } as const;
  try {
    const { stdout } = await run('gpgv', ['--homedir', home, '--status-fd', '1', ...argv], options);
    return { status: stdout, isAccepted: true };
  } catch (error) {
    signal.throwIfAborted();
    if (isSystemError(error, 'ENOENT'))
      throw new OperationError(
        'GPGV_MISSING',
        `the signature ${shown} cannot be verified, because this host has no gpgv; install the package gpgv ` +
          '(Debian, Ubuntu), gnupg2 (Enterprise Linux, Fedora) or gpg2 (openSUSE), or remove signature from the list',
        { url: shown },
        error,
      );
    const { code, stdout } = error as { readonly code?: unknown; readonly stdout?: unknown };
    if (typeof code === 'number' && typeof stdout === 'string') return { status: stdout, isAccepted: false };
    const isLate = (error as { readonly killed?: unknown }).killed === true;
    const why = isLate ? `it did not end within ${timeoutSeconds} s` : messageOf(error);
    throw new OperationError(
      'GPGV_FAILED',
      `gpgv could not verify the signature ${shown}: ${why}`,
      { url: shown },
      error,
    );
  }
}
