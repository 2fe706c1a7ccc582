// The page of image_report in Debian's Chromium: on a desktop and on a phone, light and dark, with
// scripts and without. `HANDBOOK=write` puts the pictures of docs/report.md where it shows them.
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { hostileNames, seedBusySite, seedHostileNames, startReportSite } from '../images/report-site.js';
import { visibleText } from '../../modules/images/report/html.js';
import { rowOf } from '../images/report-page.js';
import { startChromium, type Chromium, type OpenedPage, type View } from './chromium.js';
import { root, until } from './cloud.js';
import { parseResult, startModule, type Arguments, type ModuleResult } from './executable.js';
import { newRelease, oldRelease, seedProduction } from './images.js';
import { withSite, writesTo, type Site } from './site.js';
import { faintTexts } from './contrast.js';

const desktop = { width: 1280, height: 900 };
const phone = { width: 390, height: 844, isPhone: true };

let browser: Chromium;
let server: Server;
const pages = new Map<string, string>();
const asked: string[] = [];

beforeAll(async () => {
  const site = await startReportSite();
  try {
    seedBusySite(site);
    await site.report({ title: 'Images of CHI@Example' });
    pages.set('/', site.page());
    seedHostileNames(site);
    site.users.volumev3.intervene = () => ({ status: 403 });
    await site.report({ title: 'Images of the site' });
    pages.set('/hostile', site.page());
  } finally {
    await site.close();
  }
  server = createServer(({ url = '' }, answer) => {
    asked.push(url);
    answer.setHeader('Content-Type', 'text/html; charset=utf-8').end(pages.get(url) ?? '');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  browser = await startChromium();
});

afterAll(async () => {
  await browser.close();
  server.close();
});

async function withPage<T>(path: string, view: View, look: (page: OpenedPage) => Promise<T>): Promise<T> {
  const { port } = server.address() as AddressInfo;
  const page = await browser.open(`http://127.0.0.1:${port}${path}`, view);
  try {
    return await look(page);
  } finally {
    expect(page.requests.filter((url) => !url.startsWith('data:'))).toEqual([`http://127.0.0.1:${port}${path}`]);
    expect(page.complaints).toEqual([]);
    await page.close();
  }
}

const overflow = `({
  page: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  cut: [...document.querySelectorAll('td, th, li, dd, p, h1')].filter((each) => each.scrollWidth > each.clientWidth + 1 && each.clientWidth > 0)
    .map((each) => each.textContent.slice(0, 60)),
})`;

describe.each([
  ['a desktop', desktop],
  ['a phone', phone],
])('on %s', (_, size) => {
  test.each([
    ['light', '/'],
    ['dark', '/'],
    ['light', '/hostile'],
    ['dark', '/hostile'],
  ] as const)('in %s, everything of %s fits, and every text can be read', (scheme, path) =>
    withPage(path, { ...size, scheme }, async (page) => {
      expect(await page.evaluate(overflow)).toEqual({ page: 0, cut: [] });
      const { seen, faint } = await page.evaluate<{ seen: number; faint: string[] }>(faintTexts);
      expect(faint).toEqual([]);
      expect(seen).toBeGreaterThan(100);
    }),
  );
});

test('light and dark are not the same', async () => {
  const grounds = [];
  for (const scheme of ['light', 'dark'] as const)
    grounds.push(
      await withPage('/', { ...desktop, scheme }, (page) =>
        page.evaluate('getComputedStyle(document.body).backgroundColor'),
      ),
    );

  expect(grounds).toEqual(['rgb(245, 247, 249)', 'rgb(15, 20, 25)']);
});

const shownNames = `[...document.querySelectorAll('#images tbody tr')].filter((row) => row.getClientRects().length > 0)
  .map((row) => row.querySelector('.name').textContent)`;
const type = (text: string): string =>
  `{ const filter = document.getElementById('filter'); filter.value = ${JSON.stringify(text)}; filter.dispatchEvent(new Event('input')); }`;

test('the filter shows the rows that have all its words', () =>
  withPage('/', { ...desktop, scheme: 'light' }, async (page) => {
    const all = await page.evaluate<string[]>(shownNames);
    await page.evaluate(type('THESIS  archived'));

    expect(all).toHaveLength(12);
    expect(await page.evaluate(shownNames)).toEqual(['CC-Ubuntu22.04_2024-09-10 15:30:45.123456']);
    expect(await page.evaluate('document.getElementById("count").textContent')).toBe('1 of 12');
    await page.evaluate(type(''));
    expect(await page.evaluate(shownNames)).toEqual(all);
  }));

test('a heading sorts its column, and a second click turns the order', () =>
  withPage('/', { ...desktop, scheme: 'light' }, async (page) => {
    const click = (column: number) => page.evaluate(`document.querySelectorAll('thead button')[${column}].click()`);
    const usersShown = async (): Promise<number[]> =>
      (
        await page.evaluate<string[]>(
          "[...document.querySelectorAll('#images tbody tr')].map((row) => row.cells[3].dataset.order)",
        )
      ).map(Number);
    await click(3);
    const ascending = await usersShown();
    await click(3);

    expect(ascending).toEqual([...ascending].sort((one, other) => one - other));
    expect(await usersShown()).toEqual([...ascending].reverse());
    expect(await page.evaluate("document.querySelector('[aria-sort]').textContent")).toBe('Used by');
  }));

test('on a phone the order is chosen from a list', () =>
  withPage('/', { ...phone, scheme: 'light' }, async (page) => {
    await page.evaluate(
      "{ const order = document.getElementById('order'); order.value = '2'; order.dispatchEvent(new Event('change')); }",
    );
    await page.evaluate("document.getElementById('direction').click()");

    expect((await page.evaluate<string[]>(shownNames))[0]).toBe('CC-CentOS8-Stream');
  }));

test('without scripts everything is there, and nothing that would not work', () =>
  withPage('/', { ...phone, scheme: 'light', hasScripts: false }, async (page) => {
    const text = await page.evaluate<string>('document.body.innerText');

    expect(await page.evaluate(shownNames)).toHaveLength(12);
    expect(text).toContain('Only the filter and sorting need JavaScript');
    expect(text).toContain('server web-1 of project climate');
    expect(text).toContain('26 months old, deleted at 18');
    expect(await page.evaluate("document.getElementById('tools').getClientRects().length")).toBe(0);
  }));

test('hostile names are texts, and nothing else', () =>
  withPage('/hostile', { ...desktop, scheme: 'light' }, async (page) => {
    const names = await page.evaluate<string[]>(shownNames);

    expect(names).toEqual(expect.arrayContaining(hostileNames.map(visibleText)));
    expect(await page.evaluate('document.title')).toBe('Images of the site');
    expect(await page.evaluate("document.querySelectorAll('img, iframe, a, form, object').length")).toBe(0);
    expect(await page.evaluate('[document.scripts.length, document.styleSheets.length]')).toEqual([1, 1]);
  }));

test('the policy is in force: what is not of the page neither runs nor loads', () =>
  // Its complaints are the point here, so it is not opened as the others are.
  (async () => {
    const { port } = server.address() as AddressInfo;
    const page = await browser.open(`http://127.0.0.1:${port}/`, { ...desktop, scheme: 'light' });
    await page.evaluate(`{
      const script = document.createElement('script'); script.textContent = 'document.title = "broken"'; document.body.append(script);
      const image = document.createElement('img'); image.src = '/x.png'; document.body.append(image);
    }`);
    await page.evaluate("fetch('/y').catch(() => undefined)");

    expect(await page.evaluate('document.title')).toBe('Images of CHI@Example');
    expect(page.complaints.join('\n')).toMatch(/Content Security Policy/);
    expect(asked.filter((url) => !pages.has(url))).toEqual([]);
    await page.close();
  })());

test.each([
  ['desktop-light', { ...desktop, scheme: 'light' }, 1100],
  ['phone-dark', { ...phone, scheme: 'dark' }, 1200],
] as const)('the picture %s of the documentation is one of this page', (name, view, mostHeight) =>
  withPage('/', view, async (page) => {
    await page.evaluate(type('cc-ubuntu'));
    const picture = await page.screenshot(mostHeight);
    const folder = join(root, 'docs/images');

    expect(picture.readUInt32BE(16)).toBe(view.width);
    expect(picture.length).toBeLessThan(400_000);
    if (process.env.HANDBOOK !== 'write') return;
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `report-${name}.png`), picture);
  }),
);

