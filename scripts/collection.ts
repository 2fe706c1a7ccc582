// Builds the Ansible collection chameleon.image_tools from the role, the playbooks and the
// executables. Run as `make collection`; it prints the path of the archive.
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { root } from './declarations.js';

const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
const staged = join(root, 'build/collection/chameleon/image_tools');
const role = 'roles/chameleon_image_tools';

rmSync(staged, { recursive: true, force: true });
mkdirSync(join(staged, 'plugins/modules'), { recursive: true });
for (const path of [
  ...['LICENSE', 'README.md', 'CHANGELOG.md', 'CODE_OF_CONDUCT.md', 'CONTRIBUTING.md', 'SECURITY.md', 'bindep.txt'],
  ...['changelogs', 'docs', 'meta', 'playbooks', role],
]) {
  cpSync(join(root, path), join(staged, path), { recursive: true });
}
const galaxy = parse(readFileSync(join(root, 'galaxy.yml'), 'utf8')) as Record<string, unknown>;
writeFileSync(join(staged, 'galaxy.yml'), stringify({ ...galaxy, version }));
moveModules();
writeIgnored();
const archives = join(root, 'dist');
mkdirSync(archives, { recursive: true });
execFileSync('/usr/bin/ansible-galaxy', ['collection', 'build', '--force', '--output-path', archives, staged], {
  stdio: ['ignore', 'ignore', 'inherit'],
});
console.log(`dist/chameleon-image_tools-${version}.tar.gz`);

/**
 * Ansible does not search a role's library inside a collection: there its modules are plugins, and
 * the role finds them.
 */
function moveModules(): void {
  const library = join(staged, role, 'library');
  const modules = join(staged, 'plugins/modules');
  for (const name of readdirSync(library)) {
    cpSync(join(library, name), join(modules, name));
    // Ansible makes a module executable where it runs it.
    chmodSync(join(modules, name), 0o644);
    if (name.endsWith('.yml'))
      writeFileSync(join(modules, name.replace('.yml', '.py')), documentsOnly(join(modules, name)));
  }
  rmSync(library, { recursive: true });
}

/**
 * Galaxy lists a module only by a .py file. Ansible finds the .mjs first: it takes the first name
 * in sorted order.
 */
function documentsOnly(sidecar: string): string {
  const documents = parse(readFileSync(sidecar, 'utf8'), { version: '1.1' }) as Record<string, unknown>;
  const texts = Object.entries(documents).map(
    ([name, document]) =>
      `${name} = r'''\n---\n` +
      `${typeof document === 'string' ? document : stringify(document, { lineWidth: 0, version: '1.1' })}'''\n`,
  );
  return [
    '#!/usr/bin/python\n# SPDX-License-Identifier: Apache-2.0\n',
    '# The documents alone, for Galaxy and ansible-doc: the module itself is the .mjs file of the same name.\n',
    '\nfrom __future__ import annotations\n\n',
    texts.join('\n'),
  ].join('');
}

/** What the sanity tests of ansible-core would say of modules that are not Python. */
function writeIgnored(): void {
  const folder = join(staged, 'tests/sanity');
  const modules = readdirSync(join(staged, 'plugins/modules')).filter((name) => name.endsWith('.mjs'));
  const lines = modules.map((name) => `plugins/modules/${name} shebang`);
  mkdirSync(folder, { recursive: true });
  for (const core of ['2.14', '2.15', '2.16', '2.17', '2.18', '2.19', '2.20']) {
    writeFileSync(join(folder, `ignore-${core}.txt`), `${lines.join('\n')}\n`);
  }
}
