// Finds a cloud by name in clouds.yaml and secure.yaml, in the places where openstacksdk looks for them.
import { join, resolve } from 'node:path';
import { InputError } from '../../core/errors.js';
import { isMapping } from '../../core/mapping.js';
import { nearest } from '../../core/validation.js';
import { exists, homeFolder, readYamlMapping } from '../files/yaml-file.js';
import { readSettings, type Environment, type LoginSettings } from './settings.js';

type Mapping = Readonly<Record<string, unknown>>;

/** What the named cloud says. Throws INVALID_INPUT, naming the files and the clouds that there are. */
export async function findCloud(name: string, environment: Environment): Promise<LoginSettings> {
  const folders = searchFolders(environment);
  const path = await findFile('clouds', environment.OS_CLIENT_CONFIG_FILE, 'OS_CLIENT_CONFIG_FILE', folders);
  if (!path) throw new InputError(`cloud "${name}" is not known: there is no clouds.yaml in ${folders.join(', ')}; OS_CLIENT_CONFIG_FILE may name one`, 'cloud');
  const securePath = await findFile('secure', environment.OS_CLIENT_SECURE_FILE, 'OS_CLIENT_SECURE_FILE', folders);
  const open = await cloudsIn(path);
  const clouds = securePath ? merge(open, await cloudsIn(securePath)) : open;
  const entry = Object.hasOwn(open, name) ? clouds[name] : undefined;
  if (entry === undefined) throw unknownCloud(name, path, Object.keys(open));
  if (!isMapping(entry)) throw new InputError(`${path}: cloud "${name}" must be a mapping`, 'cloud');
  const settings = readSettings(entry, { source: `cloud "${name}" of ${path}`, label: (key) => `auth.${key}` });
  refuseProfile(entry, settings);
  return settings;
}

function searchFolders(environment: Environment): string[] {
  const home = homeFolder(environment);
  const own = [environment.XDG_CONFIG_HOME, home && join(home, '.config')].flatMap((folder) => (folder ? [join(folder, 'openstack')] : []));
  return [...new Set([resolve('.'), ...own, '/etc/xdg/openstack', '/etc/openstack'])];
}

async function findFile(stem: string, named: string | undefined, variable: string, folders: readonly string[]): Promise<string | undefined> {
  if (named) {
    // openstacksdk would go on to the next place; a login from a file that nobody meant is worse than an error.
    if (await exists(named)) return named;
    throw new InputError(`${variable} names ${named}, but there is no such file`, 'cloud');
  }
  for (const folder of folders) {
    for (const ending of ['yaml', 'yml', 'json']) {
      const path = join(folder, `${stem}.${ending}`);
      if (await exists(path)) return path;
    }
  }
  return undefined;
}

async function cloudsIn(path: string): Promise<Mapping> {
  const { values } = await readYamlMapping(path);
  if (isMapping(values.clouds)) return values.clouds;
  throw new InputError(`${path} must have a mapping "clouds" at its top`, 'cloud');
}

function merge(under: Mapping, over: Mapping): Mapping {
  const merged: Record<string, unknown> = { ...under };
  for (const [key, value] of Object.entries(over)) {
    const below = merged[key];
    if (value !== null) merged[key] = isMapping(below) && isMapping(value) ? merge(below, value) : value;
  }
  return merged;
}

function unknownCloud(name: string, path: string, known: readonly string[]): InputError {
  const near = nearest(name, known);
  const has = known.length === 0 ? 'it has none' : `it has ${[...known].sort().join(', ')}`;
  return new InputError(`cloud "${name}" is not in ${path}${near ? `; did you mean "${near}"?` : ''}; ${has}`, 'cloud');
}

/** The vendors' profiles that openstacksdk brings along are deliberately absent: sites have clouds of their own. */
function refuseProfile(entry: Mapping, settings: LoginSettings): void {
  const profile = entry.profile ?? entry.cloud;
  if (typeof profile !== 'string' || settings.auth.auth_url || settings.auth.endpoint) return;
  throw new InputError(`${settings.source} relies on profile "${profile}", and profiles are not supported: give auth.auth_url`, 'cloud');
}
