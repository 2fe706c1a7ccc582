// Merges the site's own file, site.yaml, into the arguments of an operation.
import { readYamlMapping, type YamlFile } from '../clients/files/yaml-file.js';
import { withHome } from '../clients/files/paths.js';
import { isKnownCloud } from '../clients/keystone/clouds-yaml.js';
import { coerce, type RawArguments } from '../core/coercion.js';
import { InputError } from '../core/errors.js';
import type { Field, Fields } from '../core/fields.js';
import { isMapping } from '../core/mapping.js';
import type { Context, Environment } from '../core/operation.js';
import { nearest } from '../core/validation.js';

export interface MergedArguments {
  readonly values: Readonly<Record<string, unknown>>;
  /** For each field that the file gave, where it came from, for messages. */
  readonly origins: ReadonlyMap<string, string>;
  readonly warnings: readonly string[];
}

/** Keys that some operation knows; the current one may not know them all. */
const knownKeys = [
  'auth_url',
  'admin_username',
  'admin_password',
  'admin_project',
  'system_scope',
  'region_name',
  'image_store_cloud',
  'hide_image_age_in_month',
  'delete_image_age_in_month',
  'skip_images',
  'hide_at',
  'hide_mode',
  'keep',
  'age_from',
  'grace_days',
  'max_deletes',
  'keep_deprecated',
  'accept_losses',
  'allowed_properties',
  'properties',
  'reconcile',
  'catalog',
  'object_store_url',
  'connections',
  'max_size',
  'image_container',
  'scope',
  'objects_store_url',
  'objects_container',
  'supports_yaml',
  'image_lists',
  'image_manager_tag',
  'image_type',
  'image_prefix',
  'image_metadata_field',
  'images',
  'exclude',
  'pins',
  'concurrency',
  'import_method',
  'stores',
  'all_stores',
  'min_disk',
  'upload_timeout',
  'lock_dir',
  'journal_dir',
  'stale_after',
  'certificate_days',
];

/** Fields that belong to the file's own login, and not to a cloud that is named explicitly. */
const partsOfLogin: ReadonlySet<string> = new Set([
  'auth',
  'auth_type',
  'system_scope',
  'region_name',
  'interface',
  'endpoint_override',
]);

/** A password login in the older keys; all of them, or none. */
const passwordLogin = {
  auth_url: 'auth_url',
  admin_username: 'username',
  admin_password: 'password',
  admin_project: 'project_name',
} as const;
const passwordKeys = Object.keys(passwordLogin) as (keyof typeof passwordLogin)[];

/**
 * Fills in absent arguments from the file `given.site_yaml`. Its login becomes `cloud` or `auth`,
 * unless one of them is given: `auth`, else the cloud of `image_store_cloud`, else the password
 * login of the first tools, also where that cloud is not known. Throws INVALID_INPUT if the file
 * cannot be read or is not a mapping.
 */
export async function mergeSiteYaml(
  fields: Fields,
  given: RawArguments,
  context: Pick<Context, 'environment'> & Partial<Pick<Context, 'signal'>>,
): Promise<MergedArguments> {
  if (typeof given.site_yaml !== 'string' || given.site_yaml === '')
    return { values: given, origins: new Map(), warnings: [] };
  const path = withHome(given.site_yaml, context.environment);
  const file = await readYamlMapping(path, context.signal).catch((error: unknown) => {
    throw error instanceof InputError ? new InputError(`site_yaml: ${error.message}`, 'site_yaml') : error;
  });
  const login = await loginOf(fields, given, file, context.environment);
  const merged = new Map([...login.merged, ...optionsOf(fields, given, file)]);
  return {
    values: { ...given, ...Object.fromEntries([...merged].map(([name, { value }]) => [name, value])) },
    origins: new Map([...merged].map(([name, { keys }]) => [name, `${keys.join(', ')} (from ${path})`])),
    warnings: [...warnUnknown(fields, file), ...warnExposed(file), ...login.warnings],
  };
}

interface Merged {
  readonly value: unknown;
  /** The keys of the file that it comes from. */
  readonly keys: readonly string[];
}

