// Writes docs/reference from the declarations, and the files of the role's variables. Run as `npm
// run docs`; a test fails while what is committed differs.
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadDeclarations, root } from './declarations.js';
import { collectionOf } from './galaxy.js';
import { referenceOf } from './reference.js';
import { roleVariableFiles } from './role-variables.js';

const folder = join(root, 'docs/reference');
const declarations = await loadDeclarations();
const collection = collectionOf(declarations);
const pages = new Map(
  declarations.map((declaration) => [`${declaration.name}.md`, referenceOf(declaration, collection)]),
);

mkdirSync(folder, { recursive: true });
for (const [name, text] of pages) writeFileSync(join(folder, name), text);
for (const name of readdirSync(folder)) {
  if (!pages.has(name)) rmSync(join(folder, name));
}

for (const [path, text] of roleVariableFiles()) writeFileSync(join(root, path), text);
