import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { call, createMember } from './cloud.js';
import { parseResult, startModule, type Arguments, type ModuleResult } from './executable.js';
import type { RawImage } from './glance.js';
import { onlyImage, seedProduction } from './images.js';
import { withSite, writesTo, type Site } from './site.js';

const supported = 'chameleon-supported';

/** Runs image_property to its end, with the site's login unless another is given. */
async function setProperties(site: Site, given: Arguments): Promise<ModuleResult> {
  const { auth, region_name, endpoint_override } = site.argumentsOf();
  const running = startModule('image_property', { auth, region_name, endpoint_override, ...given }, {});
  site.afterwards(() => running.kill());
  return parseResult(await running.ended);
}

/** An image of the site that is not in production. */
function seedImage(site: Site, attributes: Readonly<Record<string, unknown>> = {}): Promise<RawImage> {
  return site.glance.create(
    { name: `${site.name}-${randomUUID()}`, visibility: 'private', ...attributes },
    Buffer.from('data'),
  );
}

/** What another writer does, past the proxy. */
async function patch(site: Site, id: string, changes: readonly object[]): Promise<void> {
  const headers = {
    'X-Auth-Token': site.project.token,
    'Content-Type': 'application/openstack-images-v2.1-json-patch',
  };
  await call('PATCH', `${site.cloud.glance_url}/v2/images/${id}`, { headers, body: JSON.stringify(changes) });
}

function writeFile(site: Site, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'image-property-'));
  site.afterwards(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'file');
  writeFileSync(path, text);
  return path;
}

test.concurrent(
  'sets several properties and removes another, by name, and changes nothing in the second run',
  withSite(async (site) => {
    const image = await seedProduction(site, { [supported]: 'yes', deprecated: 'soon' });
    const wanted = {
      images: [site.name],
      set: { [supported]: 'no', 'odd/name~1': 'a: "b" ünï', 'build-variant': 'base' },
      remove: ['deprecated', 'not-there'],
    };

    const first = await setProperties(site, { ...wanted, _ansible_diff: true });

    expect(first).toMatchObject({ changed: true, msg: '1 change' });
    expect(first.failed).toBeUndefined();
    expect(onlyImage(first)).toMatchObject({
      id: image.id,
      name: site.name,
      action: 'change',
      before: { [supported]: 'yes', deprecated: 'soon' },
      after: { [supported]: 'no', 'odd/name~1': 'a: "b" ünï' },
    });
    expect(first.diff).toHaveLength(1);
    const { deprecated, ...rest } = image;
    expect(await site.glance.get(image.id)).toEqual({
      ...rest,
      [supported]: 'no',
      'odd/name~1': 'a: "b" ünï',
      updated_at: expect.any(String),
    });
    expect(deprecated).toBe('soon');
    const second = await setProperties(site, wanted);
    expect(second).toMatchObject({ changed: false, msg: '1 up_to_date' });
    expect(writesTo(site.glanceProxy).map(({ method }) => method)).toEqual(['PATCH']);
  }),
);

test.concurrent(
  'in check mode tells what it would do, and changes nothing',
  withSite(async (site) => {
    const image = await seedProduction(site);

    const result = await setProperties(site, {
      images: [image.id],
      property: supported,
      value: 'no',
      _ansible_check_mode: true,
      _ansible_diff: true,
    });

    expect(result).toMatchObject({ changed: true, msg: 'planned: 1 change' });
    expect(onlyImage(result)).toMatchObject({ action: 'change', reason: `${supported}: set to "no"` });
    expect(result.diff).toEqual([
      expect.objectContaining({
        before_header: `image ${site.name} (${image.id})`,
        after: expect.stringContaining(supported),
      }),
    ]);
    expect(writesTo(site.glanceProxy)).toEqual([]);
    expect(await site.glance.get(image.id)).toEqual(image);
  }),
);

test.concurrent(
  'changes many images by a file, hidden and queued ones too, and only those that differ',
  withSite(async (site) => {
    const images = [
      await seedImage(site),
      await seedImage(site, { os_hidden: true }),
      await seedImage(site, { [supported]: '1:2:3' }),
    ];
    const queued = await site.glance.create({ name: `${site.name}-queued`, visibility: 'private' });
    const lines = [...images, queued].map(({ id }, index) => `${id}:${index}:2:3`);
    lines[2] = `${images[2]?.id}: 1:2:3`;

    const result = await setProperties(site, {
      property: supported,
      values_file: writeFile(site, `# values\n\n${lines.join('\r\n')}\n`),
    });

    expect(result).toMatchObject({ changed: true, msg: '3 change, 1 up_to_date' });
    const values = await Promise.all([...images, queued].map(async ({ id }) => (await site.glance.get(id))[supported]));
    expect(values).toEqual(['0:2:3', '1:2:3', '1:2:3', '3:2:3']);
    expect(writesTo(site.glanceProxy)).toHaveLength(3);
  }),
);

