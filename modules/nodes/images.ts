// Looks up the images that nodes refer to, as Ironic will: before a node is created or changed.
import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { getImage } from '../clients/glance/images.js';
import type { HttpClient } from '../clients/http/client.js';
import { withoutCredentials } from '../core/urls.js';
import type { Cloud } from '../clients/keystone/cloud.js';
import { readUrl } from '../clients/store/source.js';
import { messageOf } from '../core/errors.js';
import { followsRedirects, parseNodeImage, type ImageFacts } from './policy/node-images.js';

export interface ImageReader {
  /**
   * What is known about an image reference; undefined for one that is refused, or that only Ironic
   * can look up.
   */
  look(text: string, allowedPaths: readonly string[]): Promise<ImageFacts | undefined>;
  /** Of a whole image. */
  sha256Of(url: string): Promise<string>;
}

export interface ImageSources {
  readonly cloud: Cloud;
  readonly http: HttpClient;
  readonly minor: number;
  readonly signal: AbortSignal;
}

/** Each image is read once in a run. */
export function createImageReader(sources: ImageSources): ImageReader {
  const looked = new Map<string, Promise<ImageFacts | undefined>>();
  const digests = new Map<string, Promise<string>>();
  return {
    look: (text, allowedPaths) => once(looked, text, () => look(text, allowedPaths, sources)),
    sha256Of: (url) => once(digests, url, () => sha256Of(url, sources)),
  };
}

function once<T>(known: Map<string, Promise<T>>, key: string, read: () => Promise<T>): Promise<T> {
  const found = known.get(key) ?? read();
  known.set(key, found);
  return found;
}

async function look(
  text: string,
  allowedPaths: readonly string[],
  sources: ImageSources,
): Promise<ImageFacts | undefined> {
  const reference = parseNodeImage(text, allowedPaths, sources.minor);
  if ('refusal' in reference || reference.kind === 'registry') return undefined;
  try {
    switch (reference.kind) {
      case 'http':
        return await lookAtUrl(reference.url, sources);
      case 'file':
        return { kind: 'file', isFile: await isFile(reference.path) };
      case 'glance':
        return await lookInGlance(reference.id, sources.cloud);
    }
  } catch (error) {
    return { kind: 'failed', reason: messageOf(error) };
  }
}

async function isFile(path: string): Promise<boolean | undefined> {
  return stat(path).then(
    (found) => found.isFile(),
    () => undefined,
  );
}

async function lookInGlance(id: string, cloud: Cloud): Promise<ImageFacts> {
  const { projectId } = cloud;
  if (!cloud.hasService('image')) return { kind: 'glance', image: 'no_service', projectId };
  return { kind: 'glance', image: (await getImage(cloud, id)) ?? 'missing', projectId };
}

async function lookAtUrl(url: string, { http, minor }: ImageSources): Promise<ImageFacts> {
  const statuses = Array.from({ length: 400 }, (_, index) => index + 100);
  const head = { method: 'HEAD', url, expect: statuses } as const;
  const first = await http(head);
  first.body.destroy();
  const isRedirect = [301, 302, 303, 307, 308].includes(first.status);
  const answer = isRedirect && followsRedirects(minor) ? await http({ ...head, followRedirects: true }) : first;
  answer.body.destroy();
  const facts = {
    kind: 'http',
    status: answer.status,
    hasLength: answer.header('content-length') !== undefined,
  } as const;
  return isRedirect && answer === first
    ? { ...facts, redirect: withoutCredentials(first.header('location') ?? 'nowhere') }
    : facts;
}

async function sha256Of(url: string, { http, signal }: ImageSources): Promise<string> {
  const digest = createHash('sha256');
  for await (const chunk of readUrl(url, { http, signal })) digest.update(chunk);
  return digest.digest('hex');
}
