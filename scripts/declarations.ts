// Finds the declarations of all operations by their sources, so that the compiled file of a removed
// one is ignored.
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Declaration } from '../modules/core/operation.js';

/** The project's directory: the scripts run from build/scripts. */
export const root = fileURLToPath(new URL('../..', import.meta.url));

/** Every declaration, sorted by name. */
export async function loadDeclarations(): Promise<Declaration[]> {
  const files = readdirSync(join(root, 'modules'), { recursive: true, encoding: 'utf8' }).filter((path) =>
    path.endsWith('/declaration.ts'),
  );
  const declarations: Declaration[] = [];
  // Sequentially: jest's loader fails if modules with common imports are loaded concurrently.
  for (const file of files) {
    const exported = (await import(join(root, 'build/modules', dirname(file), 'declaration.js'))) as Record<
      string,
      Declaration
    >;
    declarations.push(
      ...Object.keys(exported)
        .filter((name) => /declaration$/i.test(name))
        .map((name) => exported[name] as Declaration),
    );
  }
  return declarations.sort((one, other) => (one.name < other.name ? -1 : 1));
}
