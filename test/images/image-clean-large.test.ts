// Large sites: time and memory grow with the site, and not faster.
import { expect, test } from '@jest/globals';
import { clean, resultsOf, seedOld, startOldSite } from './image-clean-site.js';

/** Plans the cleaning of so many images beside twice as many servers, and gives what it took. */
async function measure(images: number): Promise<{ seconds: number; megabytes: number; requests: number }> {
  const site = await startOldSite();
  try {
    for (let count = 0; count < images; count++) {
      // Every tenth is ours, and every second one of these is used by two servers.
      const image = seedOld(site, {
        name: `CC-Site-${count}-20240322`,
        ...(count % 10 === 0 ? {} : { owner: 'stranger' }),
      });
      for (const name of ['web', 'db'])
        site.users.compute.seed({ name: `${name}-${count}`, image: count % 20 === 0 ? image.id : '' });
    }
    const before = process.memoryUsage().heapUsed;
    const started = performance.now();
    const outcome = await clean(site, {}, { checkMode: true });
    const seconds = (performance.now() - started) / 1000;
    expect(resultsOf(outcome).filter(({ action }) => action === 'skip')).toHaveLength(images / 20);
    expect(resultsOf(outcome).filter(({ action }) => action === 'delete')).toHaveLength(images / 20);
    const requests = site.glance.requests.length + site.users.compute.requests.length;
    return { seconds, megabytes: (process.memoryUsage().heapUsed - before) / 2 ** 20, requests };
  } finally {
    await site.close();
  }
}

test('5,000 images and 10,000 servers are planned in seconds, with as many requests as there are pages', async () => {
  await measure(500);
  const small = await measure(1000);
  const large = await measure(5000);

  process.stdout.write(
    `planned 5,000 images and 10,000 servers in ${large.seconds.toFixed(2)} s (1,000 and 2,000: ` +
      `${small.seconds.toFixed(2)} s), ${large.megabytes.toFixed(0)} MiB, ${large.requests} requests\n`,
  );
  expect(large.seconds).toBeLessThan(Math.max(20 * small.seconds, 5));
  expect(large.seconds).toBeLessThan(30);
  expect(large.megabytes).toBeLessThan(300);
  // Five full pages and an empty one of images, one of hidden ones; ten and an empty one of
  // servers, twice; two looks for cells that are down, one at the hypervisors, one whether all
  // images are shown.
  expect(large.requests).toBeLessThanOrEqual(34);
}, 120_000);
