// The page of a large site: written in seconds, and its size grows with the number of images alone.
import { expect, test } from '@jest/globals';
import { seedOld } from './image-clean-site.js';
import { startReportSite } from './report-site.js';

/** Writes the page of so many images beside twice as many servers, and gives what it took. */
async function measure(images: number): Promise<{ seconds: number; kibibytes: number; rows: number }> {
  const site = await startReportSite();
  try {
    for (let count = 0; count < images; count++) {
      const image = seedOld(site, { name: `CC-Site-${count}-20240322` });
      for (const name of ['web', 'db'])
        site.users.compute.seed({ name: `${name}-${count}`, image: count % 2 === 0 ? image.id : '' });
    }
    const started = performance.now();
    const outcome = await site.report();
    const seconds = (performance.now() - started) / 1000;
    expect(outcome).toMatchObject({ changed: true, failures: [] });
    const page = site.page();
    return { seconds, kibibytes: page.length / 1024, rows: page.split('CC-Site-').length };
  } finally {
    await site.close();
  }
}

test('2,500 images and 5,000 servers are shown, in a page that grows with them and no faster', async () => {
  await measure(100);
  const small = await measure(500);
  const large = await measure(2500);

  process.stdout.write(
    `page of 2,500 images in ${large.seconds.toFixed(2)} s, ${(large.kibibytes / 1024).toFixed(1)} MiB ` +
      `(500: ${small.seconds.toFixed(2)} s, ${(small.kibibytes / 1024).toFixed(1)} MiB)\n`,
  );
  expect(large.rows).toBeGreaterThan(2500);
  expect(large.kibibytes).toBeLessThan(6 * small.kibibytes);
  expect(large.seconds).toBeLessThan(Math.max(20 * small.seconds, 10));
  expect(large.seconds).toBeLessThan(60);
}, 120_000);