function optionsOf(fields: Fields, given: RawArguments, { values }: YamlFile): ReadonlyMap<string, Merged> {
  const options = new Map<string, Merged>();
  for (const [name, field] of Object.entries(fields)) {
    if ([name, ...(field.aliases ?? [])].some((spelling) => isPresent(given[spelling]))) continue;
    if (partsOfLogin.has(name) && isPresent(given.cloud)) continue;
    if (name === 'auth_type' && isPresent(given.auth)) continue;
    const key = field.siteYaml?.find((candidate) => isPresent(values[candidate]));
    if (key !== undefined)
      options.set(name, { value: coerce({ [name]: field }, { [name]: values[key] })[name], keys: [key] });
    else if (field.siteYamlImplies && isImplied(field.siteYamlImplies, given, values))
      options.set(name, { value: field.siteYamlImplies.value, keys: field.siteYamlImplies.present });
  }
  return options;
}

function isImplied(
  { present, absent }: NonNullable<Field['siteYamlImplies']>,
  given: RawArguments,
  values: YamlFile['values'],
): boolean {
  return (
    present.every((key) => isPresent(values[key])) &&
    absent.every((key) => !isPresent(values[key]) && !isPresent(given[key]))
  );
}

interface FileLogin {
  readonly merged: ReadonlyMap<string, Merged>;
  readonly warnings: readonly string[];
}

async function loginOf(
  fields: Fields,
  given: RawArguments,
  { path, values }: YamlFile,
  environment: Environment,
): Promise<FileLogin> {
  const none = { merged: new Map(), warnings: [] };
  if (!fields.cloud || !fields.auth || isPresent(given.cloud) || isPresent(given.auth)) return none;
  // A login of its own, which is merged with the other options. The keys that older tools need may
  // be next to it.
  if (isMapping(values.auth) && isPresent(values.auth.auth_url)) return none;
  const { image_store_cloud: cloud } = values;
  const missing = passwordKeys.filter((key) => !isPresent(values[key]));
  if (isPresent(cloud)) {
    const isUsed = missing.length > 0 || (await isKnownCloud(String(cloud), environment));
    if (!isUsed) {
      const warning =
        `${path}: image_store_cloud is "${cloud}", which is in no clouds.yaml; ` +
        'the login from auth_url and admin_* is used';
      return { merged: passwordLoginOf(values), warnings: [warning] };
    }
    return {
      merged: new Map([['cloud', { value: cloud, keys: ['image_store_cloud'] }]]),
      warnings: isPresent(values.auth_url)
        ? [`${path} has image_store_cloud and auth_url: image_store_cloud is used`]
        : [],
    };
  }
  if (isPresent(values.auth) || missing.length === passwordKeys.length) return none;
  if (missing.length === 0) return { merged: passwordLoginOf(values), warnings: [] };
  throw new InputError(
    `site_yaml: ${path} has a login without ${missing.join(' and ')}; ` +
      `it needs ${passwordKeys.join(', ')}, or image_store_cloud`,
    'site_yaml',
  );
}

function passwordLoginOf(values: YamlFile['values']): ReadonlyMap<string, Merged> {
  const auth = Object.fromEntries(passwordKeys.map((key) => [passwordLogin[key], values[key]]));
  const value = { ...auth, user_domain_id: 'default', project_domain_id: 'default' };
  return new Map([['auth', { value, keys: passwordKeys }]]);
}

function warnUnknown(fields: Fields, { path, values }: YamlFile): string[] {
  const known = [...new Set([...knownKeys, ...Object.values(fields).flatMap((field) => field.siteYaml ?? [])])];
  const unknown = Object.keys(values).filter((key) => !known.includes(key));
  return unknown.map((key) => {
    const near = nearest(key, known);
    return `${path}: the key "${key}" is not known and is ignored${near ? `; did you mean "${near}"?` : ''}`;
  });
}

function warnExposed({ path, values, mode }: YamlFile): string[] {
  const holdsSecret = isPresent(values.admin_password) || isPresent(values.auth);
  return holdsSecret && (mode & 0o004) !== 0
    ? [`${path} holds a password and everybody may read it: chmod 0600 ${path}`]
    : [];
}

function isPresent(value: unknown): boolean {
  return value !== undefined && value !== null && value !== '';
}
