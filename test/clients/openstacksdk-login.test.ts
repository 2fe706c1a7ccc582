// The same files and variables, read by us and by the openstacksdk of the distribution: the same
// user, project, region, endpoints and certificates.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { endpointsOf } from '../../modules/clients/keystone/catalog.js';
import type { Credentials, Domain } from '../../modules/clients/keystone/credentials.js';
import { resolveLogin } from '../../modules/clients/keystone/login.js';
import { catalog, refused, same, services } from './openstacksdk-cases.js';
import { temporaryFolder } from './temporary-folder.js';

const folder = temporaryFolder();
let theirs: Map<string, any>;

const cases = { ...same, ...refused };
const environmentOf = (name: string): Record<string, string> => {
  const index = Object.keys(cases).indexOf(name);
  return { HOME: `${folder.path}/${index}`, ...cases[name]?.environment };
};

beforeAll(() => {
  for (const [index, { clouds, secure, public: profiles }] of Object.values(cases).entries()) {
    const place = `${index}/.config/openstack`;
    for (const [file, content] of [
      ['clouds', clouds],
      ['secure', secure],
      ['clouds-public', profiles],
    ] as const)
      if (content !== undefined) folder.write(`${place}/${file}.yaml`, content);
  }
  const input = Object.entries(cases).map(([name, { cloud }]) => ({
    environment: environmentOf(name),
    cloud: cloud ?? null,
    services,
  }));
  const script = fileURLToPath(new URL('../../../test/clients/openstacksdk-login.py', import.meta.url));
  const { stdout, stderr } = spawnSync('/usr/bin/python3', [script], {
    input: JSON.stringify(input),
    encoding: 'utf8',
    cwd: folder.path,
    env: { PATH: '/usr/bin:/bin' },
  });
  if (stdout === '') throw new Error(`python3-openstacksdk is needed: ${stderr}`);
  theirs = new Map(Object.keys(cases).map((name, index) => [name, JSON.parse(stdout)[index]]));
});
afterAll(() => folder.remove());

const named = (domain: Domain): string => ('id' in domain ? `id ${domain.id}` : domain.name);

function describeOurs(credentials: Credentials): Record<string, unknown> {
  switch (credentials.kind) {
    case 'password':
    case 'token': {
      const user = credentials.kind === 'password' ? credentials.user : undefined;
      const { project } = credentials;
      return {
        ...(user && ('id' in user ? { user_id: user.id } : { username: user.name, user_domain: named(user.domain) })),
        ...(credentials.kind === 'password' ? { password: credentials.password } : { token: credentials.token }),
        ...(project &&
          ('id' in project
            ? { project_id: project.id }
            : { project_name: project.name, project_domain: named(project.domain) })),
        ...(credentials.systemScope === 'requested' ? { system_scope: 'all' } : {}),
      };
    }
    case 'application_credential':
      return {
        ...('id' in credentials.credential ? { application_credential_id: credentials.credential.id } : {}),
        application_credential_secret: credentials.secret,
      };
    default:
      return {};
  }
}

/** Without a domain it is `default`, as openstackclient has it. */
function describeTheirs({ auth_url: _, endpoint: __, ...given }: Record<string, string>): Record<string, unknown> {
  const { user_domain_id, user_domain_name, project_domain_id, project_domain_name, ...rest } = given;
  const domain = (id: string | undefined, name: string | undefined): string =>
    id ? `id ${id}` : (name ?? 'id default');
  return {
    ...rest,
    ...(rest['username'] ? { user_domain: domain(user_domain_id, user_domain_name) } : {}),
    ...(rest['project_name'] ? { project_domain: domain(project_domain_id, project_domain_name) } : {}),
  };
}

const bare = (url: string): string => url.replace(/\/+$/, '').replace(/\/v\d+(\.\d+)?$/, '');

describe('what openstacksdk reads', () => {
  test.each(Object.keys(same))('%s', async (name) => {
    const known = theirs.get(name);
    expect(known.error).toBeUndefined();

    const login = await resolveLogin(
      { ...(cases[name]?.cloud ? { cloud: cases[name].cloud } : {}) },
      environmentOf(name),
    );

    const { regionName, interface: side, endpointOverrides: overrides, services: settings, authUrl } = login;
    const endpoints = endpointsOf(catalog, { regionName, interface: side, overrides, services: settings, authUrl });
    const isStandalone = login.credentials.kind === 'none';
    const asked = isStandalone ? ['baremetal'] : services;
    expect(describeOurs(login.credentials)).toEqual(isStandalone ? {} : describeTheirs(known.auth));
    expect(regionName).toBe(known.region);
    expect(Object.fromEntries(asked.map((type) => [type, bare(endpoints.root(type))]))).toEqual(
      Object.fromEntries(asked.map((type) => [type, bare(known.endpoints[type])])),
    );
    if (!isStandalone) expect(authUrl).toBe(bare(known.auth.auth_url));
    expect(login.validateCerts ? (login.caCert ?? true) : false).toBe(known.verify);
    expect(login.clientKey ? [login.clientCert, login.clientKey] : (login.clientCert ?? null)).toEqual(known.cert);
  });
});

describe('what openstacksdk refuses', () => {
  test.each(Object.keys(refused))('%s', async (name) => {
    expect(theirs.get(name).error).toEqual(expect.any(String));

    await expect(resolveLogin({ cloud: cases[name]?.cloud ?? '' }, environmentOf(name))).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringMatching(refused[name]!.message),
    });
  });
});
