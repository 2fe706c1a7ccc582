// The data of an image, as Glance hands it out.
import type { HttpAnswer } from '../http/client.js';
import type { Cloud } from '../keystone/cloud.js';

/** Begins to read the data of an image; with `Range` among the headers, from the middle. The answer's status is one of `expect`. */
export function downloadImage(
  cloud: Cloud,
  id: string,
  { headers, expect }: { headers: Readonly<Record<string, string>>; expect: readonly number[] },
): Promise<HttpAnswer> {
  return cloud.request('image', {
    method: 'GET',
    path: `/v2/images/${encodeURIComponent(id)}/file`,
    headers,
    expect,
    repeatable: false,
  });
}
