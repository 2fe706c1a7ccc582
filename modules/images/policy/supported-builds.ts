// The contents of supports.yaml: which builds a site supports, and their production names.
import { InputError } from '../../core/errors.js';
import { nearest } from '../../core/validation.js';
import { isMapping } from '../../core/mapping.js';

/** Which half of the Ironic Python Agent an image is; `na`: neither. */
export type Half = 'kernel' | 'initramfs';
export type Ipa = Half | 'na';

/** Identifies builds of the same image, of which the newest is deployed. */
export interface BuildIdentity {
  readonly distro: string;
  readonly release: string;
  readonly variant: string;
  readonly ipa: Ipa;
}

/** One image that supports.yaml lists. */
export interface SupportedBuild {
  readonly identity: BuildIdentity;
  /** Production name; the words of the identity if there is a fault. */
  readonly name: string;
  /** Why it cannot be deployed, with the path of the invalid key. */
  readonly fault?: string;
}

export interface Supports {
  readonly builds: readonly SupportedBuild[];
  /**
   * All names that the file covers, including those of a release without variants, with the suffix
   * of each variant.
   */
  readonly names: ReadonlySet<string>;
}

type Mapping = Readonly<Record<string, unknown>>;

const productionName = /^[A-Za-z0-9][A-Za-z0-9 ._+-]{0,199}$/;
const halves: readonly Half[] = ['kernel', 'initramfs'];

/**
 * Reads supports.yaml in the form that the image builders and older deployers use; other keys are
 * ignored. A fault of one image affects only that image. Throws INVALID_INPUT if the file as a
 * whole has a different structure.
 */
export function parseSupports(document: unknown, path: string): Supports {
  const top = mappingAt(document, '', path);
  const distros = mappingAt(top.supported_distros, 'supported_distros', path);
  const variants = mappingAt(top.supported_variants ?? {}, 'supported_variants', path);
  const releases = Object.entries(distros).flatMap(([distro, value]) => {
    const key = `supported_distros.${distro}.releases`;
    const listed = mappingAt(mappingAt(value, `supported_distros.${distro}`, path).releases ?? {}, key, path);
    return Object.entries(listed).map(([release, entry]) => ({
      distro,
      release,
      key: `${key}.${release}`,
      entry: mappingAt(entry ?? {}, `${key}.${release}`, path),
    }));
  });
  const builds = refuseDuplicates(releases.flatMap((release) => buildsOf(release, variants, path)));
  const withoutVariants = releases
    .filter(({ entry }) => isAbsent(entry.variants))
    .flatMap((release) =>
      buildsOf({ ...release, entry: { ...release.entry, variants: Object.keys(variants) } }, variants, path),
    );
  return {
    builds,
    names: new Set([...builds, ...withoutVariants].filter(({ fault }) => fault === undefined).map(({ name }) => name)),
  };
}

/**
 * The names in a file without faults. Throws INVALID_INPUT otherwise: the name of an invalid entry
 * would seem to have left the catalogue.
 */
export function faultlessNames({ builds, names }: Supports): ReadonlySet<string> {
  const fault = builds.find((build) => build.fault !== undefined)?.fault;
  if (fault === undefined) return names;
  throw new InputError(
    `supports_yaml: ${fault}; until this is corrected it is unknown which names are deprecated`,
    'supports_yaml',
  );
}

/**
 * A distribution with such a name provides the agent's kernel and initramfs instead of one image.
 */
function isIpaDistro(distro: string): boolean {
  return distro.startsWith('ipa_');
}

/** `ubuntu focal base`, `ipa_debian bullseye amd64 kernel`. */
export function wordsOf({ distro, release, variant, ipa }: BuildIdentity): string {
  return [distro, release, variant, ...(ipa === 'na' ? [] : [ipa])].join(' ');
}

/**
 * True for builds that `latest` (distribution, release, variant, as many as are given) and `ipa`
 * mean. Either value of `ipa` means both halves of an agent, since one without the other is of no
 * use.
 */
export function isMeant(identity: BuildIdentity, latest: readonly string[] = [], ipa?: Half): boolean {
  const words = [identity.distro, identity.release, identity.variant];
  return latest.every((word, index) => words[index] === word) && (ipa === undefined || identity.ipa !== 'na');
}

