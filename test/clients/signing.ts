// Keys and signatures of the real gpg, in a home of its own.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface SigningHome {
  readonly path: string;
  /** Makes a key that signs. `born`, `expires`: days such as `20200101` and `2020-06-01`. */
  makeKey(user: string, dates?: { readonly born?: string; readonly expires?: string }): void;
  revoke(user: string): void;
  /** Writes the public keys into a file and gives its path. */
  keyring(name: string, users: readonly string[], form?: 'armored' | 'binary'): string;
  sign(content: string, users: readonly string[], options?: SigningOptions): Buffer;
  /** The content with its signature in one text. */
  clearsign(content: string, users: readonly string[]): Buffer;
  close(): void;
}

export interface SigningOptions {
  readonly form?: 'armored' | 'binary';
  /** The day on which it is signed, such as `20250201`. */
  readonly day?: string;
  /** After how many days the signature expires. */
  readonly expiresInDays?: number;
}

export function openSigningHome(): SigningHome {
  // Short, because of gpg-agent's socket in it.
  const path = mkdtempSync(join(tmpdir(), 'gpg-'));
  const environment = { ...process.env, GNUPGHOME: path, LC_ALL: 'C' };
  const gpg = (argv: readonly string[], input?: string | Buffer): Buffer =>
    execFileSync(
      'gpg',
      ['--batch', '--quiet', '--no-tty', '--pinentry-mode', 'loopback', '--passphrase', '', ...argv],
      {
        env: environment,
        input,
        stdio: ['pipe', 'pipe', 'pipe'],
      },
    );
  const atDay = (day: string | undefined): string[] =>
    day === undefined ? [] : ['--faked-system-time', `${day}T000000`];
  const signers = (users: readonly string[]): string[] => users.flatMap((user) => ['--local-user', `=${user}`]);
  return {
    path,
    makeKey: (user, { born, expires = 'never' } = {}) =>
      void gpg([...atDay(born), '--quick-generate-key', user, 'ed25519', 'sign', expires]),
    revoke: (user) => {
      const listed = gpg(['--with-colons', '--list-keys', `=${user}`]).toString();
      const fingerprint = /^fpr:+([0-9A-F]+):/m.exec(listed)?.[1] ?? '';
      const folder = join(path, 'openpgp-revocs.d');
      const certificate = readdirSync(folder).find((name) => name.startsWith(fingerprint)) ?? '';
      gpg(['--import'], readFileSync(join(folder, certificate), 'utf8').replace(/^:-----/m, '-----'));
    },
    keyring: (name, users, form = 'binary') => {
      const file = join(path, name);
      const exact = users.map((user) => `=${user}`);
      writeFileSync(file, gpg([...(form === 'armored' ? ['--armor'] : []), '--export', ...exact]));
      return file;
    },
    sign: (content, users, { form = 'binary', day, expiresInDays } = {}) =>
      gpg(
        [
          ...atDay(day),
          ...(expiresInDays === undefined ? [] : ['--default-sig-expire', `${expiresInDays}d`]),
          ...(form === 'armored' ? ['--armor'] : []),
          ...signers(users),
          '--detach-sign',
        ],
        content,
      ),
    clearsign: (content, users) => gpg([...signers(users), '--clearsign'], content),
    close: () => {
      // The agent that gpg has started.
      execFileSync('gpgconf', ['--kill', 'all'], { env: environment });
      rmSync(path, { recursive: true, force: true });
    },
  };
}
