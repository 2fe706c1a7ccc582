// image_deploy on the older image store and that of the releases, in one run.
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { publishRelease } from '../sandbox/releases.js';
import { actionsOf, disk, everything, fill, resultsOf, startObjectsSite, type ObjectsSite } from './objects-site.js';

// Each makes several runs; on a busy machine they take their time.
jest.setTimeout(30_000);

let site: ObjectsSite;

beforeEach(async () => {
  site = await startObjectsSite();
});

afterEach(() => site.close());

describe('both stores in one run', () => {
  const both = { catalog: 'releases,objects' };

  test('deploy side by side, and a name that both have comes from the first', async () => {
    fill(site);
    publishRelease(site.store, { name: 'CC-Ubuntu22.04', release: '20250422-v1-amd', content: disk('release') });
    publishRelease(site.store, { name: 'CC-Ubuntu24.04', release: '20250422-v1-amd', content: disk('release') });

    const first = await site.deploy(both);

    expect(actionsOf(first)).toEqual([...everything, 'CC-Ubuntu24.04'].map((name) => `${name} deploy`));
    expect(site.published().get('CC-Ubuntu22.04')?.properties.current).toBe('20250422-v1-amd');
    expect(site.published().get('CC-Ubuntu20.04')?.properties.current).toBeUndefined();
    expect(await site.deploy(both)).toMatchObject({ changed: false, failures: [] });
    expect(resultsOf(await site.deploy({ catalog: 'objects,releases', images: 'CC-Ubuntu22.04' }))).toMatchObject([
      { action: 'deploy', archived_name: 'CC-Ubuntu22.04_2025-04-22 15:30:45.123456' },
    ]);
  });

  test('of which the first cannot be read, deploy from the other, leave what came from the first, and fail', async () => {
    fill(site);
    publishRelease(site.store, { name: 'CC-Ubuntu22.04', release: '20250422-v1-amd', content: disk('release') });
    await site.deploy({ catalog: 'releases' });
    site.store.refusals.set('prod/current', 403);

    const outcome = await site.deploy(both);

    expect(actionsOf(outcome)).toEqual(
      everything.map((name) => `${name} ${name === 'CC-Ubuntu22.04' ? 'failed' : 'deploy'}`),
    );
    expect(outcome.failures.join()).toContain('the catalogue releases could not be read: ');
    // Those of the unread catalogue are in production too: monitoring keeps what it knows.
    expect(outcome.measurements).not.toHaveProperty('production');
    expect(site.published().get('CC-Ubuntu22.04')?.properties.current).toBe('20250422-v1-amd');
  });

  test('of which the second cannot be listed, deploy from the first, and fail', async () => {
    fill(site);
    publishRelease(site.store, { name: 'CC-Ubuntu24.04', release: '20250422-v1-amd', content: disk('release') });
    site.objectsStore.refusals.set('', 403);

    const outcome = await site.deploy(both);

    expect(actionsOf(outcome)).toEqual(['CC-Ubuntu24.04 deploy']);
    expect(outcome.failures).toEqual([expect.stringMatching(/^the catalogue objects could not be read: .*403/)]);
  });

  test('select by name from either, and report a name that neither has', async () => {
    fill(site);
    publishRelease(site.store, { name: 'CC-Ubuntu24.04', release: '20250422-v1-amd', content: disk() });

    const outcome = await site.deploy(
      { ...both, images: 'CC-Ubuntu24.04,CC-Ubuntu20.04,CC-Ubuntu26.04' },
      { checkMode: true },
    );

    expect(actionsOf(outcome)).toEqual(['CC-Ubuntu20.04 deploy', 'CC-Ubuntu24.04 deploy', 'CC-Ubuntu26.04 failed']);
  });

  test('do not ask the older one if only names of the other are selected', async () => {
    publishRelease(site.store, { name: 'CC-Ubuntu24.04', release: '20250422-v1-amd', content: disk() });

    await site.deploy({ ...both, images: 'CC-Ubuntu24.04' });

    expect(site.objectsStore.requests).toEqual([]);
  });
});
