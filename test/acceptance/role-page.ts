// The page about the images, as the units of the role write it.
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from '@jest/globals';
import type { Host } from './systemd-host.js';

const pagePath = '/srv/www/images.html';

export const pageVariables = { chameleon_image_tools_report_path: pagePath };

/** A service of its own writes it after a run; what it cannot do is no failure of the run. */
export async function expectPageWritten(host: Host, image: string): Promise<void> {
  // The folder of a web server.
  await host.shell('install -d -g www-data -m 2750 /srv/www && systemctl start image_report.service');
  expect(await host.shell(`stat --format "%U:%G %a" ${pagePath}`)).toBe('root:www-data 640\n');
  expect(await host.shell(`cat ${pagePath}`)).toContain(`<bdi class="name">${image}</bdi>`);
  await host.shell(`rm ${pagePath} && ln -s /etc/hostname ${pagePath}`);
  expect((await host.try('systemctl start image_report.service')).exitCode).not.toBe(0);
  expect(await host.shell('journalctl -u image_report -o cat | tail -n 8')).toContain('is not a page');
  await host.shell('systemctl start image_clean.service');
  expect(await host.shell('systemctl show --value -p Result image_clean.service')).toBe('success\n');
  expect(await host.shell('cat /etc/hostname')).not.toContain('html');
  // Somebody who may write above the folder cannot have root write elsewhere.
  await host.shell(`rm ${pagePath} && mv /srv/www /srv/elsewhere && ln -s elsewhere /srv/www`);
  expect((await host.try('systemctl start image_report.service')).exitCode).not.toBe(0);
  expect(await host.shell('ls -A /srv/elsewhere; rm /srv/www; mv /srv/elsewhere /srv/www')).toBe('');
  await host.shell('systemctl start image_clean.service');
  const isThere = async (): Promise<boolean> => (await host.try(`test -s ${pagePath}`)).exitCode === 0;
  for (let look = 0; look < 120 && !(await isThere()); look++) await sleep(500);
  expect(await isThere()).toBe(true);
}
