// Computes the digests of a stream: the only place where data are hashed. The available algorithms
// depend on the host.
import { createHash, type Hash } from 'node:crypto';
import { OperationError } from '../core/errors.js';
import { digestUnavailable, nodeHashName } from './policy/checksums.js';

export interface Digests {
  update(chunk: Buffer): void;
  /** Lower-case hex digests by the names of hashlib. Ends the computation. */
  finish(): ReadonlyMap<string, string>;
}

/**
 * Whether this Node.js can compute the algorithm, given by its name in hashlib. OpenSSL lists MD5
 * even if FIPS forbids it, so this tries it.
 */
export function canDigest(algorithm: string): boolean {
  try {
    createHash(nodeHashName(algorithm));
    return true;
  } catch {
    return false;
  }
}

/** Throws DIGEST_UNAVAILABLE if this host cannot compute one of them. */
export function startDigests(algorithms: Iterable<string>): Digests {
  const hashes = new Map<string, Hash>([...new Set(algorithms)].map((name) => [name, startHash(name)]));
  return {
    update: (chunk) => {
      for (const hash of hashes.values()) hash.update(chunk);
    },
    finish: () => new Map([...hashes].map(([name, hash]) => [name, hash.digest('hex')])),
  };
}

function startHash(algorithm: string): Hash {
  try {
    return createHash(nodeHashName(algorithm));
  } catch (error) {
    throw new OperationError('DIGEST_UNAVAILABLE', digestUnavailable(algorithm), { algorithm }, error);
  }
}
