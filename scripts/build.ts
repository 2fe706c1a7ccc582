// Builds the executables and their documents from the output of tsc. Run as `npm run build`.
import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeSidecar } from '../modules/ansible/documentation.js';
import { completionScript } from '../modules/cli/completion.js';
import { packExecutables } from './archive.js';
import { bundle } from './bundle.js';
import { loadDeclarations, root } from './declarations.js';

const library = join(root, 'roles/chameleon_image_tools/library');
const files = join(root, 'roles/chameleon_image_tools/files');

const declarations = await loadDeclarations();
for (const folder of [library, files]) mkdirSync(folder, { recursive: true });
for (const { name } of declarations) {
  if (!existsSync(join(root, 'modules', `${name}.ts`)))
    throw new Error(`modules/${name}.ts, the entry of ${name}, is missing`);
}
writeFileSync(join(files, 'completion.bash'), completionScript('bash', declarations));
await Promise.all([
  writeCommandLine(),
  ...declarations.map(async (declaration) => {
    const { bytes } = await bundle(
      join(root, `build/modules/${declaration.name}.js`),
      join(library, `${declaration.name}.mjs`),
      'module',
    );
    writeFileSync(join(library, `${declaration.name}.yml`), writeSidecar(declaration));
    return report(`library/${declaration.name}.mjs`, bytes);
  }),
]);
removeAllBut(
  library,
  declarations.flatMap(({ name }) => [`${name}.mjs`, `${name}.yml`]),
);
packExecutables(files, library);
linkCommand();

async function writeCommandLine(): Promise<number> {
  const { bytes, licences } = await bundle(
    join(root, 'build/modules/cli.js'),
    join(files, 'chameleon-image-tools.mjs'),
    'command',
  );
  if (licences === '') throw new Error('ncc wrote no licences of the packages that are in the bundle');
  // The command line contains every operation, and so all packages that are distributed.
  writeFileSync(join(files, 'LICENCES.txt'), licences);
  return report('files/chameleon-image-tools.mjs', bytes);
}

/** In a checkout, too, the command has the name that it has everywhere. */
function linkCommand(): void {
  const folder = join(root, 'build/bin');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  symlinkSync(
    '../../roles/chameleon_image_tools/files/chameleon-image-tools.mjs',
    join(folder, 'chameleon-image-tools'),
  );
}

/** Otherwise files of a removed module could still be run, and would be documented. */
function removeAllBut(folder: string, kept: readonly string[]): void {
  for (const name of readdirSync(folder)) {
    if (!kept.includes(name)) rmSync(join(folder, name), { recursive: true });
  }
}

function report(name: string, bytes: number): number {
  console.log(`${name}: ${Math.round(bytes / 1024)} KiB`);
  return bytes;
}
