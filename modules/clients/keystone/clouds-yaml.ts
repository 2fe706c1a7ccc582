// Finds a cloud by name in clouds.yaml, secure.yaml and clouds-public.yaml, in the places that
// openstacksdk searches.
import { join, resolve } from 'node:path';
import { InputError } from '../../core/errors.js';
import { isMapping } from '../../core/mapping.js';
import { nearest } from '../../core/validation.js';
import { readYamlMapping } from '../files/yaml-file.js';
import { exists, homeFolder } from '../files/paths.js';
import { mergeEntries, underscored } from './region-entry.js';
import { readSettings, type LoginSettings } from './settings.js';
import type { Environment } from '../../core/operation.js';

type Mapping = Readonly<Record<string, unknown>>;

/**
 * The settings of the named cloud for a region, by default its first one. Throws INVALID_INPUT,
 * naming the existing files and clouds.
 */
export async function findCloud(name: string, environment: Environment, regionName?: string): Promise<LoginSettings> {
  const folders = searchFolders(environment);
  const { clouds, paths, pathOf } = await readClouds(environment, folders);
  if (paths.length === 0)
    throw new InputError(
      `cloud "${name}" is not known: there is no clouds.yaml in ${folders.join(', ')}; ` +
        'OS_CLIENT_CONFIG_FILE may name one',
      'cloud',
    );
  const entry = Object.hasOwn(clouds, name) ? clouds[name] : undefined;
  if (entry === undefined) throw unknownCloud(name, paths.join(' or '), Object.keys(clouds));
  const path = pathOf(name);
  if (!isMapping(entry)) throw new InputError(`${path}: cloud "${name}" must be a mapping`, 'cloud');
  const origin = { source: `cloud "${name}" of ${path}`, label: (key: string): string => `auth.${key}` };
  return readSettings(await withProfile(entry, origin.source, folders), origin, regionName);
}

/**
 * Whether `findCloud` would find a cloud of this name. Throws INVALID_INPUT for a file that it
 * would refuse.
 */
export async function isKnownCloud(name: string, environment: Environment): Promise<boolean> {
  return Object.hasOwn((await readClouds(environment, searchFolders(environment))).clouds, name);
}

interface Clouds {
  readonly clouds: Mapping;
  /** The files that exist. */
  readonly paths: readonly string[];
  /** The file that has this cloud. */
  pathOf(name: string): string | undefined;
}

async function readClouds(environment: Environment, folders: readonly string[]): Promise<Clouds> {
  const openPath = await findFile('clouds', environment.OS_CLIENT_CONFIG_FILE, 'OS_CLIENT_CONFIG_FILE', folders);
  const securePath = await findFile('secure', environment.OS_CLIENT_SECURE_FILE, 'OS_CLIENT_SECURE_FILE', folders);
  const paths = [openPath, securePath].filter((path) => path !== undefined);
  const files = await Promise.all(paths.map((path) => cloudsIn(path, { mayBeEmpty: path === securePath })));
  return {
    clouds: files.reduce(mergeEntries, {}),
    paths,
    pathOf: (name) => paths.find((_, index) => Object.hasOwn(files[index] ?? {}, name)),
  };
}

function searchFolders(environment: Environment): string[] {
  const home = homeFolder(environment);
  const own = [environment.XDG_CONFIG_HOME, home && join(home, '.config')].flatMap((folder) =>
    folder ? [join(folder, 'openstack')] : [],
  );
  return [...new Set([resolve('.'), ...own, '/etc/xdg/openstack', '/etc/openstack'])];
}

async function findFile(
  stem: string,
  named: string | undefined,
  variable: string,
  folders: readonly string[],
): Promise<string | undefined> {
  if (named) {
    // openstacksdk would continue with the next place, but a login from the wrong file is worse
    // than an error.
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

async function cloudsIn(path: string, { mayBeEmpty }: { readonly mayBeEmpty: boolean }): Promise<Mapping> {
  const { values } = await readYamlMapping(path);
  if (mayBeEmpty && values.clouds === undefined) return {};
  if (isMapping(values.clouds)) return values.clouds;
  throw new InputError(`${path} must have a top-level mapping "clouds"`, 'cloud');
}

function unknownCloud(name: string, path: string, known: readonly string[]): InputError {
  const near = nearest(name, known);
  const has = known.length === 0 ? 'it has none' : `it has ${[...known].sort().join(', ')}`;
  return new InputError(`cloud "${name}" is not in ${path}${near ? `; did you mean "${near}"?` : ''}; ${has}`, 'cloud');
}

/**
 * The vendors whose profiles openstacksdk contains. They are deliberately absent here: sites have
 * their own clouds.
 */
const vendors = [
  ...[
    'auro',
    'betacloud',
    'binero',
    'bluebox',
    'catalyst',
    'citycloud',
    'conoha',
    'dreamcompute',
    'elastx',
    'entercloudsuite',
    'fuga',
    'ibmcloud',
    'internap',
  ],
  ...[
    'limestonenetworks',
    'otc',
    'otc-swiss',
    'ovh',
    'ovh-us',
    'rackspace',
    'switchengines',
    'ultimum',
    'unitedstack',
    'vexxhost',
    'zetta',
  ],
];

/** The cloud merged over its profile in clouds-public.yaml, if it names one. */
async function withProfile(entry: Mapping, source: string, folders: readonly string[]): Promise<Mapping> {
  const name = entry.profile ?? entry.cloud;
  if (typeof name !== 'string' || name === '') return entry;
  const path = await findFile('clouds-public', undefined, '', folders);
  const profiles = path ? (await readYamlMapping(path)).values['public-clouds'] : undefined;
  const profile = isMapping(profiles) && Object.hasOwn(profiles, name) ? profiles[name] : undefined;
  if (isMapping(profile)) return mergeEntries(underscored(profile), underscored(entry));
  const auth = isMapping(entry.auth) ? entry.auth : {};
  // openstacksdk ignores an unknown name too.
  if ((auth.auth_url || auth.endpoint) && !vendors.includes(name) && !name.includes('/')) return entry;
  throw new InputError(
    `${source} relies on profile "${name}", and profiles are not supported: ` +
      "give auth.auth_url and the profile's other settings in the cloud itself, or the profile in " +
      'clouds-public.yaml',
    'cloud',
  );
}
