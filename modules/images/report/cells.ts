// The cells of the table of images.
import { formatBytes } from '../../core/sizes.js';
import type { ImageResult } from '../policy/deploy-results.js';
import { html, type Html } from './html.js';
import type { PageImage, PageModel } from './model.js';
import { lifeOf, type Axis } from './time-line.js';

/** Users that are shown at once; the others on request. */
const usersAtOnce = 3;

const tones: Readonly<Record<string, string>> = {
  current: 'good',
  up_to_date: 'good',
  deploy: 'news',
  resume: 'news',
  update: 'news',
  copy: 'news',
  in_progress: 'news',
  incoming: 'news',
  pinned: 'news',
  held: 'care',
  'put back': 'care',
  hide: 'care',
  skip: 'care',
  unknown: 'care',
  delete: 'bad',
  conflict: 'bad',
  failed: 'bad',
};

export function badge(word: string): Html {
  return html`<span class="badge ${tones[word] ?? 'plain'}">${word.replaceAll('_', ' ')}</span>`;
}

export const columns = ['Image', 'Life', 'Size', 'Used by', 'Catalogue and next deployment', 'Next cleaning'] as const;

/** `order`: what the column is sorted by, as a number or a text. */
function cell(index: number, order: string | number, content: Html): Html {
  return html`<td data-label="${columns[index]}" data-order="${order}">${content}</td>`;
}

export function imageRow(image: PageImage, model: PageModel, axis: Axis): Html {
  return html`<tr>
<th scope="row" data-label="Image" data-order="${image.production_name ?? image.name}">${identityOf(image)}</th>
${cell(1, image.created_at ?? '', lifeOf(image, axis))}
${cell(2, image.bytes ?? -1, sizeOf(image.bytes, image.disk_format))}
${cell(3, image.used_by_count ?? 0, usersOf(image, model))}
${cell(4, image.deployment?.action ?? '', deploymentOf(image, model))}
${cell(5, image.plan?.delete_from ?? image.plan?.hide_from ?? '9999', cleaningOf(image, model))}
</tr>
`;
}

/** The row of an image that the site does not have yet. */
export function missingRow(result: ImageResult): Html {
  const content = html`${catalogueOf(result.release)} ${actionOf(result)}`;
  const heading = html`${nameOf(result.name)} <span class="badge plain">not on the site</span>`;
  return html`<tr>
<th scope="row" data-label="Image" data-order="${result.name}">${heading}</th>
${cell(1, '', html`<span class="quiet">none yet</span>`)}
${cell(2, result.bytes ?? -1, sizeOf(result.bytes, undefined))}
${cell(3, 0, html``)}
${cell(4, result.action, content)}
${cell(5, '9999', html``)}
</tr>
`;
}

function nameOf(name: string): Html {
  return html`<bdi class="name">${name || '(no name)'}</bdi>`;
}

function identityOf(image: PageImage): Html {
  const release = image.release ? html`<span class="quiet line">release <bdi>${image.release}</bdi></span>` : undefined;
  const owner = image.owned_by_us
    ? undefined
    : html`<span class="quiet line">of project <bdi>${image.owner_name ?? image.owner}</bdi></span>`;
  const words = [
    image.state,
    ...(image.held ? ['held'] : []),
    ...(image.held_releases ? ['put back'] : []),
    ...(image.pinned ? ['pinned'] : []),
    ...(image.status === 'active' ? [] : [image.status]),
    image.visibility,
    ...(image.hidden ? ['hidden'] : []),
    ...(image.protected ? ['protected'] : []),
  ];
  return html`${nameOf(image.name)}
${release} ${owner}
<span class="line">${words.map((word) => html`${badge(word)} `)}</span>
<code>${image.id}</code>`;
}

function sizeOf(bytes: number | undefined, format: string | undefined): Html {
  const size = bytes === undefined ? 'unknown' : formatBytes(bytes);
  return html`<span class="size">${size}</span>${format ? html` <span class="quiet">${format}</span>` : undefined}`;
}

function usersOf({ used_by: users = [], used_by_count: count = 0 }: PageImage, { unknownUses }: PageModel): Html {
  const unknown = unknownUses.map((what) => html`<div>${badge('unknown')} ${what}</div>`);
  if (count === 0) return unknownUses.length > 0 ? html`${unknown}` : html`<span class="quiet">nobody</span>`;
  const items = users.map((user) => html`<li><bdi>${user}</bdi></li>`);
  const [first, others] = [items.slice(0, usersAtOnce), items.slice(usersAtOnce)];
  const unlisted = count > users.length ? html`<p>and ${count - users.length} more</p>` : undefined;
  const more = count - first.length;
  const rest = html`<details><summary>${more} more</summary><ul class="users">${others}</ul>${unlisted}</details>`;
  return html`<ul class="users">${first}</ul>${more > 0 ? rest : undefined}${unknown}`;
}

function catalogueOf(release: string): Html {
  return html`<div>has <bdi>${release}</bdi></div>`;
}

function deploymentOf({ catalogue, deployment, managed }: PageImage, { isDeploymentKnown }: PageModel): Html {
  if (!isDeploymentKnown) return managed ? badge('unknown') : html``;
  return html`${managed ? placeOf(catalogue) : undefined} ${deployment ? actionOf(deployment) : undefined}`;
}

function placeOf(catalogue: PageImage['catalogue']): Html {
  if (catalogue === undefined) return badge('unknown');
  return catalogue === null ? html`<div class="quiet">not subscribed to</div>` : catalogueOf(catalogue);
}

function actionOf({ action, reason }: Pick<ImageResult, 'reason'> & { readonly action: string }): Html {
  return html`${badge(action)} <span class="quiet">${reason}</span>`;
}

function cleaningOf({ plan, managed }: PageImage, { isCleaningKnown }: PageModel): Html {
  if (!isCleaningKnown) return managed ? badge('unknown') : html``;
  return plan ? actionOf(plan) : html`<span class="quiet">not managed</span>`;
}
