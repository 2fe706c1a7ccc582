// Digests of a stream while it passes.
import { createHash, getHashes, type Hash } from 'node:crypto';

export interface Digests {
  update(chunk: Buffer): void;
  /** Lower-case hex by hashlib name. Ends the computation. */
  finish(): ReadonlyMap<string, string>;
}

/** Names in Glance's spelling (Python's hashlib) that Node spells otherwise. */
const nodeNames: Readonly<Record<string, string>> = { blake2b: 'blake2b512', blake2s: 'blake2s256', sha3_256: 'sha3-256', sha3_384: 'sha3-384', sha3_512: 'sha3-512' };

export function canDigest(algorithm: string): boolean {
  return getHashes().includes(nodeNames[algorithm] ?? algorithm);
}

export function startDigests(algorithms: Iterable<string>): Digests {
  const hashes = new Map<string, Hash>([...new Set(algorithms)].map((name) => [name, createHash(nodeNames[name] ?? name)]));
  return {
    update: (chunk) => {
      for (const hash of hashes.values()) hash.update(chunk);
    },
    finish: () => new Map([...hashes].map(([name, hash]) => [name, hash.digest('hex')])),
  };
}
