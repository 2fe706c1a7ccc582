// A certificate of its own for a test's server, which is its own CA.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { TemporaryFolder } from './temporary-folder.js';

export interface SelfSigned {
  readonly key: string;
  readonly cert: string;
}

/** Writes `key` and `cert`, as PEM, into the folder. `names`: as OpenSSL spells them, `IP:127.0.0.1,DNS:localhost`. */
export function selfSigned({ path }: TemporaryFolder, names = 'DNS:localhost'): SelfSigned {
  const kind = '-x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost';
  const argv = ['req', ...kind.split(' '), '-addext', `subjectAltName=${names}`];
  execFileSync('openssl', [...argv, '-keyout', `${path}/key`, '-out', `${path}/cert`], { stdio: 'ignore' });
  return { key: readFileSync(`${path}/key`, 'utf8'), cert: readFileSync(`${path}/cert`, 'utf8') };
}