test.concurrent(
  'tells every fault of a file at once, and changes none of its images',
  withSite(async (site) => {
    const [image, gone] = [await seedImage(site), await seedImage(site)];
    await site.glance.remove(gone.id);
    const never = randomUUID();
    const path = writeFile(
      site,
      [`${image.id}:no`, 'nonsense', `${gone.id}:no`, `${never}:no`, `${image.id}:yes`, `${site.name}:no`].join('\n'),
    );

    const result = await setProperties(site, { property: supported, values_file: path });

    expect(result).toMatchObject({
      failed: true,
      changed: false,
      code: 'INVALID_INPUT',
      msg: expect.stringMatching(/^nothing was changed: /),
    });
    for (const line of [2, 3, 4, 5, 6]) expect(result.msg).toContain(`${path} line ${line}: `);
    for (const id of [gone.id, never]) expect(result.msg).toContain(`has the id "${id}"`);
    expect(writesTo(site.glanceProxy)).toEqual([]);
    expect(await site.glance.get(image.id)).toEqual(image);
  }),
);

test.concurrent(
  'refuses a name that two images have, one that none has, and properties that are not for it',
  withSite(async (site) => {
    const name = `${site.name}: twice`;
    const twins = [await seedImage(site, { name }), await seedImage(site, { name, os_hidden: true })];
    const set = { visibility: 'public', image_tools_id: 'x', os_glance_import_task: 'x', harmless: 'yes' };

    const result = await setProperties(site, { images: [name, `${site.name}-none`, twins[0]?.id], set });

    expect(result).toMatchObject({ failed: true, changed: false, code: 'INVALID_INPUT' });
    for (const part of [`2 images have the name "${name}"`, ...twins.map(({ id }) => id), `"${site.name}-none"`])
      expect(result.msg).toContain(part);
    for (const property of ['visibility', 'image_tools_id', 'os_glance_import_task'])
      expect(result.msg).toContain(`"${property}" cannot be changed: `);
    expect(writesTo(site.glanceProxy)).toEqual([]);
  }),
);

const undoing = (site: Site, id: string) => async (): Promise<void> =>
  patch(site, id, [
    { op: 'add', path: `/${supported}`, value: 'yes' },
    { op: 'add', path: '/deprecated', value: 'soon' },
  ]);

test.concurrent(
  'sends a change again that Glance answered 200 and another writer undid',
  withSite(async (site) => {
    const { id } = await seedImage(site, { [supported]: 'yes', deprecated: 'soon' });
    site.glanceProxy.addFault({ method: 'PATCH', nth: 1, answered: undoing(site, id) });

    const result = await setProperties(site, { images: [id], set: { [supported]: 'no' }, remove: ['deprecated'] });

    expect(result.failed).toBeUndefined();
    expect(writesTo(site.glanceProxy)).toHaveLength(2);
    const image = await site.glance.get(id);
    expect(image[supported]).toBe('no');
    expect(image).not.toHaveProperty('deprecated');
  }),
);

test.concurrent(
  'fails where a change is undone every time',
  withSite(async (site) => {
    const { id } = await seedImage(site, { [supported]: 'yes', deprecated: 'soon' });
    site.glanceProxy.addFault({ method: 'PATCH', answered: undoing(site, id) });

    const result = await setProperties(site, { images: [id], set: { [supported]: 'no' }, remove: ['deprecated'] });

    expect(result).toMatchObject({
      failed: true,
      code: 'PART_FAILED',
      msg: expect.stringContaining(`accepted a change of ${supported}, deprecated but did not keep it`),
    });
    expect(writesTo(site.glanceProxy)).toHaveLength(3);
  }),
);

test.concurrent.each([
  ['was lost', { passThenCut: true }],
  ['was 503', { status: 503 }],
  ['was 409', { status: 409 }],
])('removes a property where the answer %s', (_, fault) =>
  withSite(async (site) => {
    const { id } = await seedImage(site, { deprecated: 'soon' });
    site.glanceProxy.addFault({ method: 'PATCH', nth: 1, ...fault });

    const result = await setProperties(site, { images: [id], remove: ['deprecated'] });

    expect(result).toMatchObject({ changed: true });
    expect(result.failed).toBeUndefined();
    expect(await site.glance.get(id)).not.toHaveProperty('deprecated');
  })(),
);

test.concurrent(
  'removes a property that another writer removes at the same time, and makes the other changes',
  withSite(async (site) => {
    const { id } = await seedImage(site, { deprecated: 'soon' });
    site.glanceProxy.addFault({
      method: 'PATCH',
      nth: 1,
      before: () => patch(site, id, [{ op: 'remove', path: '/deprecated' }]),
    });

    const result = await setProperties(site, { images: [id], set: { [supported]: 'no' }, remove: ['deprecated'] });

    expect(result.failed).toBeUndefined();
    expect(await site.glance.get(id)).toMatchObject({ [supported]: 'no' });
  }),
);

