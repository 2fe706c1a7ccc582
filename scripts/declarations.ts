// Finds the declarations of all operations, from the sources, so that what tsc left of a removed one is not picked up.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Declaration } from '../modules/core/operation.js';

/** The project's folder: the scripts run from build/scripts. */
export const root = fileURLToPath(new URL('../..', import.meta.url));

/** Every declaration, sorted by name. */
export async function loadDeclarations(): Promise<Declaration[]> {
  const folder = join(root, 'modules/operations');
  const names = readdirSync(folder).filter((name) => existsSync(join(folder, name, 'declaration.ts')));
  const declarations: Declaration[] = [];
  // One by one: jest's loader fails when modules that share imports are loaded at the same time.
  for (const name of names.sort()) {
    const module = (await import(join(root, 'build/modules/operations', name, 'declaration.js'))) as { declaration: Declaration };
    declarations.push(module.declaration);
  }
  return declarations;
}
