// Checks every declaration, and compiles its validator to build/validators/. Part of `npm run
// compile`.
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkDeclaration } from '../modules/core/declaration-check.js';
import { reservedKeys } from '../modules/runtime/result.js';
import { loadDeclarations, root } from './declarations.js';
import { validatorSource } from './validators.js';

const validators = join(root, 'build/validators');

const declarations = await loadDeclarations();
mkdirSync(validators, { recursive: true });
for (const declaration of declarations) {
  checkDeclaration(declaration, reservedKeys);
  writeFileSync(join(validators, `${declaration.name}.cjs`), validatorSource(declaration));
}
const kept = declarations.map(({ name }) => `${name}.cjs`);
for (const name of readdirSync(validators)) if (!kept.includes(name)) rmSync(join(validators, name));