/** Adds the other half of each half of an agent: one without the other is of no use. */
export function withOtherHalves(
  chosen: readonly SupportedBuild[],
  builds: readonly SupportedBuild[],
): SupportedBuild[] {
  return builds.filter((build) =>
    chosen.some(({ identity }) => identity === build.identity || isOtherHalf(identity, build.identity)),
  );
}

export function isOtherHalf(one: BuildIdentity, other: BuildIdentity): boolean {
  const isOfOneAgent = one.distro === other.distro && one.release === other.release && one.variant === other.variant;
  return isOfOneAgent && one.ipa !== other.ipa && one.ipa !== 'na' && other.ipa !== 'na';
}

interface ListedRelease {
  readonly distro: string;
  readonly release: string;
  /** Its path in the file. */
  readonly key: string;
  readonly entry: Mapping;
}

function buildsOf({ distro, release, key, entry }: ListedRelease, variants: Mapping, path: string): SupportedBuild[] {
  if (isAbsent(entry.variants)) return [];
  const parts = isIpaDistro(distro) ? halves : (['na'] as const);
  const faulty = (variant: string, fault: string): SupportedBuild[] =>
    parts.map((ipa) => ({
      identity: { distro, release, variant, ipa },
      name: wordsOf({ distro, release, variant, ipa }),
      fault: `${path}: ${fault}`,
    }));
  if (!Array.isArray(entry.variants))
    return faulty('?', `${key}.variants is ${show(entry.variants)}; it must be a list of variants`);
  const base = entry.prod_name;
  return [...new Set<unknown>(entry.variants)].flatMap((variant, index) => {
    if (typeof variant !== 'string' || variant === '')
      return faulty('?', `${key}.variants[${index}] is ${show(variant)}; it must be the name of a variant`);
    if (isAbsent(base)) return faulty(variant, `${key}.prod_name is missing`);
    if (typeof base !== 'string' || !productionName.test(base))
      return faulty(variant, `${key}.prod_name is ${show(base)}; allowed: letters, digits, spaces and . _ + -`);
    const suffix = suffixOf(variant, variants, `${key}.variants[${index}]`);
    if (suffix.fault !== undefined) return faulty(variant, suffix.fault);
    return parts.map((ipa) => ({
      identity: { distro, release, variant, ipa },
      name: `${base}${suffix.text}${ipa === 'na' ? '' : `.${ipa}`}`,
    }));
  });
}

/** What a variant adds to the name, including the dash. */
function suffixOf(
  variant: string,
  variants: Mapping,
  key: string,
): { readonly text: string; readonly fault?: undefined } | { readonly fault: string } {
  const known = Object.keys(variants);
  if (!known.includes(variant)) {
    const near = nearest(variant, known);
    return {
      fault:
        `${key} is ${show(variant)}, which is not in supported_variants; ` +
        `${near ? `did you mean ${near}?` : `known: ${known.join(', ') || 'none'}`}`,
    };
  }
  const entry = variants[variant] ?? {};
  const place = `supported_variants.${variant}`;
  if (!isMapping(entry)) return { fault: `${place} is ${show(entry)}; it must be a mapping` };
  const suffix = entry.prod_name_suffix;
  if (isAbsent(suffix)) return { text: '' };
  if (typeof suffix !== 'string' || !/^[A-Za-z0-9._+-]{1,50}$/.test(suffix))
    return { fault: `${place}.prod_name_suffix is ${show(suffix)}; allowed: letters, digits and . _ + -` };
  return { text: `-${suffix}` };
}

/** Two builds of one name would replace each other forever, so neither is deployed. */
function refuseDuplicates(builds: readonly SupportedBuild[]): SupportedBuild[] {
  return builds.map((build) => {
    const others = builds.filter((other) => other !== build && other.name === build.name && other.fault === undefined);
    if (build.fault !== undefined || others.length === 0) return build;
    return {
      ...build,
      fault:
        'supports.yaml gives this name to ' +
        `${[build, ...others].map(({ identity }) => wordsOf(identity)).join(' and ')}; ` +
        'each name may be used for only one build',
    };
  });
}

function mappingAt(value: unknown, key: string, path: string): Mapping {
  if (isMapping(value)) return value;
  const where = key === '' ? path : `${path}: ${key}`;
  throw new InputError(
    `supports_yaml: ${where} ${isAbsent(value) ? 'is missing' : `is ${show(value)}`}; it must be a mapping`,
    'supports_yaml',
  );
}

function isAbsent(value: unknown): boolean {
  return value === undefined || value === null || value === '';
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}
