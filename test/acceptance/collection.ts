// The collection as a site has it: built, and installed from its archive into an empty folder.
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from './cloud.js';
import { run, succeed, type Output } from './systemd-host.js';

export interface InstalledCollection {
  /** Where Ansible runs: ansible.cfg is here. */
  readonly folder: string;
  /** The files of the collection. */
  readonly files: string;
  /** Its galaxy.yml, which is not installed. */
  readonly galaxy: string;
  /** The short names of its modules, sorted. */
  readonly modules: readonly string[];
  /** The names of its playbooks, sorted. */
  readonly playbooks: readonly string[];
  /** Runs one of Ansible's programs. */
  ansible(program: string, argv: readonly string[], environment?: Readonly<Record<string, string>>): Promise<Output>;
  remove(): void;
}

export async function installCollection(): Promise<InstalledCollection> {
  const folder = mkdtempSync(join(tmpdir(), 'collection-'));
  const built = join(folder, 'built');
  const { stdout } = await succeed(process.execPath, [join(root, 'build/scripts/collection.js'), built], { cwd: root });
  await succeed('/usr/bin/ansible-galaxy', ['collection', 'install', '-p', folder, stdout.trim()], { cwd: folder });
  const plugins = join(root, 'test/systemd-host/connection_plugins');
  writeFileSync(
    join(folder, 'ansible.cfg'),
    [
      `[defaults]\ncollections_path = ${folder}\nconnection_plugins = ${plugins}\n` +
        'interpreter_python = /usr/bin/python3',
      'localhost_warning = False\n[inventory]\ninventory_unparsed_warning = False\n[connection]\npipelining = true\n',
    ].join('\n'),
  );
  const files = join(folder, 'ansible_collections/chameleon/image_tools');
  return {
    folder,
    files,
    galaxy: join(built, 'collection/chameleon/image_tools/galaxy.yml'),
    modules: namesIn(join(root, 'roles/chameleon_image_tools/library'), '.mjs'),
    playbooks: namesIn(join(files, 'playbooks'), '.yml'),
    ansible: (program, argv, environment = {}) => run(`/usr/bin/${program}`, argv, { cwd: folder, environment }),
    remove: () => rmSync(folder, { recursive: true }),
  };
}

function namesIn(folder: string, ending: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(ending))
    .map((name) => name.slice(0, -ending.length))
    .sort();
}
