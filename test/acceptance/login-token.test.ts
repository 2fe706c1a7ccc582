// What becomes of a token of the real cloud while it is used.
import { expect, test } from '@jest/globals';
import { connect } from '../../modules/clients/keystone/cloud.js';
import { resolveLogin } from '../../modules/clients/keystone/login.js';
import { waitFor } from '../../modules/core/waiting.js';
import { adminProject, cloudsFile, describeOnCloud, open, projectAtGlance, watchedHttp } from './real-login.js';

describeOnCloud('a token in use', () => {
  test('is renewed after it was revoked', async () => {
    const { http, tokens } = watchedHttp();
    const cloud = await connect(await resolveLogin({ cloud: 'local' }, cloudsFile), http);
    const readProject = (): Promise<unknown> =>
      cloud
        .request('identity', { method: 'GET', path: `/v3/projects/${adminProject}` })
        .then((answer) => answer.json());
    await readProject();

    await cloud.request('identity', {
      method: 'DELETE',
      path: '/v3/auth/tokens',
      headers: { 'X-Subject-Token': tokens[0] ?? '' },
    });

    // A thread of Keystone may go on accepting for a moment what it has just validated.
    const renewed = async (): Promise<unknown> => {
      const project = await readProject();
      return tokens.length > 1 ? project : undefined;
    };
    const project = await waitFor(renewed, {
      subject: 'Keystone to refuse the token',
      timeoutSeconds: 60,
      intervalSeconds: 0.1,
    });
    expect(project).toMatchObject({ project: { name: 'admin' } });
    expect(tokens).toHaveLength(2);
  });

  test('is a new one before a long upload', async () => {
    const { http, tokens } = watchedHttp();
    let laterMs = 0;
    const now = (): Date => new Date(Date.now() + laterMs);
    const cloud = await connect(await resolveLogin({ cloud: 'local' }, cloudsFile), http, now);
    await cloud.request('identity', { method: 'GET', path: '/v3/' });
    // A new token is good enough; one of which half a day is over is not.
    await cloud.renewToken();
    expect(tokens).toHaveLength(1);
    laterMs = 12 * 60 * 60_000;

    await cloud.renewToken();

    expect(await projectAtGlance(cloud)).toBe(adminProject);
    expect(tokens).toHaveLength(2);
  });

  test("follows Glance's own next links", async () => {
    const cloud = await open({ cloud: 'local' });
    const create = async (): Promise<string> => {
      const answer = await cloud.request('image', {
        method: 'POST',
        path: '/v2/images',
        headers: { 'Content-Type': 'application/json' },
        body: '{"name": "next link"}',
      });
      return ((await answer.json()) as { id: string }).id;
    };
    const ids = [await create(), await create()];

    const first = (await (
      await cloud.request('image', { method: 'GET', path: '/v2/images?name=next%20link&limit=1' })
    ).json()) as { next: string };
    const second = await cloud.request('image', { method: 'GET', path: first.next });

    expect(((await second.json()) as { images: unknown[] }).images).toHaveLength(1);
    for (const id of ids) await cloud.request('image', { method: 'DELETE', path: `/v2/images/${id}` });
  });
});
