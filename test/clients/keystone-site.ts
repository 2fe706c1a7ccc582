// A Keystone double with a service behind it, and logins to them. Time is what the test says.
import { createHttpClient, type HttpAnswer } from '../../modules/clients/http/client.js';
import { connect, type Cloud } from '../../modules/clients/keystone/cloud.js';
import { resolveLogin, type LoginArguments } from '../../modules/clients/keystone/login.js';
import { header, startHttpDouble, type Answer, type HttpDouble } from '../sandbox/http-double.js';
import { startKeystone, type KeystoneDouble } from '../sandbox/keystone.js';

export const http = createHttpClient({
  validateCerts: true,
  timeoutSeconds: 5,
  signal: new AbortController().signal,
});

export interface KeystoneSite {
  readonly keystone: KeystoneDouble;
  /** Any service: answers with what it was asked, but only to a token that Keystone knows. */
  readonly service: HttpDouble;
  /** Milliseconds since 1970. */
  clock: number;
  passwordOf(overrides?: Readonly<Record<string, string>>): LoginArguments;
  /** By default with the password of the administrator. */
  open(args?: LoginArguments): Promise<Cloud>;
  /** How many tokens were requested. */
  logins(): number;
  issueToken(scoped: boolean): Promise<string>;
  close(): Promise<void>;
}

export async function startKeystoneSite(): Promise<KeystoneSite> {
  const keystone = await startKeystone({ now: () => site.clock });
  const service = await startHttpDouble(async (call): Promise<Answer> => {
    const body = await call.json();
    if (!keystone.identify(header(call, 'x-auth-token'))) return { status: 401, body: 'token refused' };
    return { status: 200, body: { path: `/${call.segments.join('/')}?${call.query.toString()}`, body } };
  });
  keystone.catalog = [
    { type: 'image', name: 'glance', url: `${service.url}/image/v2/` },
    { type: 'compute', name: 'nova', url: `${service.url}/v2.1` },
  ];
  const site: KeystoneSite = {
    keystone,
    service,
    clock: Date.now(),
    passwordOf: (overrides = {}) => ({
      auth: {
        auth_url: keystone.authUrl,
        username: 'admin',
        password: keystone.admin.password,
        project_name: 'admin',
        ...overrides,
      },
    }),
    open: async (args = site.passwordOf()) => connect(await resolveLogin(args, {}), http, () => new Date(site.clock)),
    logins: () =>
      keystone.requests.filter(({ method, path }) => method === 'POST' && path === '/v3/auth/tokens').length,
    issueToken: async (scoped) => {
      const user = { name: 'admin', domain: { id: 'default' }, password: keystone.admin.password };
      const scope = scoped ? { scope: { project: { id: keystone.admin.project.id } } } : {};
      const body = JSON.stringify({ auth: { identity: { methods: ['password'], password: { user } }, ...scope } });
      const answer = await http({ method: 'POST', url: `${keystone.authUrl}/auth/tokens`, body });
      return answer.header('x-subject-token') ?? '';
    },
    close: async () => {
      await keystone.close();
      await service.close();
    },
  };
  return site;
}

/** The path that the service was asked for. */
export async function pathOf(answer: Promise<HttpAnswer>): Promise<string> {
  return ((await (await answer).json()) as { path: string }).path;
}
