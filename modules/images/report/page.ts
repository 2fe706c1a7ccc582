// The page as one file: everything is in its HTML, and the script only filters and sorts.
import { createHash } from 'node:crypto';
import { countActions, counted } from '../../core/counts.js';
import { formatBytes } from '../../core/sizes.js';
import { agentsSection } from './agents.js';
import { columns, imageRow, missingRow } from './cells.js';
import { html, trustedHtml, type Html } from './html.js';
import type { PageModel } from './model.js';
import { pageScript } from './page-script.js';
import { pageStyle } from './page-style.js';
import { axisHeading, axisOf } from './time-line.js';

/** By which a later run knows that a file is a page of this operation. */
export const pageMark = '<meta name="generator" content="chameleon-image-tools report">';
const pageTime = /<meta name="date" content="([^"]{20,30})">/;

/** When a page was made; undefined for a file that is no page of this operation. */
export function timeOfPage(text: string): Date | undefined {
  const head = text.slice(0, 4096);
  const moment = new Date(head.includes(pageMark) ? (pageTime.exec(head)?.[1] ?? '') : '');
  return Number.isNaN(moment.getTime()) ? undefined : moment;
}

/** The same page for the same model and time. */
export function renderPage(model: PageModel, now: Date): string {
  const page = html`${trustedHtml('<!DOCTYPE html>')}
<html lang="en">
<head>
<meta charset="utf-8">
${trustedHtml(`<meta http-equiv="Content-Security-Policy" content="${contentPolicy}">`)}
${trustedHtml(pageMark)}
<meta name="date" content="${now.toISOString()}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<meta name="robots" content="noindex, nofollow">
<link rel="icon" href="data:,">
<title>${model.title}</title>
${trustedHtml(`<style>${pageStyle}</style>`)}
</head>
<body>
${heading(model, now)}
<main>
${remarks('Problems', 'problems', model.problems)}
${remarks('Notes', 'notes', model.notes)}
${imagesSection(model, now)}
${agentsSection(model)}
</main>
${trustedHtml(`<script>${pageScript}</script>`)}
</body>
</html>
`;
  return page.markup;
}

/**
 * Nothing may be loaded, sent, framed or run but the style and the script of this page. The empty
 * icon keeps browsers from asking for one.
 */
const contentPolicy = [
  "default-src 'none'",
  `style-src '${digestOf(pageStyle)}'`,
  `script-src '${digestOf(pageScript)}'`,
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

function digestOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}

function heading(model: PageModel, now: Date): Html {
  const time = now.toISOString();
  return html`<header>
<h1>${model.title}</h1>
<p class="quiet">As of <time datetime="${time}">${time.slice(0, 16).replace('T', ' ')} UTC</time>
at <bdi>${model.identity}</bdi></p>
<dl class="summary">
${summaryOf(model).map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>\n`)}</dl>
</header>`;
}

function summaryOf(model: PageModel): readonly (readonly [name: string, value: string])[] {
  const { images, missing } = model;
  const bytes = images.reduce((sum, image) => sum + (image.bytes ?? 0), 0);
  const used = images.filter(({ used_by_count: count = 0 }) => count > 0).length;
  return [
    ['Images', `${images.length}, ${formatBytes(bytes)}`],
    ['In use', model.unknownUses.length > 0 ? `at least ${used}` : String(used)],
    ['Next deployment', model.isDeploymentKnown ? deploymentCounts(model) : 'unknown'],
    ['Next cleaning', model.isCleaningKnown ? countsOf(images.flatMap(({ plan }) => (plan ? [plan] : []))) : 'unknown'],
    ...(missing.length > 0 ? [['Not on the site', counted(missing.length, 'name')] as const] : []),
  ];
}

function deploymentCounts({ images, missing, isDeploymentComplete }: PageModel): string {
  const planned = [...images.flatMap(({ deployment }) => (deployment ? [deployment] : [])), ...missing];
  if (isDeploymentComplete) return countsOf(planned);
  return planned.length > 0 ? `at least ${countsOf(planned)}` : 'unknown';
}

function countsOf(planned: readonly { readonly action: string }[]): string {
  return countActions(planned.map(({ action }) => ({ action: action.replaceAll('_', ' ') }))) || 'nothing';
}

function remarks(title: string, kind: string, texts: readonly string[]): Html {
  if (texts.length === 0) return html``;
  return html`<section class="${kind}">
<h2>${title}</h2>
<ul>${texts.map((text) => html`<li>${text}</li>\n`)}</ul>
</section>`;
}

function imagesSection(model: PageModel, now: Date): Html {
  const axis = axisOf(model, now);
  const rows = [
    ...model.images.map((image) => ({
      name: image.production_name ?? image.name,
      row: imageRow(image, model, axis),
    })),
    ...model.missing.map((result) => ({ name: result.name, row: missingRow(result) })),
  ];
  // Images are in order already, and the sort is stable.
  rows.sort((one, other) => one.name.localeCompare(other.name, 'en'));
  const headings = columns.map(
    (name, index) =>
      html`<th scope="col"><span class="title">${name}</span>${index === 1 ? axisHeading(axis) : undefined}</th>`,
  );
  return html`<section>
<h2>Images</h2>
<noscript><p class="quiet">Everything is on this page. Only the filter and sorting need JavaScript.</p></noscript>
${tools}
${legend}
<table id="images">
<colgroup>${columns.map((_, index) => html`<col class="column-${index}">`)}</colgroup>
<thead><tr>${headings}</tr></thead>
<tbody>
${rows.map(({ row }) => row)}</tbody>
</table>
${unlistedRemark(model)}
</section>`;
}

/** Shown by the script. */
const tools = html`<div id="tools" hidden>
<label>Filter <input id="filter" type="search" autocomplete="off" spellcheck="false"
  placeholder="name, release, user, delete …"></label>
<label>Sort by <select id="order">
${columns.map((name, index) => html`<option value="${index}">${name}</option>`)}</select></label>
<button id="direction" type="button">Reverse</button>
<output id="count"></output>
</div>`;

const legend = html`<p class="legend quiet"><span class="key shown"></span> visible
<span class="key hidden-stage"></span> hidden <span class="key replaced"></span> replaced
<span class="key deletion"></span> due to be deleted <span class="key now"></span> now</p>`;

function unlistedRemark({ unlistedCount: count }: PageModel): Html {
  if (count === 0) return html``;
  const other = counted(count, 'other image');
  return html`<p class="quiet">${other} of other projects, such as snapshots of servers, not listed.</p>`;
}
