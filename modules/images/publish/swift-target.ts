// Publishes into a container of Swift, or of Ceph's gateway. An object appears there only when it is
// complete.
import { Readable } from 'node:stream';
import { ConnectionError, statusOf } from '../../clients/http/errors.js';
import { watchReceiver } from '../../clients/http/receiver-watch.js';
import { isWorthRepeating, retryAfterSeconds } from '../../clients/http/retry.js';
import { openSwiftContainer, type ObjectUpload, type SwiftContainer } from '../../clients/store/swift-container.js';
import { readBody } from '../../clients/http/body.js';
import type { StoreObject } from '../../clients/store/object.js';
import type { Cloud } from '../../clients/keystone/cloud.js';
import { messageOf } from '../../core/errors.js';
import type { Context } from '../../core/operation.js';
import { mebibyte } from '../../core/sizes.js';
import { sleep } from '../../core/waiting.js';
import type { StoredImageState } from '../policy/publication.js';
import type { FilePart, ImageFile } from './image-file.js';
import { compareData, publishedMeanwhile, type ImageWriting, type PublicationTarget } from './target.js';

const attempts = 5;
/** How long Swift may take after the last byte of an upload. */
const answerSeconds = 600;
/** The limit of a whole upload is that of the run. */
const uploadSeconds = 24 * 60 * 60;

interface SwiftRun {
  readonly cloud: Cloud;
  readonly container: SwiftContainer;
  readonly context: Context;
  readonly stallSeconds: number;
}

export async function openSwiftTarget(
  cloud: Cloud,
  name: string,
  { context, stallSeconds }: Pick<SwiftRun, 'context' | 'stallSeconds'>,
): Promise<PublicationTarget> {
  const container = await openSwiftContainer(cloud, name);
  const run = { cloud, container, context, stallSeconds };
  return {
    location: `container ${name}`,
    warnings: warningsOf(container),
    readDocument: async (path) => {
      const text = await container.readText(path);
      return text === undefined ? undefined : { text };
    },
    compareImage: (path, image) => compareImage(path, image, run),
    writeImage: (path, image, writing) => writeImage(path, image, writing, run),
    writeDocument: (path, text) => container.put(path, { body: text, contentType: 'application/json' }),
  };
}

function warningsOf({ name, readAcl }: SwiftContainer): string[] {
  return /(^|,)\s*(\.r:)?\*\s*(,|$)/.test(readAcl)
    ? []
    : [
        `the container ${name} does not show that everybody may read it, so that sites may be answered 401; ` +
          `its owner changes that with: swift post -r '.r:*,.rlistings' ${name}`,
      ];
}

async function compareImage(path: string, image: ImageFile, run: SwiftRun): Promise<StoredImageState> {
  const object = await run.container.head(path);
  if (object === undefined) return 'absent';
  const isSame = comparePublished(object, image.whole, image.bytes);
  if (isSame !== undefined) return isSame ? 'same' : 'other';
  const body = await run.container.read(path);
  return compareData(
    readBody({ body }, { url: object.url, stallSeconds: run.stallSeconds }),
    image,
    run.context.signal,
  );
}

/** Undefined if the store publishes no checksum that this host can compare. */
function comparePublished(object: StoreObject, part: FilePart, bytes: number): boolean | undefined {
  if (object.bytes !== bytes || object.checksumFault !== undefined) return false;
  if (object.sha256 !== undefined) return object.sha256 === part.sha256;
  return object.md5 === undefined || part.md5 === undefined ? undefined : object.md5 === part.md5;
}

