// What the site lets a project keep in Glance, where it limits that (`use_keystone_limits`).
import { isMapping } from '../../core/mapping.js';
import type { Cloud } from '../keystone/cloud.js';
import { readInfo } from './data.js';

/** The limit and what is used of it, of bytes or of images. */
export interface ImageQuota {
  readonly of: 'bytes' | 'images';
  readonly limit: number;
  readonly used: number;
}

const mebibyte = 2 ** 20;

const quotas: readonly { readonly name: string; readonly of: ImageQuota['of']; readonly unit: number }[] = [
  { name: 'image_size_total', of: 'bytes', unit: mebibyte },
  { name: 'image_count_total', of: 'images', unit: 1 },
];

/** Those of the login's project that are limited; none from a Glance before Zed, which does not report them. */
export async function readImageQuotas(cloud: Cloud): Promise<readonly ImageQuota[]> {
  const body = await readInfo(cloud, 'usage');
  const usage = isMapping(body) && isMapping(body.usage) ? body.usage : {};
  return quotas.flatMap(({ name, of, unit }) => {
    const { limit, usage: used } = isMapping(usage[name]) ? usage[name] : {};
    // A negative limit is none.
    if (typeof limit !== 'number' || typeof used !== 'number' || limit < 0) return [];
    return [{ of, limit: limit * unit, used: used * unit }];
  });
}