test.concurrent(
  "changes an unprivileged user's own image, and fails with Glance's reason at one of another project",
  withSite(async (site) => {
    const member = await createMember(site.cloud, site.project);
    site.afterwards(() => member.remove());
    const [own, foreign] = [await seedImage(site), await seedProduction(site, { owner: site.cloud.demo_project_id })];
    site.afterwards(() => site.glance.remove(foreign.id));
    const auth = {
      auth_url: site.cloud.keystone_url,
      user_id: member.user_id,
      password: member.password,
      project_id: site.project.id,
    };

    const result = await setProperties(site, { auth, images: [own.id, foreign.id], property: supported, value: 'no' });

    expect(result).toMatchObject({
      failed: true,
      changed: true,
      code: 'PART_FAILED',
      msg: expect.stringMatching(/^1 change, 1 failed; .*answered 403: /),
    });
    expect(result.images.map(({ action }) => action)).toEqual(['change', 'failed']);
    expect((await site.glance.get(own.id))[supported]).toBe('no');
    expect(await site.glance.get(foreign.id)).toEqual(foreign);
  }),
);

/** A site.yaml with the login of the site, as the older tools have it. */
function writeSiteYaml(site: Site): string {
  const login = {
    auth_url: site.cloud.keystone_url,
    admin_username: 'admin',
    admin_password: site.cloud.admin_password,
    admin_project: site.scope,
  };
  return writeFile(
    site,
    JSON.stringify({ ...login, region_name: 'RegionOne', endpoint_override: { image: site.glanceProxy.url } }),
  );
}

test.concurrent(
  'takes the command line of the older tool, with a single value, dry first',
  withSite(async (site) => {
    const image = await seedImage(site);
    const command = [
      'set_image_property',
      '--site-yaml',
      writeSiteYaml(site),
      '--metadata-field',
      supported,
      '--single-value',
      `${image.id}:no`,
    ];

    const dry = await site.startCommand([...command, '--dry-run']).ended;
    const between = await site.glance.get(image.id);
    const real = await site.startCommand(command).ended;
    const again = await site.startCommand(command).ended;

    expect([dry.exitCode, real.exitCode, again.exitCode]).toEqual([0, 0, 0]);
    expect(dry.stdout).toContain(
      `${image.name}  change  ${image.id}  ${supported}: set to "no"\n\nplanned: 1 change\n`,
    );
    expect(between).toEqual(image);
    expect(real.stdout).toContain('\n1 change\n');
    expect(again.stdout).toContain('\n1 up_to_date\n');
    expect((await site.glance.get(image.id))[supported]).toBe('no');
  }),
);

test.concurrent(
  'takes the command line of the older tool, with a file, and ends with 2 where a line is wrong',
  withSite(async (site) => {
    const [one, two] = [await seedImage(site), await seedImage(site)];
    const command = (text: string): string[] => [
      'set_image_property',
      '--site-yaml',
      writeSiteYaml(site),
      '--metadata-field',
      supported,
      '--values-file',
      writeFile(site, text),
    ];

    const wrong = await site.startCommand(command(`${one.id}:no\n${randomUUID()}:no\n`)).ended;
    const untouched = await site.glance.get(one.id);
    const right = await site.startCommand(command(`# supported\n${one.id}:no\n\n${two.id}:yes\n`)).ended;

    expect(wrong).toMatchObject({
      exitCode: 2,
      stdout: '',
      stderr: expect.stringContaining('line 2: no image of this cloud'),
    });
    expect(untouched).toEqual(one);
    expect(right).toMatchObject({ exitCode: 0 });
    expect([(await site.glance.get(one.id))[supported], (await site.glance.get(two.id))[supported]]).toEqual([
      'no',
      'yes',
    ]);
  }),
);

test.concurrent(
  'has commands of its own, by name, with exit code 1 where an image fails',
  withSite(async (site) => {
    const image = await seedImage(site, { deprecated: 'soon' });
    const endpoints = ['--endpoint-override', writeFile(site, JSON.stringify({ image: site.glanceProxy.url }))];
    const words = ['--images', image.name, '--property', supported, '--value', 'no', '--remove', 'deprecated,other'];

    const { exitCode } = await site.startCommand(['set-property', ...endpoints, ...words]).ended;
    site.glanceProxy.addFault({ method: 'PATCH', status: 403, body: 'not today' });
    const refused = await site.startCommand([
      'image_property',
      ...endpoints,
      '--images',
      image.id,
      '--property',
      supported,
      '--value',
      'yes',
    ]).ended;

    expect(exitCode).toBe(0);
    expect(await site.glance.get(image.id)).toMatchObject({ [supported]: 'no' });
    expect(refused).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/^failed: .*answered 403: not today\n$/),
    });
  }),
);