async function writeImage(path: string, image: ImageFile, writing: ImageWriting, run: SwiftRun): Promise<void> {
  const isNew = writing.replaces === 'absent';
  const isWritten = async (): Promise<boolean> => (await compareImage(path, image, run)) === 'same';
  const { whole, parts } = image;
  const object = { contentType: 'application/octet-stream', md5: whole.md5, sha256: whole.sha256 };
  if (parts.length === 1)
    return uploadPart(
      { path, part: whole, object: { ...object, isNew }, isWritten, onProgress: writing.onProgress },
      image,
      run,
    );
  // Segments are named by the whole image, so that no other image's are ever replaced.
  const segments = parts.map((part, index) => ({
    part,
    path: `${path}/${whole.sha256.slice(0, 16)}/${String(index).padStart(6, '0')}`,
  }));
  for (const { path: segmentPath, part } of segments) {
    const isPresent = async (): Promise<boolean> => {
      const found = await run.container.head(segmentPath);
      return found !== undefined && comparePublished(found, part, part.to - part.from) === true;
    };
    const onProgress = (doneBytes: number): void => writing.onProgress(part.from + doneBytes);
    const segment = { contentType: 'application/octet-stream', md5: part.md5, sha256: part.sha256 };
    if (await isPresent()) onProgress(part.to - part.from);
    else await uploadPart({ path: segmentPath, part, object: segment, isWritten: isPresent, onProgress }, image, run);
  }
  const list = segments.map(({ path: segmentPath, part }) => ({
    path: `/${run.container.name}/${segmentPath}`,
    ...(part.md5 === undefined ? {} : { etag: part.md5 }),
    size_bytes: part.to - part.from,
  }));
  const body = JSON.stringify(list);
  // With such a list and If-None-Match, Swift answers 400 instead of 412.
  if (isNew && (await run.container.head(path)) !== undefined && !(await isWritten())) throw publishedMeanwhile(path);
  await repeated(path, isWritten, run, () => run.container.put(path, { ...object, body, isSegmented: true }));
}

interface PartUpload {
  readonly path: string;
  readonly part: FilePart;
  readonly object: Omit<ObjectUpload, 'body'>;
  /** Whether the store has it: an answer may be lost although the upload succeeded. */
  readonly isWritten: () => Promise<boolean>;
  readonly onProgress: (doneBytes: number) => void;
}

async function uploadPart(upload: PartUpload, image: ImageFile, run: SwiftRun): Promise<void> {
  await repeated(upload.path, upload.isWritten, run, () => uploadOnce(upload, image, run));
}

async function uploadOnce(
  { path, part, object, onProgress }: PartUpload,
  image: ImageFile,
  run: SwiftRun,
): Promise<void> {
  // A token that is about to expire must outlive the upload.
  await run.cloud.renewToken();
  const controller = new AbortController();
  const abort = (): void => controller.abort(run.context.signal.reason);
  run.context.signal.addEventListener('abort', abort, { once: true });
  const watch = watchReceiver(controller, { receiver: 'the store', stallSeconds: run.stallSeconds });
  const bytes = part.to - part.from;
  let sourceFailure: unknown;
  async function* watched(): AsyncGenerator<Buffer, void, void> {
    let doneBytes = 0;
    try {
      for await (const chunk of image.read(part)) {
        onProgress((doneBytes += chunk.length));
        watch.start(doneBytes === bytes ? answerSeconds : run.stallSeconds);
        yield chunk;
        if (doneBytes < bytes) watch.stop();
      }
    } catch (error) {
      // An upload that was aborted throws into this generator.
      if (!body.destroyed) sourceFailure = error;
      throw error;
    }
  }
  const body = Readable.from(watched(), { objectMode: false, highWaterMark: mebibyte });
  try {
    await run.container.put(path, { ...object, body, bytes, answerSeconds: uploadSeconds, signal: controller.signal });
  } catch (error) {
    throw sourceFailure ?? error;
  } finally {
    // Refused early, it would go on reading, and be watched.
    body.destroy();
    watch.stop();
    run.context.signal.removeEventListener('abort', abort);
  }
}

/** 401: the token has been renewed. 422: the data were damaged on their way. */
const passingStatuses: ReadonlySet<number> = new Set([401, 408, 422, 499]);

/**
 * Sends until the store has it. 412: there is an object already. Throws the last failure, and
 * PUBLISHED_MEANWHILE if another run has just written something else there.
 */
async function repeated(
  path: string,
  isWritten: () => Promise<boolean>,
  { context }: SwiftRun,
  send: () => Promise<void>,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await send();
    } catch (error) {
      context.signal.throwIfAborted();
      const status = statusOf(error);
      if (status === 412 || error instanceof ConnectionError || (status ?? 0) >= 500) {
        if (await isWritten()) return;
      }
      if (status === 412) throw publishedMeanwhile(path, error);
      if (attempt === attempts || !(isWorthRepeating(error) || passingStatuses.has(status ?? 0))) throw error;
      context.log('info', `${path}: attempt ${attempt} failed: ${messageOf(error)}; trying again`);
      await sleep(Math.max(1000 * attempt, retryAfterSeconds(error) * 1000), context.signal);
    }
  }
}
