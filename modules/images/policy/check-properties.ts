// Which properties Glance would let a login set: what it is asked, and what its refusals mean.
import { optionText } from '../../core/option-text.js';
import type { Observation } from './check-findings.js';
import { isManaged, markers, type SiteImage } from './site-image.js';

/** One change of a PATCH that is never applied. */
export interface PropertyProbe {
  /** `add` asks for the right to create a property, `replace` for that to change it. */
  readonly op: 'add' | 'replace';
  readonly attribute: string;
  readonly value: string;
}

/**
 * The image of the project that Glance is asked with: one that is managed, if any, and that lacks
 * most of the properties, because they will be created on new images.
 */
export function probeImage<I extends SiteImage>(
  images: readonly I[],
  owner: string,
  names: readonly string[],
): I | undefined {
  const own = images.filter((image) => image.owner === owner && image.status === 'active');
  const managed = own.filter((image) => isManaged(image, owner));
  const present = (image: I): number => names.filter((name) => image.properties[name] !== undefined).length;
  return [...(managed.length > 0 ? managed : own)].sort((one, other) => present(one) - present(other))[0];
}

/** Of these, Glance's schema takes only ids of images. */
const imageIds: ReadonlySet<string> = new Set(['kernel_id', 'ramdisk_id']);
const noImage = '00000000-0000-4000-8000-000000000000';

/** Each property with the value that the image has, or else with any. */
export function probesOf({ properties }: Pick<SiteImage, 'properties'>, names: readonly string[]): PropertyProbe[] {
  const asked = [...new Set([...names, ...Object.values(markers)])].filter((name) => !name.startsWith('os_glance_'));
  return asked.map((attribute) => {
    const value = properties[attribute];
    const any = imageIds.has(attribute) ? noImage : 'no';
    return value === undefined ? { op: 'add', attribute, value: any } : { op: 'replace', attribute, value };
  });
}

/** The property that a refusal of Glance is about; undefined if it is about none. */
export function protectedName(message: string): string | undefined {
  return /Attribute '(.+?)' is reserved/.exec(message)?.[1];
}

export interface ChangedProperties {
  /** The property that is changed when an image is replaced. */
  readonly metadataField: string;
  /** Those that the next deployment changes of images that are up to date. */
  readonly reconciled?: ReadonlySet<string>;
}

/** What else could not be changed may still be created. */
export function judgeProtections(
  refused: readonly PropertyProbe[],
  { metadataField, reconciled = new Set() }: ChangedProperties,
): Observation[] {
  const check = 'protections';
  if (refused.length === 0) return [{ check, text: 'Glance lets this login set the properties of its images' }];
  const isFatal = ({ op, attribute }: PropertyProbe): boolean =>
    op === 'add' || attribute === metadataField || reconciled.has(attribute);
  const advice =
    'give one of its roles the right in property_protection_file, or log in with a role that has it' +
    (refused.some(({ attribute }) => attribute === metadataField)
      ? `, or choose another ${optionText('image_metadata_field')}`
      : '');
  return [true, false].flatMap((fatal): Observation[] => {
    const names = refused.filter((probe) => isFatal(probe) === fatal).map(({ attribute }) => attribute);
    if (names.length === 0) return [];
    const what = fatal ? 'does not let this login set' : 'does not let this login change the property';
    return [
      {
        check,
        text: `Glance ${what} ${names.join(', ')}: it is protected`,
        fault: { fails: fatal ? ['deploy'] : [], advice, code: 'NOT_PERMITTED' },
      },
    ];
  });
}
