// Which values Glance takes for which attribute, and which attributes it lets nobody set.

import { refusal } from './glance-image.js';

const diskFormats = ['ami', 'ari', 'aki', 'vhd', 'vhdx', 'vmdk', 'raw', 'qcow2', 'vdi', 'iso', 'ploop'];
const containerFormats = ['ami', 'ari', 'aki', 'bare', 'ovf', 'ova', 'docker', 'compressed'];
const visibilities = ['community', 'public', 'private', 'shared'];
const uuid = /^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/;

const readOnly = new Set([
  'created_at',
  'updated_at',
  'status',
  'checksum',
  'size',
  'virtual_size',
  'direct_url',
  'self',
  'file',
  'schema',
  'os_hash_algo',
  'os_hash_value',
]);
const reserved = new Set(['location', 'deleted', 'deleted_at']);

const isText = (value: unknown): boolean => value === null || (typeof value === 'string' && value.length <= 255);
const isBoolean = (value: unknown): boolean => typeof value === 'boolean';
const isInteger = (value: unknown): boolean => Number.isInteger(value);
const isOneOf = (choices: readonly unknown[]) => (value: unknown) => choices.includes(value);

const checks: Readonly<Record<string, (value: unknown) => boolean>> = {
  id: (value) => typeof value === 'string' && uuid.test(value),
  name: isText,
  owner: isText,
  visibility: isOneOf(visibilities),
  protected: isBoolean,
  os_hidden: isBoolean,
  min_disk: isInteger,
  min_ram: isInteger,
  disk_format: isOneOf([null, ...diskFormats]),
  container_format: isOneOf([null, ...containerFormats]),
  tags: (value) => Array.isArray(value) && value.every((tag) => typeof tag === 'string' && tag.length <= 255),
};

/** Refuses what a client may not set, at creation (where the id may be given) or afterwards. */
export function refuseForbidden(key: string, at: 'creation' | 'change'): void {
  if (readOnly.has(key) || (at === 'change' && key === 'id') || (at === 'creation' && key === 'stores')) {
    throw refusal(403, `Attribute '${key}' is read-only.`);
  }
  if (reserved.has(key) || key.startsWith('os_glance')) throw refusal(403, `Attribute '${key}' is reserved.`);
}

/** Refuses a value of the wrong type; properties are strings, all of them. */
export function refuseInvalid(key: string, value: unknown): void {
  const isValid = checks[key] ?? ((given: unknown) => typeof given === 'string');
  if (isValid(value)) {
    if ((key === 'min_disk' || key === 'min_ram') && Number(value) < 0) {
      throw refusal(400, `Invalid value '${String(value)}' for parameter '${key}': Cannot be a negative value`);
    }
    return;
  }
  throw refusal(
    400,
    `Provided object does not match schema 'image': ${JSON.stringify(value)} is not valid. On instance['${key}']`,
  );
}
