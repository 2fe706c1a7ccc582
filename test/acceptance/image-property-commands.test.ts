// The command lines of image_property on the real cloud, also those of the older tool.
import { randomUUID } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { seedImage, supported, writeFile, writeSiteYaml } from './image-property-runs.js';
import { withSite } from './site.js';

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
