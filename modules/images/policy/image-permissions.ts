// What Glance permits to whom by default (glance/policies/image.py). Since 2023.1 these rules apply
// as they are; Zed lets every role of a project do what `member` may, unless the site has set
// enforce_secure_rbac.
import type { Permission, PermissionUse } from '../../core/rights.js';
import type { ImageResult } from './deploy-results.js';
import type { ImageEdit } from './image-edits.js';
import type { PlannedRetention } from './retention.js';

const member = ['member', 'admin'];
const service = 'Glance';

export const imagePermissions = {
  create: { service, policies: ['add_image', 'upload_image'], action: 'create images', project: member },
  change: { service, policies: ['modify_image'], action: 'change images of its project', project: member },
  changeForeign: {
    service,
    policies: ['modify_image'],
    action: 'change images of other projects',
    project: ['admin'],
  },
  publish: { service, policies: ['publicize_image'], action: 'make an image public', project: ['admin'] },
  delete: { service, policies: ['delete_image'], action: 'delete images of its project', project: member },
  download: { service, policies: ['download_image'], action: 'download images', project: member },
} satisfies Record<string, Permission>;

/** What the planned results of a deployment require, image by image. */
export function usesOfDeployment(results: readonly Pick<ImageResult, 'name' | 'action' | 'bytes'>[]): PermissionUse[] {
  return results.flatMap(({ name, action, bytes }) =>
    permissionsOf(action, bytes !== undefined).map((permission) => ({ permission, subject: name })),
  );
}

/** `isPublished`: an image is made public, and not only the previous one archived. */
function permissionsOf(action: ImageResult['action'], isPublished: boolean): readonly Permission[] {
  const { create, change, publish, delete: remove } = imagePermissions;
  if (action === 'deploy') return [create, publish];
  if (action === 'resume') return isPublished ? [change, publish] : [change];
  return action === 'delete' ? [remove] : [];
}

/** What edits of an image require, which may make it public; `isArchiving`: others are changed too. */
export function usesOfEdits(name: string, edits: readonly ImageEdit[], isArchiving = false): PermissionUse[] {
  const { change, publish } = imagePermissions;
  const publishes = edits.some(({ attribute, value }) => attribute === 'visibility' && value === 'public');
  const permissions = [...(edits.length > 0 || isArchiving ? [change] : []), ...(publishes ? [publish] : [])];
  return permissions.map((permission) => ({ permission, subject: name }));
}

/** What hiding and deleting an image require. */
export function usesOfRetention({ image, action }: Pick<PlannedRetention, 'image' | 'action'>): PermissionUse[] {
  const { change, delete: remove } = imagePermissions;
  if (action !== 'hide' && action !== 'delete') return [];
  return [{ permission: action === 'hide' ? change : remove, subject: image.name }];
}

/** The permissions that a policy decides about; several if it depends on whose the image is. */
export function permissionsOfPolicy(policy: string): Permission[] {
  return Object.values<Permission>(imagePermissions).filter(({ policies }) => policies.includes(policy));
}
