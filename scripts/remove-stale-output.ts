// Removes what tsc once emitted for sources that are gone, which jest would run and a bundle could
// contain. tsc itself leaves it. Part of `npm run compile`.
import { existsSync, readdirSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './declarations.js';

/** The project, or, for the test, another one. */
const [project = root] = process.argv.slice(2);

for (const folder of ['modules', 'scripts', 'test'])
  removeStaleOutput(join(project, 'build', folder), join(project, folder));

function removeStaleOutput(output: string, sources: string): void {
  if (!existsSync(output)) return;
  for (const entry of readdirSync(output, { withFileTypes: true })) {
    const path = join(output, entry.name);
    const emittedFor = /^(.+)\.js(\.map)?$/.exec(entry.name)?.[1];
    if (entry.isDirectory()) removeStaleOutput(path, join(sources, entry.name));
    else if (emittedFor !== undefined && !existsSync(join(sources, `${emittedFor}.ts`))) rmSync(path);
  }
  if (readdirSync(output).length === 0) rmdirSync(output);
}
