// Refusals of Glance, explained by its policies and the roles of the login.
import { messageOf, OperationError } from '../core/errors.js';
import { describeLack, isGranted } from '../core/rights.js';
import { statusOf } from '../clients/http/errors.js';
import type { Cloud } from '../clients/keystone/cloud.js';
import { permissionsOfPolicy } from './policy/image-permissions.js';

/** NOT_PERMITTED instead of the 403 of one of Glance's policies; any other error as it is. */
export async function explainRefusal(error: unknown, cloud: Cloud): Promise<unknown> {
  if (statusOf(error) !== 403) return error;
  const policy = /authorized to complete (\w+) action/.exec(messageOf(error))?.[1] ?? '';
  const permissions = permissionsOfPolicy(policy);
  if (permissions.length === 0) return error;
  const rights = await cloud.rights('image');
  const lacking = permissions.find((permission) => !isGranted(permission, rights));
  const why = lacking ? describeLack(lacking, rights) : `the site has a rule of its own for the policy ${policy}`;
  return new OperationError('NOT_PERMITTED', `${messageOf(error)} (${why})`, { policy }, error);
}
