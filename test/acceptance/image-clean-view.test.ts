// The cleaner on real services where it might be shown a part, or deceived: hidden nodes, other
// spellings, a wrong clock, users that come late.
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { send } from '../sandbox/contract-requests.js';
import { openIronic } from './baremetal.js';
import { fact, root } from './cloud.js';
import { bootServer } from './compute.js';
import { actionsOf, openOldSite, sql } from './image-clean-site.js';
import { withSite, writesTo, type Site } from './site.js';

const due = '19 months old, deleted at 18';

/** A login of the admin that can never be one to the whole system. */
async function applicationCredential({ cloud, project, scope, afterwards }: Site): Promise<object> {
  const url = `${cloud.keystone_url}/users/${cloud.admin_user_id}/application_credentials`;
  // Without roles of its own it gets those of the token, among which a busy Keystone has had one
  // that the user has not.
  const wanted = { name: scope, roles: [{ name: 'admin' }] };
  const { json } = await send('POST', url, { token: project.token, json: { application_credential: wanted } });
  const { id, secret } = json.application_credential;
  afterwards(() => send('DELETE', `${url}/${id}`, { token: project.token }));
  return {
    auth_type: 'v3applicationcredential',
    auth: { auth_url: cloud.keystone_url, application_credential_id: id, application_credential_secret: secret },
  };
}

test.concurrent.each([
  ['instance_info', 'image_source'],
  ['driver_info', 'deploy_kernel'],
])(
  'deletes nothing where Ironic hides the node without an owner that has the image in its %s, and sees it with a token of the whole system',
  async (info, key) =>
    withSite(async (site) => {
      const old = await openOldSite(site);
      const image = await old.seed(19);
      const node = await openIronic(site).createNode({ name: `hidden-${site.scope}`, [info]: { [key]: image.id } });
      sql('ironic', `UPDATE nodes SET owner = NULL WHERE uuid = '${node}'`);
      const endpoint_override = { image: site.glanceProxy.url, baremetal: fact(site.cloud, 'ironic_scoped_url') };

      const refused = await old.clean({ endpoint_override, ...(await applicationCredential(site)) });

      expect(refused).toMatchObject({
        failed: true,
        changed: false,
        code: 'USE_UNKNOWN',
        msg: expect.stringContaining('a system-scoped token is needed'),
      });
      expect(writesTo(site.glanceProxy)).toEqual([]);
      expect(actionsOf(await old.clean({ endpoint_override })).get(image.id)).toBe(
        `skip archived: used by node hidden-${site.scope} (${info} ${key}); ${due}`,
      );
      expect((await site.glance.get(image.id)).status).toBe('active');
    })(),
);

test.concurrent(
  'takes an id in capitals, and one in braces, for that of the image',
  withSite(async (site) => {
    const old = await openOldSite(site);
    const [booted, hidden, named] = [await old.seed(19), await old.seed(14), await old.seed(19)];
    await bootServer(site, 'loud', booted.id.toUpperCase());
    await bootServer(site, 'louder', hidden.id.toUpperCase());
    await openIronic(site).createNode({
      name: `braces-${site.scope}`,
      driver_info: { deploy_iso: `{${named.id.toUpperCase()}}` },
    });

    const result = await old.clean();

    const actions = actionsOf(result);
    expect(actions.get(booted.id)).toBe(`skip archived: used by server loud of project ${site.scope}; ${due}`);
    expect(actions.get(hidden.id)).toContain('used by server louder');
    expect(actions.get(named.id)).toContain(`used by node braces-${site.scope} (driver_info deploy_iso)`);
    expect(writesTo(site.glanceProxy)).toEqual([]);
  }),
);

test.concurrent.each([
  ['ahead of', 600 * 86_400],
  ['behind', -600 * 86_400],
])('hides and deletes nothing by a clock that is 600 days %s that of the services', async (direction, seconds) =>
  withSite(async (site) => {
    const old = await openOldSite(site);
    await Promise.all([old.seed(2), old.seed(13), old.seed(19)]);
    const environment = {
      NODE_OPTIONS: `--require=${join(root, 'test/acceptance/other-clock.cjs')}`,
      CLOCK_AHEAD: String(seconds),
    };

    for (const _ansible_check_mode of [true, false]) {
      const result = await old.clean({ _ansible_check_mode }, environment);
      expect(result).toMatchObject({
        failed: true,
        changed: false,
        code: 'CLOCK_DIFFERS',
        msg: expect.stringMatching(`^the clock of this host is (599|600) days ${direction} that of http`),
      });
    }
    expect(writesTo(site.glanceProxy)).toEqual([]);
  })(),
);

test.concurrent(
  'leaves an image alone on which a server starts while another one of the batch is being deleted',
  withSite(async (site) => {
    const old = await openOldSite(site);
    const images = [await old.seed(19), await old.seed(19)];
    const [, last] = images.sort((one, other) => (one.created_at + one.id < other.created_at + other.id ? -1 : 1));
    site.glanceProxy.addFault({
      method: 'DELETE',
      path: /images/,
      nth: 1,
      before: async () => void (await bootServer(site, 'quick', last!.id)),
    });

    const result = await old.clean();

    expect(actionsOf(result).get(last!.id)).toBe(
      `skip archived: used by server quick of project ${site.scope}; ${due}`,
    );
    expect(writesTo(site.glanceProxy)).toHaveLength(1);
  }),
);

test.concurrent(
  'image_info says who uses what, and what the cleaner would do, as it then does',
  withSite(async (site) => {
    const old = await openOldSite(site);
    const [used, unused] = [await old.seed(19), await old.seed(13)];
    await bootServer(site, 'web', used.id);
    const { stall_timeout: _stall, attempts: _attempts, lock_dir: _lock, ...store } = site.argumentsOf();

    const info = await site.info({ ...store, uses: true, plan: true });
    const cleaned = await old.clean({ _ansible_check_mode: true });

    expect(info.failed).toBeUndefined();
    const rows = new Map(info.images.map((row) => [row.id, row as unknown as Record<string, unknown>]));
    expect(rows.get(used.id)).toMatchObject({
      used_by: [`server web of project ${site.scope}`],
      used_by_count: 1,
      plan: { action: 'skip' },
    });
    expect(rows.get(unused.id)).toMatchObject({
      used_by: [],
      plan: { action: 'hide', reason: '13 months old, hidden at 12' },
    });
    expect(new Map([...rows].map(([id, { plan }]) => [id, (plan as { reason: string }).reason]))).toEqual(
      new Map(cleaned.images.map(({ id, reason }) => [id, reason])),
    );
  }),
);