async function report(site: Site, path: string, given: Arguments = {}): Promise<ModuleResult> {
  const { stall_timeout: _stall, attempts: _attempts, ...ours } = site.argumentsOf(given);
  const running = startModule(
    'image_report',
    { ...ours, html: path },
    { OS_CLIENT_CONFIG_FILE: site.cloud.os_client_config_file },
  );
  site.afterwards(() => running.kill());
  return parseResult(await running.ended);
}

test(
  'the page of a real cloud says what there is and what comes next, and a second run changes nothing',
  withSite(async (site) => {
    await seedProduction(site);
    await site.store.publish(site.name, newRelease);
    const path = join(site.addHost(), 'page.html');

    const first = await report(site, path);

    expect(first).toMatchObject({ changed: true, unknown: [] });
    const page = readFileSync(path, 'utf8');
    expect(rowOf(page, site.name)).toContain(`has ${newRelease} deploy the site has release ${oldRelease}`);
    expect(rowOf(page, site.name)).toContain(`keep the production image of ${site.name}`);
    // The page counts images and nodes of the whole cloud, which other tests may have changed in
    // between.
    await until(async () => !(await report(site, path)).changed, 'a page that stays as it is');
    expect(writesTo(site.glanceProxy)).toEqual([]);
    pages.set('/real', page);
    await withPage('/real', { ...phone, scheme: 'dark' }, async (opened) => {
      expect(await opened.evaluate(overflow)).toEqual({ page: 0, cut: [] });
    });
  }),
);

test(
  'a login that may see only its own gets a page that says what is unknown, and why',
  withSite(async (site) => {
    await seedProduction(site);
    await site.store.publish(site.name, newRelease);
    const path = join(site.addHost(), 'page.html');

    const result = await report(site, path, { cloud: 'local-user' });

    expect(result).toMatchObject({ failed: true, changed: true });
    const page = readFileSync(path, 'utf8');
    expect(page).toMatch(
      /Unknown: use by images of other projects\. Glance does not report .* the admin role is needed/,
    );
    expect(rowOf(page, site.name)).toContain('unknown use by images of other projects');
  }),
);
