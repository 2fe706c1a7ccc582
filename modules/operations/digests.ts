// Digests of a stream while it passes.
import { createHash, getHashes, type Hash } from 'node:crypto';
import { nodeNameOf } from '../policy/checksums.js';

export interface Digests {
  update(chunk: Buffer): void;
  /** Lower-case hex by hashlib name. Ends the computation. */
  finish(): ReadonlyMap<string, string>;
}

/** Whether this Node.js can compute the algorithm, by its hashlib name. */
export function canDigest(algorithm: string): boolean {
  return getHashes().includes(nodeNameOf(algorithm));
}

export function startDigests(algorithms: Iterable<string>): Digests {
  const hashes = new Map<string, Hash>([...new Set(algorithms)].map((name) => [name, createHash(nodeNameOf(name))]));
  return {
    update: (chunk) => {
      for (const hash of hashes.values()) hash.update(chunk);
    },
    finish: () => new Map([...hashes].map(([name, hash]) => [name, hash.digest('hex')])),
  };
}
