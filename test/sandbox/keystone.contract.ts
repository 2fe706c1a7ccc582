// What we rely on in Keystone, asked of the real service and of the double alike.

import { beforeAll, afterAll, describe, expect, test } from '@jest/globals';

import { send } from './contract-requests.js';
import type { Reply } from './contract-requests.js';
import { logIn, passwordOf, scopeOf } from './log-in.js';
import type { AuthMapping } from './sandbox.js';

export interface KeystoneTarget {
  readonly auth: AuthMapping;
  /** A user without any role on the system. */
  readonly demoAuth: AuthMapping;
  readonly projectId: string;
  readonly applicationCredential: { readonly id: string; readonly secret: string };
  close(): Promise<void>;
}

/** Runs the contract against what `connect` gives. */
export function describeKeystone(name: string, connect: () => Promise<KeystoneTarget>): void {
  describe(`Keystone: ${name}`, () => {
    let target: KeystoneTarget;

    beforeAll(async () => {
      target = await connect();
    });

    afterAll(async () => {
      if ((target as KeystoneTarget | undefined) !== undefined) await target.close();
    });

    function authenticate(identity: object, scope?: object): Promise<Reply> {
      return send('POST', `${target.auth.auth_url}/auth/tokens`, {
        json: { auth: { identity, ...(scope === undefined ? {} : { scope }) } },
      });
    }

    function check(token: string, subject = token): Promise<Reply> {
      return send('GET', `${target.auth.auth_url}/auth/tokens`, { token, headers: { 'X-Subject-Token': subject } });
    }

    test('a login by password gets a scoped token with user, project, roles, lifetime and catalogue', async () => {
      const { auth, projectId } = target;

      const reply = await authenticate(passwordOf(auth), scopeOf(auth));

      expect(reply.status).toBe(201);
      expect(reply.headers.get('x-subject-token')).toMatch(/^gAAAAA/);
      const { token } = reply.json;
      expect(token).toMatchObject({
        methods: ['password'],
        user: { name: auth.username, domain: { id: 'default', name: 'Default' } },
        project: { id: projectId, name: auth.project_name },
        expires_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000000Z$/),
      });
      expect(token.roles.map((role: { name: string }) => role.name)).toContain('admin');
      const image = token.catalog.find(({ type }: { type: string }) => type === 'image');
      expect(image.endpoints).toContainEqual(
        expect.objectContaining({
          interface: 'public',
          region: 'RegionOne',
          region_id: 'RegionOne',
          url: expect.stringMatching(/^http/),
        }),
      );
    });

    test('without a scope the token has no project and no catalogue', async () => {
      const reply = await authenticate(passwordOf(target.auth));

      expect(reply.status).toBe(201);
      expect(reply.json.token).not.toHaveProperty('project');
      expect(reply.json.token).not.toHaveProperty('catalog');
    });

    test('a login by token gets a token that does not outlive it', async () => {
      const first = await authenticate(passwordOf(target.auth));

      const second = await authenticate(
        { methods: ['token'], token: { id: first.headers.get('x-subject-token') } },
        scopeOf(target.auth),
      );

      expect(second.status).toBe(201);
      expect(second.json.token.expires_at).toBe(first.json.token.expires_at);
      expect(second.json.token.methods.sort()).toEqual(['password', 'token']);
    });

    test('an application credential implies its project', async () => {
      const reply = await authenticate({
        methods: ['application_credential'],
        application_credential: target.applicationCredential,
      });

      expect(reply.status).toBe(201);
      expect(reply.json.token).toMatchObject({
        methods: ['application_credential'],
        project: { id: target.projectId },
      });
    });

    test('a user with a role on the system gets a token for it, without a project but with a catalogue', async () => {
      const reply = await authenticate(passwordOf(target.auth), { system: { all: true } });

      expect(reply.status).toBe(201);
      const { token } = reply.json;
      expect(token).toMatchObject({
        system: { all: true },
        catalog: expect.arrayContaining([expect.objectContaining({ type: 'image' })]),
      });
      expect(token).not.toHaveProperty('project');
      // Later releases have a role manager beside them.
      expect(token.roles.map((role: { name: string }) => role.name)).toEqual(
        expect.arrayContaining(['admin', 'member', 'reader']),
      );
    });

    test('a project-scoped token gets a system-scoped one that does not outlive it', async () => {
      const first = await authenticate(passwordOf(target.auth), scopeOf(target.auth));

      const second = await authenticate(
        { methods: ['token'], token: { id: first.headers.get('x-subject-token') } },
        { system: { all: true } },
      );

      expect(second.status).toBe(201);
      expect(second.json.token).toMatchObject({ system: { all: true }, expires_at: first.json.token.expires_at });
    });

    test('a user without a role on the system, and an application credential, get no system-scoped token', async () => {
      const system = { system: { all: true } };
      const refused = [
        await authenticate(passwordOf(target.demoAuth), system),
        await authenticate(
          { methods: ['application_credential'], application_credential: target.applicationCredential },
          system,
        ),
      ];

      expect(refused.map(({ status }) => status)).toEqual([401, 401]);
    });

    test('every wrong secret gets the same 401', async () => {
      const { auth, applicationCredential } = target;
      const wrong = [
        await authenticate(passwordOf({ ...auth, password: 'wrong' }), scopeOf(auth)),
        await authenticate(passwordOf({ ...auth, username: 'nobody' }), scopeOf(auth)),
        await authenticate(passwordOf(auth), scopeOf({ ...auth, project_name: 'nothing' })),
        await authenticate({
          methods: ['application_credential'],
          application_credential: { ...applicationCredential, secret: 'wrong' },
        }),
      ];

      for (const { status, json } of wrong) {
        expect(status).toBe(401);
        expect(json.error).toEqual({
          code: 401,
          title: 'Unauthorized',
          message: 'The request you have made requires authentication.',
        });
      }
    });

    test('malformed requests get 400', async () => {
      const url = `${target.auth.auth_url}/auth/tokens`;

      expect((await send('POST', url, { json: {} })).status).toBe(400);
      expect((await send('POST', url, { json: { auth: {} } })).status).toBe(400);
      expect((await send('POST', url, { data: '{', headers: { 'Content-Type': 'application/json' } })).status).toBe(
        400,
      );
    });

    test('a token can be checked and revoked', async () => {
      const token = await logIn(target.auth);
      const other = await logIn(target.auth);

      expect((await check(other, token)).json.token.project.id).toBe(target.projectId);
      expect((await check(other, 'unknown')).status).toBe(404);
      expect((await check('unknown', token)).status).toBe(401);
      const url = `${target.auth.auth_url}/auth/tokens`;
      expect((await send('DELETE', url, { token, headers: { 'X-Subject-Token': token } })).status).toBe(204);
      expect((await check(token)).status).toBe(401);
      expect((await check(other, token)).status).toBe(404);
    });

    test('the version document is public', async () => {
      const reply = await send('GET', target.auth.auth_url);

      expect(reply.status).toBe(200);
      expect(reply.json.version).toMatchObject({ id: expect.stringMatching(/^v3\./), status: 'stable' });
    });
  });
}
