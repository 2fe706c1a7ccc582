// Builds the Ansible collection chameleon.image_tools from the role, the playbooks and the
// executables. Run as `make collection`; it prints the path of the archive. An argument names
// another directory than dist/ for the archive and the files that it is built from.
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { writeStub } from '../modules/ansible/documentation.js';
import type { Collection } from '../modules/ansible/markup.js';
import { withReachableLinks } from './collection-links.js';
import { loadDeclarations, root } from './declarations.js';
import { collectionOf, readGalaxy } from './galaxy.js';

const galaxy = readGalaxy();
const [elsewhere] = process.argv.slice(2);
const staged = join(elsewhere ?? join(root, 'build'), 'collection', galaxy.namespace, galaxy.name);
const archives = elsewhere ?? join(root, 'dist');
const role = 'roles/chameleon_image_tools';
const declarations = await loadDeclarations();
const collection = collectionOf(declarations);

rmSync(staged, { recursive: true, force: true });
copyFiles();
writeFileSync(join(staged, 'galaxy.yml'), stringify(galaxy));
writeModules();
qualifyNames(collection);
writeIgnored();
rewriteLinks();
mkdirSync(archives, { recursive: true });
execFileSync('/usr/bin/ansible-galaxy', ['collection', 'build', '--force', '--output-path', archives, staged], {
  stdio: ['ignore', 'ignore', 'inherit'],
});
console.log(`${elsewhere ?? 'dist'}/${galaxy.namespace}-${galaxy.name}-${galaxy.version}.tar.gz`);

function copyFiles(): void {
  for (const path of [
    ...['LICENSE', 'CHANGELOG.md', 'CODE_OF_CONDUCT.md', 'CONTRIBUTING.md', 'SECURITY.md', 'bindep.txt'],
    ...['changelogs', 'docs', 'meta', 'playbooks', role],
  ]) {
    cpSync(join(root, path), join(staged, path), { recursive: true });
  }
  // Ansible's sanity tests take every file there for a fragment.
  rmSync(join(staged, 'changelogs/fragments/README.md'));
}

/**
 * Ansible does not search a role's library inside a collection: there its modules are plugins, and
 * the role finds them. Galaxy lists a module only by a .py file. Ansible finds the .mjs before it:
 * it takes the first name in sorted order.
 */
function writeModules(): void {
  const library = join(staged, role, 'library');
  const modules = join(staged, 'plugins/modules');
  mkdirSync(modules, { recursive: true });
  for (const declaration of declarations) {
    for (const name of [`${declaration.name}.mjs`, `${declaration.name}.yml`]) {
      cpSync(join(library, name), join(modules, name));
      // Ansible makes a module executable where it runs it.
      chmodSync(join(modules, name), 0o644);
    }
    writeFileSync(join(modules, `${declaration.name}.py`), writeStub(declaration, collection));
  }
  rmSync(library, { recursive: true });
}

/**
 * The playbooks call modules and role by their full names, and so can be copied from the
 * collection.
 */
function qualifyNames({ name, modules }: Collection): void {
  // A task, or the defaults of a module.
  const module = new RegExp(`^( +)(${modules.join('|')}):(?= |$)`, 'gm');
  for (const file of readdirSync(join(staged, 'playbooks'))) {
    const path = join(staged, 'playbooks', file);
    const text = readFileSync(path, 'utf8')
      .replace(module, `$1${name}.$2:`)
      .replace(/^( +- role: )(chameleon_image_tools)$/gm, `$1${name}.$2`);
    writeFileSync(path, text);
  }
}

/** What the sanity tests of ansible-core would say of modules that are not Python. */
function writeIgnored(): void {
  const folder = join(staged, 'tests/sanity');
  const lines = declarations.flatMap(({ name }) => [
    `plugins/modules/${name}.mjs shebang # starts with a shell script that finds Node.js`,
    `plugins/modules/${name}.mjs validate-modules!skip # JavaScript, which the test reads as Python`,
    `plugins/modules/${name}.py validate-modules:missing-gplv3-license # the license is Apache-2.0`,
    `plugins/modules/${name}.yml validate-modules:missing-gplv3-license # the license is Apache-2.0`,
  ]);
  mkdirSync(folder, { recursive: true });
  for (let minor = 14; minor <= 22; minor += 1) {
    writeFileSync(join(folder, `ignore-2.${minor}.txt`), `${lines.join('\n')}\n`);
  }
}

/** The page of the collection becomes its README, which Galaxy shows without the other files. */
function rewriteLinks(): void {
  const files = `${galaxy.repository}/blob/main`;
  const pages = readdirSync(staged, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.md'));
  for (const page of pages) {
    const text = readFileSync(join(staged, page), 'utf8');
    const has = (path: string): boolean => existsSync(join(staged, path));
    writeFileSync(join(staged, page), withReachableLinks(text, { page, has, files }));
  }
  const page = 'docs/collection.md';
  const text = readFileSync(join(root, page), 'utf8');
  writeFileSync(join(staged, 'README.md'), withReachableLinks(text, { page, has: () => false, files }));
}
