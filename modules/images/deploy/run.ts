// What the steps of a deployment share: the run, the catalogues it reads, and the images it
// deploys.
import type { HttpClient } from '../../clients/http/client.js';
import type { Cloud } from '../../clients/keystone/cloud.js';
import type { StoreObject } from '../../clients/store/object.js';
import { OperationError } from '../../core/errors.js';
import type { ArgumentsOf } from '../../core/fields.js';
import type { Context } from '../../core/operation.js';
import type { PlannedImage, Subscription } from '../policy/deployment.js';
import type { ImageContent, NewImageRequest } from '../policy/new-image.js';
import type { RecoverySituation } from '../policy/recovery.js';
import type { CatalogueKind, SiteImage } from '../policy/site-image.js';
import type { GlanceDigests } from '../policy/verification.js';
import type { imageDeployDeclaration } from './declaration.js';
import type { PublishingCheck } from './publishing.js';

export type DeployArguments = ArgumentsOf<(typeof imageDeployDeclaration)['fields']>;

/** What changing the images of a name requires: of a deployment and of a rollback. */
export interface ProductionRun {
  readonly args: { readonly image_metadata_field: string };
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
  /**
   * What this Glance reports of its images, as the newest one shows; undefined on a site without
   * images.
   */
  readonly glanceDigests: GlanceDigests | undefined;
}

/** A catalogue of a central store. */
export interface Catalogue {
  readonly kind: CatalogueKind;
  /** The beginning of the URLs of its objects. */
  readonly sourcePrefix: string;
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
}

/** A planned image with everything that deploying it requires. */
export interface DeployJob {
  readonly planned: PlannedImage;
  /** Whether an image of the site was built from the planned release. */
  readonly isBuiltFrom: Subscription['isBuiltFrom'];
  /** Absent if nothing is to be transferred. */
  readonly source?: ImageSource;
  readonly warnings: readonly string[];
}

/** An image whose data are to be transferred. */
export interface TransferJob {
  readonly job: DeployJob;
  readonly source: ImageSource;
  readonly run: DeployRun;
}

/** The site pins a release that its store no longer has. */
export function pinnedMissing(name: string, release: string, cause?: unknown): OperationError {
  const message =
    `pins keeps it at ${release}, which the store does not have, and the site's production image is ` +
    `another one; correct pins, or put an archived image back with image_rollback`;
  return new OperationError('PINNED_RELEASE_MISSING', message, { name, release }, cause);
}

export function newImageRequest({ job, source, run }: TransferJob): NewImageRequest {
  return {
    planned: job.planned,
    isBuiltFrom: job.isBuiltFrom,
    content: source,
    owner: run.cloud.projectId,
    prefix: run.args.image_prefix,
    recovery: { ...run.recovery, now: run.context.now() },
  };
}
