// Looks at the images that a node is to use, as Ironic will: before the node is created or changed.
import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { getImage } from '../clients/glance/images.js';
import type { HttpClient } from '../clients/http/client.js';
import { withoutCredentials } from '../core/urls.js';
import type { Cloud } from '../clients/keystone/cloud.js';
import { readUrl } from '../clients/store/source.js';
import { messageOf } from '../core/errors.js';
import { foreignImageRefusal } from '../images/policy/image-choice.js';
import { checksumOf, nodeImageKeys, nodeImage, withChecksum } from './policy/node-images.js';
import { isMasked } from './policy/masked-values.js';
import type { Values } from './policy/node-differences.js';

export interface ImageFindings {
  readonly faults: readonly string[];
  readonly warnings: readonly string[];
}

export interface ImageChecks {
  /** Looks at what the keys of driver_info or instance_info refer to. Each image is looked at once in a run. */
  check(
    of: 'driver_info' | 'instance_info',
    values: Values,
    node: { readonly deployInterface: string },
  ): Promise<ImageFindings>;
  /** instance_info with its checksum as all parts of Ironic understand it, computed where none was given. Throws nothing for what `check` has found. */
  complete(instanceInfo: Values, served: Values): Promise<Values>;
}

export interface ImageSources {
  readonly cloud: Cloud;
  readonly http: HttpClient;
  readonly minor: number;
  readonly allowedPaths: readonly string[];
  readonly signal: AbortSignal;
}

/** file:// with the direct deploy interface came with this version (Wallaby). */
const fileDeploySince = 68;
/** Ironic follows redirects from the release that speaks this version on (33, 2025). */
const redirectsSince = 104;

export function createImageChecks(sources: ImageSources): ImageChecks {
  const looked = new Map<string, Promise<ImageFindings>>();
  const digests = new Map<string, Promise<string>>();
  const once = (text: string, reference: ReturnType<typeof nodeImage>): Promise<ImageFindings> => {
    const known = looked.get(text) ?? look(reference, sources);
    looked.set(text, known);
    return known;
  };
  return {
    check: async (of, values, { deployInterface }) => {
      const named = nodeImageKeys[of].flatMap((key) =>
        typeof values[key] === 'string' && values[key] !== '' && !isMasked(values[key])
          ? [{ key, text: values[key] }]
          : [],
      );
      const found = await Promise.all(
        named.map(async ({ key, text }) => {
          const reference = nodeImage(text, sources.allowedPaths, sources.minor);
          const label = (words: string): string => `${of}.${key}: ${withoutCredentials(text)}: ${words}`;
          const tooOld =
            key === 'image_source' &&
            'kind' in reference &&
            reference.kind === 'file' &&
            deployInterface === 'direct' &&
            sources.minor < fileDeploySince;
          const { faults, warnings } = await once(text, reference);
          return {
            faults: [
              ...(tooOld
                ? [
                    label(
                      `a file with the deploy interface direct needs version 1.${fileDeploySince} of the Bare Metal API, and this server speaks 1.${sources.minor}`,
                    ),
                  ]
                : []),
              ...faults.map(label),
            ],
            warnings: warnings.map(label),
          };
        }),
      );
      const checksum = of === 'instance_info' && values.image_source !== undefined ? checksumOf(values) : undefined;
      return {
        faults: [
          ...found.flatMap(({ faults }) => faults),
          ...(typeof checksum === 'object' && 'fault' in checksum ? [checksum.fault] : []),
        ],
        warnings: found.flatMap(({ warnings }) => warnings),
      };
    },
    complete: async (instanceInfo, served) => {
      const source = instanceInfo.image_source;
      const checksum = checksumOf(instanceInfo);
      if (typeof checksum === 'object' && 'digest' in checksum) return withChecksum(instanceInfo, checksum, served);
      const isUrl = typeof source === 'string' && /^(https?|file):\/\//i.test(source);
      // What the node has already for this source came from here, or from somebody who knew.
      const isKnown = served.image_source === source && (served.image_os_hash_value || served.image_checksum);
      if (!isUrl || isKnown || checksum !== undefined) return instanceInfo;
      if (/^file:/i.test(source)) return instanceInfo;
      const digest = digests.get(source) ?? sha256Of(source, sources);
      digests.set(source, digest);
      return withChecksum(instanceInfo, { algorithm: 'sha256', digest: await digest }, served);
    },
  };
}

async function look(reference: ReturnType<typeof nodeImage>, sources: ImageSources): Promise<ImageFindings> {
  const fault = (text: string): ImageFindings => ({ faults: [text], warnings: [] });
  const warning = (text: string): ImageFindings => ({ faults: [], warnings: [text] });
  if ('refusal' in reference) return fault(reference.refusal);
  switch (reference.kind) {
    case 'http':
      return lookAtUrl(reference.url, sources);
    case 'file': {
      const isFile = await stat(reference.path).then(
        (found) => found.isFile(),
        () => undefined,
      );
      if (isFile === false) return fault('it is not a file');
      return isFile
        ? { faults: [], warnings: [] }
        : warning('this host does not have it; the hosts of the conductors must');
    }
    case 'registry':
      return { faults: [], warnings: [] };
    case 'glance':
      return lookInGlance(reference.id, sources.cloud);
  }
}

async function lookInGlance(id: string, cloud: Cloud): Promise<ImageFindings> {
  if (!cloud.hasService('image')) return { faults: [], warnings: ['there is no image service here to look it up in'] };
  try {
    const image = await getImage(cloud, id);
    if (!image) return { faults: ['Glance has no such image'], warnings: [] };
    const obstacle = foreignImageRefusal(image, cloud.projectId);
    if (obstacle) return { faults: [obstacle], warnings: [] };
    return { faults: image.status === 'active' ? [] : [`the image is not active but ${image.status}`], warnings: [] };
  } catch (error) {
    return { faults: [messageOf(error)], warnings: [] };
  }
}

/** As Ironic does: HEAD must be answered by 200, with a length (image_service.py, HttpImageService). */
async function lookAtUrl(url: string, { http, minor }: ImageSources): Promise<ImageFindings> {
  const fault = (text: string): ImageFindings => ({ faults: [text], warnings: [] });
  try {
    const statuses = Array.from({ length: 400 }, (_, index) => index + 100);
    const head = { method: 'HEAD', url, expect: statuses } as const;
    const first = await http(head);
    first.body.destroy();
    const isRedirect = [301, 302, 303, 307, 308].includes(first.status);
    if (isRedirect && minor < redirectsSince)
      return fault(
        `it redirects to ${withoutCredentials(first.header('location') ?? 'nowhere')}, which this Ironic does not follow: give that URL`,
      );
    const answer = isRedirect ? await http({ ...head, followRedirects: true }) : first;
    answer.body.destroy();
    if (answer.status !== 200) return fault(`HEAD was answered by ${answer.status}, and Ironic needs 200`);
    return answer.header('content-length') === undefined
      ? fault('HEAD was answered without Content-Length, which Ironic needs')
      : { faults: [], warnings: [] };
  } catch (error) {
    return fault(messageOf(error));
  }
}

async function sha256Of(url: string, { http, signal }: ImageSources): Promise<string> {
  const digest = createHash('sha256');
  for await (const chunk of readUrl(url, { http, signal })) digest.update(chunk);
  return digest.digest('hex');
}
