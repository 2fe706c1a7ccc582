import { randomUUID } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { createMember } from './cloud.js';
import { patch, seedImage, setProperties, supported, writeFile } from './image-property-runs.js';
import { onlyImage, seedProduction } from './images.js';
import { withSite, writesTo, type Site } from './site.js';

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
