// The version of the Compute API that a request is sent with: the lowest that has what the request
// needs.
import { OperationError } from '../../core/errors.js';
import type { HttpAnswer } from '../http/client.js';
import { HttpError } from '../http/errors.js';
import type { Cloud, ServiceRequest } from '../keystone/cloud.js';

/** The headers that request a version, such as `2.69`; Nova before 2.27 reads the second one. */
export function versionHeaders(version: string): Readonly<Record<string, string>> {
  return { 'OpenStack-API-Version': `compute ${version}`, 'X-OpenStack-Nova-API-Version': version };
}

export interface VersionRequirement {
  /** Such as `2.74`. */
  readonly version: string;
  /** What it is needed for, as in "… needs version 2.74". */
  readonly purpose: string;
}

/**
 * Sends a request with this version. Throws UNSUPPORTED_VERSION, which names the version that Nova
 * has; Nova has done nothing then.
 */
export async function requestVersion(
  cloud: Cloud,
  requirement: VersionRequirement,
  request: ServiceRequest,
): Promise<HttpAnswer> {
  const content = typeof request.body === 'string' ? { 'Content-Type': 'application/json' } : {};
  try {
    return await cloud.request('compute', {
      ...request,
      headers: { ...versionHeaders(requirement.version), ...content, ...request.headers },
    });
  } catch (error) {
    throw error instanceof HttpError && error.status === 406 ? unsupported(requirement, error) : error;
  }
}

/**
 * Asserts that Nova supports this version, before anything is changed that requires it. Throws
 * UNSUPPORTED_VERSION.
 */
export async function assertVersion(cloud: Cloud, requirement: VersionRequirement): Promise<void> {
  await (await requestVersion(cloud, requirement, { method: 'GET', path: '/flavors?limit=1' })).text();
}

function unsupported({ version, purpose }: VersionRequirement, refusal: HttpError): OperationError {
  const maximum = /maximum is (\d+\.\d+)/i.exec(refusal.message)?.[1];
  const found = maximum === undefined ? 'does not support it' : `supports at most ${maximum}`;
  const message = `${purpose} needs version ${version} of the Compute API, and this Nova ${found}`;
  return new OperationError('UNSUPPORTED_VERSION', message, { service: 'compute', needed: version, maximum }, refusal);
}
