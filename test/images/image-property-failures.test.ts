// Failures of image_property, other writers, and images of other projects.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { InputError } from '../../modules/core/errors.js';
import type { Outcome } from '../../modules/core/operation.js';
import { imageProperty } from '../../modules/images/property/operation.js';
import { startFaultProxy, type FaultProxy } from '../cloud/fault-proxy.js';
import type { StoredImage } from '../sandbox/glance.js';
import { startSite, type TestSite } from './site.js';

const supported = 'chameleon-supported';

let site: TestSite;
let folder: string;
/** Before Glance; used where a test gives `viaProxy()`. */
let proxy: FaultProxy;
let one: StoredImage;

beforeEach(async () => {
  site = await startSite();
  proxy = await startFaultProxy(site.glance.url);
  folder = mkdtempSync(join(tmpdir(), 'image-property-'));
  one = site.glance.seed({ name: 'CC-One', properties: { [supported]: 'yes', 'build-distro': 'ubuntu' } });
  site.glance.seed({ name: 'CC-Two', properties: {} });
});

afterEach(async () => {
  rmSync(folder, { recursive: true });
  await proxy.close();
  await site.close();
});

const viaProxy = (): object => ({ endpoint_override: { image: proxy.url } });

function propertiesOf({ id }: StoredImage): Record<string, string> | undefined {
  return site.glance.state.images.get(id)?.properties;
}

/** The message with which the run is refused as bad input. */
async function refusalOf(args: Readonly<Record<string, unknown>>): Promise<string> {
  const error: unknown = await site.run(imageProperty, args).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(InputError);
  return (error as InputError).message;
}

function actionsOf({ values }: Outcome): string[] {
  return (values.images as { action: string }[]).map(({ action }) => action);
}

describe('a failure', () => {
  test('of one image does not stop the others', async () => {
    proxy.addFault({ method: 'PATCH', path: new RegExp(one.id), status: 403, body: 'protected by policy' });

    const outcome = await site.run(imageProperty, {
      ...viaProxy(),
      images: ['CC-One', 'CC-Two'],
      set: { [supported]: 'no' },
    });

    expect(actionsOf(outcome)).toEqual(['failed', 'change']);
    expect(outcome).toMatchObject({
      changed: true,
      message: '1 failed, 1 change',
      failures: [expect.stringMatching(/^CC-One \(.*\): PATCH .* answered 403: protected by policy$/)],
    });
    expect(outcome.differences).toHaveLength(1);
  });

  test('is reported before anything is sent if the data of an image are still being uploaded', async () => {
    one.status = 'saving';

    const outcome = await site.run(imageProperty, { images: ['CC-One'], set: { [supported]: 'no' } });

    expect(outcome).toMatchObject({
      changed: false,
      failures: [expect.stringContaining('its data are still being uploaded (status saving)')],
    });
    expect(site.writes()).toEqual([]);
  });

  test('is that of a user who may not change the image', async () => {
    const outcome = await site.run(imageProperty, {
      auth: site.demoAuth,
      images: [one.id],
      set: { [supported]: 'no' },
    });

    expect(outcome).toMatchObject({
      changed: false,
      failures: [expect.stringMatching(/answered 403: .*You do not own this image/)],
    });
  });
});

describe('a change that another writer undid', () => {
  const args = (): Record<string, unknown> => ({
    ...viaProxy(),
    images: [one.id],
    set: { [supported]: 'no', extra: 'new' },
    remove: ['build-distro'],
  });
  const undo = (): void => void (one.properties = { [supported]: 'yes', 'build-distro': 'ubuntu', extra: 'new' });

  test('is sent again, without the part that persisted', async () => {
    proxy.addFault({ method: 'PATCH', nth: 1, answered: undo });

    expect(await site.run(imageProperty, args())).toMatchObject({ changed: true, failures: [] });

    const bodies = site.glance.requests.filter(({ method }) => method === 'PATCH').map(({ body }) => body);
    expect(bodies[1]).toEqual([
      { op: 'add', path: `/${supported}`, value: 'no' },
      { op: 'remove', path: '/build-distro' },
    ]);
    expect(propertiesOf(one)).toEqual({ [supported]: 'no', extra: 'new' });
  });

  test('every time fails, and may have changed the image', async () => {
    proxy.addFault({ method: 'PATCH', answered: undo });

    const outcome = await site.run(imageProperty, args());

    expect(outcome).toMatchObject({
      changed: true,
      failures: [expect.stringContaining(`Glance accepted a change of ${supported}, build-distro but did not keep it`)],
    });
    expect(site.writes()).toHaveLength(3);
  });

  test('by removing the same property is not a failure', async () => {
    proxy.addFault({ method: 'PATCH', nth: 1, before: () => void delete one.properties['build-distro'] });

    expect(await site.run(imageProperty, args())).toMatchObject({ changed: true, failures: [] });

    expect(propertiesOf(one)).toEqual({ [supported]: 'no', extra: 'new' });
  });

  test('by deleting the image is reported', async () => {
    proxy.addFault({ method: 'PATCH', nth: 1, answered: () => void site.glance.state.images.delete(one.id) });

    expect((await site.run(imageProperty, args())).failures).toEqual([
      expect.stringContaining(`image ${one.id} was deleted by somebody else`),
    ]);
  });
});

test.each([{ passThenCut: true }, { status: 503 }])(
  'a removal whose answer does not come (%j) is looked at, and sent again where it is needed',
  async (fault) => {
    proxy.addFault({ method: 'PATCH', nth: 1, ...fault });

    expect(await site.run(imageProperty, { ...viaProxy(), images: [one.id], remove: ['build-distro'] })).toMatchObject({
      changed: true,
      failures: [],
    });

    expect(propertiesOf(one)).toEqual({ [supported]: 'yes' });
  },
);

describe('an image of another project', () => {
  test.each(['private', 'public', 'community'])(
    'that is %s is not meant by a name, and hinders nobody',
    async (visibility) => {
      const theirs = site.glance.seed({
        name: 'CC-One',
        owner: 'stranger',
        visibility,
        properties: { [supported]: 'yes' },
      });

      const outcome = await site.run(imageProperty, { images: ['CC-One'], set: { [supported]: 'no' } });

      expect(outcome).toMatchObject({ changed: true, failures: [], warnings: [] });
      expect([propertiesOf(one)?.[supported], propertiesOf(theirs)?.[supported]]).toEqual(['no', 'yes']);
    },
  );

  test.each(['private', 'public'])(
    'that alone has the name, and is %s, is refused and changed only by its id, with a word',
    async (visibility) => {
      const theirs = site.glance.seed({ name: 'CC-Theirs', owner: 'stranger', visibility, properties: {} });

      const message = await refusalOf({ images: ['CC-Theirs'], set: { [supported]: 'no' } });
      const writes = site.writes();
      const outcome = await site.run(imageProperty, { images: [theirs.id], set: { [supported]: 'no' } });

      expect(message).toContain(
        `no image of this login's project has the name "CC-Theirs"; ` +
          'these images of other projects do, give the id if one of them is meant: ' +
          `${theirs.id} (${visibility}, of project stranger)`,
      );
      expect(writes).toEqual([]);
      expect(outcome).toMatchObject({
        changed: true,
        warnings: [expect.stringContaining(`does not belong to this login's project: ${theirs.id}`)],
      });
    },
  );
});
