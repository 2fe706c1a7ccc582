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

/** A token for this login, scoped to its project. */
export async function logIn(auth: AuthMapping): Promise<string> {
  const reply = await send('POST', `${auth.auth_url}/auth/tokens`, {
    json: { auth: { identity: passwordOf(auth), scope: scopeOf(auth) } },
  });
  if (reply.status !== 201) throw new Error(`login as ${auth.username}: ${reply.status} ${reply.text}`);
  return reply.headers.get('x-subject-token') ?? '';
}
