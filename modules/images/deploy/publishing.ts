// Proves before any byte is sent that this login may make an image public.
import { deleteImage, type Image } from '../../clients/glance/images.js';
import { publishingRefusal } from '../../clients/glance/publishing.js';
import type { HttpError } from '../../clients/http/errors.js';
import type { Cloud } from '../../clients/keystone/cloud.js';
import { hasCode, messageOf, OperationError } from '../../core/errors.js';
import { describeLack, isGranted } from '../../core/rights.js';
import { imagePermissions } from '../policy/image-permissions.js';
import { isInMotion } from '../policy/site-image.js';
import type { DeployRun } from './run.js';

export interface PublishingCheck {
  /**
   * Throws NOT_PERMITTED if Glance refuses to make this image of ours public. It is asked once in a
   * run, and only if the login lacks the role that Glance requires by default.
   */
  assertPermitted(id: string): Promise<void>;
}

export function checkPublishing(cloud: Cloud): PublishingCheck {
  let asking: Promise<HttpError | undefined> | undefined;
  const ask = (id: string): Promise<HttpError | undefined> => {
    asking ??= publishingRefusal(cloud, id).catch((error: unknown) => {
      asking = undefined;
      throw error;
    });
    return asking;
  };
  return {
    assertPermitted: async (id) => {
      const rights = await cloud.rights('image');
      if (isGranted(imagePermissions.publish, rights)) return;
      const refusal = await ask(id);
      if (!refusal) return;
      const message =
        `Glance does not let this login make an image public, so nothing was uploaded: ` +
        `${describeLack(imagePermissions.publish, rights)} (${refusal.message})`;
      throw new OperationError('NOT_PERMITTED', message, { policy: 'publicize_image' }, refusal);
    },
  };
}

/** The same for an image that was created for the data; it is deleted if it has none. */
export async function assertPublishable(image: Image, { publishing, cloud }: DeployRun): Promise<void> {
  try {
    await publishing.assertPermitted(image.id);
  } catch (error) {
    if (!(error instanceof OperationError) || !hasCode(error, 'NOT_PERMITTED')) throw error;
    if (image.status !== 'queued' || isInMotion(image)) throw error;
    await deleteImage(cloud, image.id).catch((failure: unknown) => {
      const left = `its empty image ${image.id} is left, private (${messageOf(failure)})`;
      throw new OperationError(error.code, `${error.message}; ${left}`, error.facts, error);
    });
    throw error;
  }
}
