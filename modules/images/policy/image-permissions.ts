// What Glance permits to whom by default (glance/policies/image.py). Since 2023.1 these rules apply
// as they are; Zed lets every role of a project do what `member` may, unless the site has set
// enforce_secure_rbac.
import type { Permission, PermissionUse } from '../../core/rights.js';
import type { ImageResult } from './deploy-results.js';
import type { ImageEdit } from './image-edits.js';
import type { WantedAttributes } from './new-image.js';
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
  communitize: { service, policies: ['communitize_image'], action: 'make an image a community image', project: member },
  share: { service, policies: ['get_members', 'add_member', 'delete_member'], action: 'share images', project: member },
  deactivate: { service, policies: ['deactivate', 'reactivate'], action: 'deactivate images', project: member },
  delete: { service, policies: ['delete_image'], action: 'delete images of its project', project: member },
  copy: { service, policies: ['copy_image'], action: 'copy images to other stores', project: ['admin'] },
  download: { service, policies: ['download_image'], action: 'download images', project: member },
} satisfies Record<string, Permission>;

/** A planned result, and what the catalogue wants of the image. */
type PlannedUse = Pick<ImageResult, 'name' | 'action' | 'bytes' | 'changes'> & { readonly wanted?: WantedAttributes };

/** What the planned results of a deployment require, image by image. */
export function usesOfDeployment(results: readonly PlannedUse[]): PermissionUse[] {
  return results.flatMap((result) => permissionsOf(result).map((permission) => ({ permission, subject: result.name })));
}

function permissionsOf({ action, bytes, changes = [], wanted = {} }: PlannedUse): readonly Permission[] {
  const { create, change, delete: remove } = imagePermissions;
  if (action === 'update') return permissionsOfChanges(changes);
  if (action === 'delete') return [remove];
  const { visibility = 'public' } = wanted;
  // Without data only the previous image is archived.
  if (action === 'resume' && bytes === undefined) return [change];
  if (action !== 'deploy' && action !== 'resume') return [];
  return [action === 'deploy' ? create : change, ...showing(visibility), ...finishing(wanted)];
}

function showing(visibility: unknown): readonly Permission[] {
  const { publish, communitize } = imagePermissions;
  if (visibility === 'public') return [publish];
  return visibility === 'community' ? [communitize] : [];
}

function finishing({ members, status }: WantedAttributes): readonly Permission[] {
  const { share, deactivate } = imagePermissions;
  return [...(members ? [share] : []), ...(status === 'deactivated' ? [deactivate] : [])];
}

function permissionsOfChanges(changes: NonNullable<ImageResult['changes']>): readonly Permission[] {
  const { change, share, deactivate } = imagePermissions;
  const needed = changes.flatMap(({ name, after }): readonly Permission[] => {
    if (name === 'members') return [share];
    if (name === 'status') return [change, deactivate];
    return name === 'visibility' ? [change, ...showing(after)] : [change];
  });
  return needed.length > 0 ? [...new Set(needed)] : [change];
}

/** What the copies to other stores require, that the planned results tell. */
export function usesOfCopies(results: readonly Pick<ImageResult, 'name' | 'copied_to'>[]): PermissionUse[] {
  return results
    .filter(({ copied_to: stores = [] }) => stores.length > 0)
    .map(({ name }) => ({ permission: imagePermissions.copy, subject: name }));
}

/** What edits of an image require, which may make it public; `isArchiving`: others are changed too. */
export function usesOfEdits(name: string, edits: readonly ImageEdit[], isArchiving = false): PermissionUse[] {
  const { change } = imagePermissions;
  const shown = edits.flatMap(({ attribute, value }) => (attribute === 'visibility' ? showing(value) : []));
  const permissions = [...(edits.length > 0 || isArchiving ? [change] : []), ...shown];
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
