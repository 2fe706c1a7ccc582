// image_publish: read the file, look at the store, plan, then write file by file; check mode stops
// before the last step.
import fs from 'node:fs/promises';
import { resolve } from 'node:path';
import validate from '#validators/image_publish';
import { withFolders, type Folders } from '../../clients/files/folders.js';
import { withHome } from '../../clients/files/paths.js';
import { InputError, OperationError } from '../../core/errors.js';
import type { ArgumentsOf } from '../../core/fields.js';
import type { Context, Operation, Outcome } from '../../core/operation.js';
import { optionText } from '../../core/option-text.js';
import { openCloud } from '../../runtime/connect.js';
import { takeRunLock } from '../../runtime/run-lock.js';
import { siteFields } from '../fields.js';
import {
  planCurrent,
  planPublication,
  publicationPaths,
  type Publication,
  type PublicationStep,
  type StoredImageState,
  type StoreState,
} from '../policy/publication.js';
import { assertPublicationNames, buildTimestampOf, requestedManifest } from '../policy/publication-request.js';
import { imagePublishDeclaration } from './declaration.js';
import { openFolderTarget } from './folder-target.js';
import { openImageFile, type ImageFile } from './image-file.js';
import { publishOutcome } from './report.js';
import { openSwiftTarget } from './swift-target.js';
import type { PublicationTarget } from './target.js';

export type PublishArguments = ArgumentsOf<(typeof imagePublishDeclaration)['fields']>;

export const imagePublish: Operation<(typeof imagePublishDeclaration)['fields']> = {
  ...imagePublishDeclaration,
  validate,
  run: publishImage,
};

async function publishImage(args: PublishArguments, context: Context): Promise<Outcome> {
  assertPublicationNames(args, siteFields.image_prefix.default);
  if (args.in_place && args.store_dir === undefined)
    throw new InputError(`in_place: it is for a folder; give ${optionText('store_dir')}, or leave it out`, 'in_place');
  const manifest = args.manifest && requestedManifest(args.manifest);
  return withFolders(async (folders) => {
    const { target, identity } = await openTarget(args, context, folders);
    const image = await openImageFile(withHome(args.file, context.environment), {
      // A folder takes a file of any size.
      segmentBytes: args.store_dir === undefined ? args.segment_size : Number.MAX_SAFE_INTEGER,
      signal: context.signal,
      onProgress: (doneBytes, totalBytes) =>
        context.progress({ subject: args.name, stage: 'checksum', doneBytes, totalBytes }),
    });
    try {
      const publication = publicationOf(args, image, manifest?.properties);
      const lock = context.checkMode
        ? undefined
        : await takeRunLock({
            directory: args.lock_dir,
            operation: imagePublishDeclaration.name,
            cloud: identity,
            context,
          });
      try {
        const run = { publication, target, image, context };
        const state = await readState(run);
        const steps = planPublication(publication, state);
        if (!context.checkMode) await writeSteps(steps, state, run);
        const warnings = [...(manifest?.warnings ?? []), ...target.warnings];
        return publishOutcome({ publication, image, target, steps, warnings }, context.checkMode);
      } finally {
        await lock?.release();
      }
    } finally {
      await image.close();
    }
  });
}

interface PublishRun {
  readonly publication: Publication;
  readonly target: PublicationTarget;
  readonly image: ImageFile;
  readonly context: Context;
}

/** `identity`: runs on this host that write to the same container exclude each other. */
async function openTarget(
  args: PublishArguments,
  context: Context,
  folders: Folders,
): Promise<{ readonly target: PublicationTarget; readonly identity: string }> {
  if (args.store_dir !== undefined) {
    const folder = resolve(withHome(args.store_dir, context.environment));
    const target = await openFolderTarget({ folder, inPlace: args.in_place, folders, signal: context.signal });
    // One lock for a folder, by whichever path it is named.
    return { target, identity: await fs.realpath(folder).catch(() => folder) };
  }
  const cloud = await openCloud(args, context);
  const target = await openSwiftTarget(cloud, args.image_container, { context, stallSeconds: args.stall_timeout });
  return { target, identity: `${cloud.identity} ${args.image_container}` };
}

function publicationOf(
  { name, release, scope, current }: PublishArguments,
  { diskFormat, bytes, whole, modified }: ImageFile,
  manifest: Publication['manifest'],
): Publication {
  const buildTimestamp = buildTimestampOf(modified);
  return {
    name,
    release,
    scope,
    diskFormat,
    bytes,
    sha256: whole.sha256,
    manifest,
    buildTimestamp,
    makeCurrent: current,
  };
}

async function readState({ publication, target, image }: PublishRun): Promise<StoreState> {
  const paths = publicationPaths(publication);
  return {
    image: await target.compareImage(paths.image, image),
    manifest: await target.readDocument(paths.manifest),
    catalogue: await target.readDocument(paths.catalogue),
  };
}

async function writeSteps(steps: readonly PublicationStep[], state: StoreState, run: PublishRun): Promise<void> {
  const { context } = run;
  for (const step of steps.filter(({ action }) => action === 'write')) {
    context.signal.throwIfAborted();
    if (step.part === 'image') await writeImage(step.path, state.image, run);
    else if (step.part === 'current') await writeCurrent(run);
    else await writeManifest(run);
    context.log('info', `${step.path}: written, because ${step.reason}`);
  }
}

async function writeImage(
  path: string,
  replaces: StoredImageState,
  { publication, target, image, context }: PublishRun,
): Promise<void> {
  await target.writeImage(path, image, {
    replaces,
    onProgress: (doneBytes) =>
      context.progress({ subject: publication.name, stage: 'transfer', doneBytes, totalBytes: image.bytes }),
  });
}

/**
 * The transfer may have taken hours: if another host has published the release meanwhile, its
 * manifest stays. Throws RELEASE_TAKEN if it is another one.
 */
async function writeManifest({ publication, target }: PublishRun): Promise<void> {
  const { manifest: path } = publicationPaths(publication);
  const stored = await target.readDocument(path);
  const steps = planPublication(publication, { image: 'same', manifest: stored, catalogue: undefined });
  const { action, text } = steps.find(({ part }) => part === 'manifest') ?? {};
  if (action === 'write') await target.writeDocument(path, text ?? '');
}

/**
 * The transfer may have taken hours: `current` is read again, so that what other runs have published
 * meanwhile stays, and once more afterwards, because no store can exclude another host. Throws
 * CHANGE_LOST.
 */
async function writeCurrent({ publication, target }: PublishRun): Promise<void> {
  const look = async (): Promise<[] | [PublicationStep]> =>
    planCurrent(publication, await target.readDocument(publicationPaths(publication).catalogue));
  for (const { path, text } of await look()) if (text !== undefined) await target.writeDocument(path, text);
  const [left] = await look();
  if (left?.action === 'write')
    throw new OperationError(
      'CHANGE_LOST',
      `${publicationPaths(publication).catalogue} does not name the release ${publication.release} of ` +
        `${publication.name}, although it was written: another host published at the same time; run again`,
    );
}
