// The facts of the real test cloud, for acceptance tests; without the cloud they fail and say what to do.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { logIn } from '../sandbox/log-in.js';
import type { AuthMapping } from '../sandbox/sandbox.js';

/** Entries of cloud.json, which test/cloud/up writes. */
export type CloudFacts = Readonly<Record<string, string>>;

/** What `test/cloud/up` has written down. */
export async function readCloud(): Promise<CloudFacts> {
  // npm runs the tests in the project's folder.
  const state = process.env['CHAMELEON_CLOUD_STATE'] ?? join(process.cwd(), '.cloud');
  try {
    return JSON.parse(await readFile(join(state, 'cloud.json'), 'utf8')) as CloudFacts;
  } catch (cause) {
    throw new Error(`the test cloud is not up (no ${join(state, 'cloud.json')}); run test/cloud/up`, { cause });
  }
}

/** A fact that must be there. */
export function fact(cloud: CloudFacts, name: string): string {
  const value = cloud[name];
  if (value === undefined) throw new Error(`the test cloud has no ${name}; run test/cloud/up`);
  return value;
}

/** The login of `admin` or `demo`. */
export function authOf(cloud: CloudFacts, user: 'admin' | 'demo'): AuthMapping {
  return {
    auth_url: fact(cloud, 'keystone_url'),
    username: user,
    password: fact(cloud, `${user}_password`),
    project_name: user,
    user_domain_name: 'Default',
    project_domain_name: 'Default',
  };
}

/** A token of `admin` or `demo`. */
export async function tokenOf(cloud: CloudFacts, user: 'admin' | 'demo'): Promise<string> {
  try {
    return await logIn(authOf(cloud, user));
  } catch (cause) {
    throw new Error(`the test cloud does not answer the login of ${user} (stopped?); run test/cloud/up`, { cause });
  }
}
