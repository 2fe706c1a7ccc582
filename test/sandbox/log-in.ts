// Logs in to Keystone, real or double, with nothing of ours in between.

import { send } from './contract-requests.js';
import type { AuthMapping } from './sandbox.js';

/** The scope of a login request. */
export const scopeOf = (auth: AuthMapping): object => ({
  project: { name: auth.project_name, domain: { name: auth.project_domain_name } },
});

/** The identity of a login request. */
export const passwordOf = ({ username, password, user_domain_name }: AuthMapping): object => ({
  methods: ['password'],
  password: { user: { name: username, password, domain: { name: user_domain_name } } },
});

/** The whole system, for `logIn`. */
export const wholeSystem = { system: { all: true } };

/** A token for this login, scoped to its project unless another scope is given. */
export async function logIn(auth: AuthMapping, scope: object = scopeOf(auth)): Promise<string> {
  const reply = await send('POST', `${auth.auth_url}/auth/tokens`, {
    json: { auth: { identity: passwordOf(auth), scope } },
  });
  if (reply.status !== 201) throw new Error(`login as ${auth.username}: ${reply.status} ${reply.text}`);
  return reply.headers.get('x-subject-token') ?? '';
}
