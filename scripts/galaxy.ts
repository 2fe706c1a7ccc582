// What galaxy.yml says of the collection, with the version of package.json.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { Collection } from '../modules/ansible/markup.js';
import type { Declaration } from '../modules/core/operation.js';
import { root } from './declarations.js';

export interface Galaxy {
  readonly namespace: string;
  readonly name: string;
  readonly version: string;
  readonly repository: string;
}

export function readGalaxy(): Galaxy {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  return { ...(parse(readFileSync(join(root, 'galaxy.yml'), 'utf8')) as Galaxy), version };
}

/** The collection with these modules. */
export function collectionOf(declarations: readonly Declaration[]): Collection {
  const { namespace, name } = readGalaxy();
  return { name: `${namespace}.${name}`, modules: declarations.map((declaration) => declaration.name) };
}
