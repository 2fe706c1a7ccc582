// What the steps of a deployment share: the run, the catalogues it reads, and the images it
// deploys.
import type { Image } from '../../clients/glance/images.js';
import type { HttpClient } from '../../clients/http/client.js';
import type { Cloud } from '../../clients/keystone/cloud.js';
import type { MirrorAccess } from '../../clients/store/mirrors.js';
import type { Compression, StoreObject } from '../../clients/store/object.js';
import type { SourceSwitch } from '../../clients/store/source.js';
import { OperationError } from '../../core/errors.js';
import type { ArgumentsOf } from '../../core/fields.js';
import type { Context } from '../../core/operation.js';
import type { hidingFields } from '../hiding-fields.js';
import type { PlannedImage, Subscription } from '../policy/deployment.js';
import { conversionOf, type Conversion } from '../policy/conversion.js';
import { methodFor } from '../policy/import-methods.js';
import type { WantedStores } from '../policy/image-stores.js';
import type { ImageContent, NewImageRequest } from '../policy/new-image.js';
import type { DesiredImage, Reconciliation } from '../policy/reconciliation.js';
import type { RecoverySituation } from '../policy/recovery.js';
import type { CatalogueKind, SiteImage } from '../policy/site-image.js';
import type { GlanceDigests } from '../policy/verification.js';
import type { imageDeployDeclaration } from './declaration.js';
import type { PublishingCheck } from './publishing.js';

export type DeployArguments = ArgumentsOf<(typeof imageDeployDeclaration)['fields']>;

/** What changing the images of a name requires: of a deployment and of a rollback. */
export interface ProductionRun {
  readonly args: Pick<DeployArguments, 'image_metadata_field' | 'image_manager_tag'> &
    Partial<ArgumentsOf<typeof hidingFields>>;
  readonly context: Context;
  readonly cloud: Cloud;
  /** A free archive name for an image; no two images of the run get the same. */
  readonly reserveArchiveName: (image: SiteImage) => string;
}

/** What reading the stores requires. */
export interface StoreAccess {
  readonly args: DeployArguments;
  readonly context: Context;
  readonly http: HttpClient;
}

export interface DeployRun extends StoreAccess, ProductionRun {
  readonly args: DeployArguments;
  readonly context: Context;
  readonly recovery: RecoverySituation;
  readonly publishing: PublishingCheck;
  /** Absent if the site does not choose. */
  readonly stores?: WantedStores;
  /**
   * What this Glance reports of its images, as the newest one shows; undefined on a site without
   * images.
   */
  readonly glanceDigests: GlanceDigests | undefined;
}

/** What a site subscribes to: a central store, or its image lists. */
export interface Catalogue {
  readonly kind: CatalogueKind;
  /** The beginnings of the URLs of its objects. */
  readonly sourcePrefixes: readonly string[];
  /** All names in it, including those whose image cannot be used. */
  readonly names: readonly string[];
  /** Reads what the store has of these names. */
  subscribe(names: ReadonlySet<string>): Promise<CatalogueContents>;
}

export interface CatalogueContents {
  readonly images: readonly CatalogueImage[];
  readonly failures: readonly string[];
  readonly warnings: readonly string[];
}

/** An image of a catalogue, and how to read it. */
export interface CatalogueImage extends Subscription {
  /** Reads the headers and the first bytes of the object; absent if the image has a fault. */
  readonly readSource?: () => Promise<{ readonly source: ImageSource; readonly warnings: readonly string[] }>;
}

/** The object with the data of an image, and the attributes of the new image. */
export interface ImageSource extends ImageContent {
  readonly object: StoreObject;
  /** URLs of the same bytes elsewhere, in the order in which they are tried. */
  readonly mirrors?: readonly string[];
  /** How `object` is compressed; absent if it is sent as it is. */
  readonly compression?: Compression;
}

/** A planned image with everything that deploying it requires. */
export interface DeployJob {
  readonly planned: PlannedImage;
  /** Whether an image of the site was built from the planned release. */
  readonly isBuiltFrom: Subscription['isBuiltFrom'];
  /** What catalogue and site want the image to be. */
  readonly desired: DesiredImage;
  /** Absent if nothing is to be transferred. */
  readonly source?: ImageSource;
  /** Of an image that is up to date: what is still to change, as far as that is known. */
  readonly reconciliation?: Reconciliation;
  readonly warnings: readonly string[];
}

/** An image whose data are to be transferred. */
export interface TransferJob {
  readonly job: DeployJob;
  readonly source: ImageSource;
  readonly run: DeployRun;
}

/** How a catalogue reads from the mirrors of its sources. `subject`: what is read, for the log. */
export function mirrorAccess({ http, context }: StoreAccess, subject: string): MirrorAccess {
  return {
    http,
    signal: context.signal,
    onSwitch: (switched) => context.log('info', switchMessage(subject, switched)),
  };
}

export function switchMessage(subject: string, { from, to, reason, offset }: SourceSwitch): string {
  const position = offset === 0 ? '' : ` at byte ${offset}`;
  return `${subject}: ${reason}; going on from ${to}${position} instead of ${from}`;
}

/** The site pins a release that its store no longer has. */
export function pinnedMissing(name: string, release: string, cause?: unknown): OperationError {
  const message =
    `pins keeps it at ${release}, which the store does not have, and the site's production image is ` +
    `another one; correct pins, or put an archived image back with image_rollback`;
  return new OperationError('PINNED_RELEASE_MISSING', message, { name, release }, cause);
}

/** What Glance has made of the image on import; undefined if it has the data as they were sent. */
export function conversionIn(image: Image, { source, run }: TransferJob): Conversion | undefined {
  return conversionOf(image, source, methodFor(run.args.import_method, source.diskFormat));
}

export function newImageRequest({ job, source, run }: TransferJob): NewImageRequest {
  return {
    planned: job.planned,
    isBuiltFrom: job.isBuiltFrom,
    content: source,
    importMethod: methodFor(run.args.import_method, source.diskFormat),
    owner: run.cloud.projectId,
    prefix: run.args.image_prefix,
    recovery: { ...run.recovery, now: run.context.now() },
  };
}
