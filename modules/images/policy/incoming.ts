// Whether an image that an earlier run began is what this run would create. No I/O, no clock.
import { markers } from './site-image.js';

/** All that a run gives to a new image, and what Glance gives it unless it is told otherwise. */
export interface NewAttributes {
  readonly name: string;
  readonly disk_format?: string;
  readonly container_format?: string;
  readonly min_disk: number;
  readonly min_ram: number;
  readonly visibility: string;
  readonly os_hidden: boolean;
  readonly protected: boolean;
  readonly tags: readonly string[];
  readonly properties: Readonly<Record<string, string>>;
}

/** They differ from run to run: hosts may reach one store by different URLs, and another image may be in production now. */
const ofTheRun: ReadonlySet<string> = new Set([markers.source, markers.lock, markers.replaces, markers.promoted]);

/** The names of the attributes and properties in which an image differs from what would be created; `properties` that Glance adds do not count. */
export function differencesFrom(wanted: NewAttributes, image: NewAttributes): string[] {
  const names = [
    'name',
    'disk_format',
    'container_format',
    'min_disk',
    'min_ram',
    'visibility',
    'os_hidden',
    'protected',
  ] as const;
  const attributes = names.filter((name) => image[name] !== wanted[name]);
  const tags =
    image.tags.length === wanted.tags.length && image.tags.every((tag) => wanted.tags.includes(tag)) ? [] : ['tags'];
  const keys = new Set([...Object.keys(wanted.properties), ...Object.keys(image.properties)]);
  const properties = [...keys].filter(
    (key) => !ofTheRun.has(key) && !key.startsWith('os_glance_') && image.properties[key] !== wanted.properties[key],
  );
  return [...attributes, ...tags, ...properties];
}
