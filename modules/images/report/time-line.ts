// The life of each image on one time line: drawn, and in words next to it.
import { addMonths } from '../policy/dates.js';
import { html, type Html } from './html.js';
import type { PageImage, PageModel } from './model.js';

export interface Axis {
  readonly from: Date;
  readonly to: Date;
  readonly now: Date;
}

/** What lies further away is cut off: a site that keeps images for a century must still see this year. */
const mostMonths = { past: 120, future: 36 } as const;
const mostTicks = 6;
const tickMonths = [1, 2, 3, 6, 12, 24, 48] as const;

/** Whole months, from the first creation to the last deletion. */
export function axisOf({ images }: Pick<PageModel, 'images'>, now: Date): Axis {
  const moments = images.flatMap(({ created_at: created, plan }) =>
    [created, plan?.hide_from, plan?.delete_from].flatMap((text) => momentOf(text)?.getTime() ?? []),
  );
  const inMonths = (months: number): number => addMonths(now, months).getTime();
  const first = Math.max(Math.min(...moments, inMonths(-6)), inMonths(-mostMonths.past));
  const last = Math.min(Math.max(...moments, inMonths(6)), inMonths(mostMonths.future));
  return { from: monthOf(new Date(first)), to: addMonths(monthOf(new Date(last)), 1), now };
}

/** The first of some months, with their names. */
function ticksOf({ from, to }: Axis): { readonly at: Date; readonly label: string }[] {
  const length = (to.getUTCFullYear() - from.getUTCFullYear()) * 12 + to.getUTCMonth() - from.getUTCMonth();
  const step = tickMonths.find((months) => length / months <= mostTicks) ?? 48;
  const ticks = [];
  for (let months = 1; months < length; months++) {
    const at = addMonths(from, months);
    const ordinal = at.getUTCFullYear() * 12 + at.getUTCMonth();
    // A name at the very end would not have room.
    if (ordinal % step === 0 && months < length * 0.92)
      ticks.push({ at, label: at.toISOString().slice(0, step < 12 ? 7 : 4) });
  }
  return ticks;
}

/** The scale above the lives of the images. */
export function axisHeading(axis: Axis): Html {
  const ticks = ticksOf(axis).map(
    ({ at, label }) => html`<line class="tick" x1="${place(at, axis)}%" x2="${place(at, axis)}%" y1="12" y2="18"/>
<text x="${place(at, axis)}%" dx="3" y="11">${label}</text>`,
  );
  return html`<svg class="axis" width="100%" height="18" aria-hidden="true">${ticks}</svg>`;
}

export function lifeOf(image: PageImage, axis: Axis): Html {
  const created = momentOf(image.created_at);
  if (!created) return html`<span class="quiet">the time of its creation cannot be read</span>`;
  const life = stagesOf(image, created, axis);
  const bar = (kind: string, from: Date, to: Date): Html => {
    const [x, width] = [place(from, axis), place(to, axis) - place(from, axis)];
    return html`<rect class="${kind}" x="${x}%" y="5" width="${Math.max(width, 0.4).toFixed(2)}%" height="8" rx="2"/>`;
  };
  const mark = (kind: string, at: Date): Html =>
    html`<line class="${kind}" x1="${place(at, axis)}%" x2="${place(at, axis)}%" y1="1" y2="17"/>`;
  const words = wordsOf(image, life);
  return html`<svg class="life" width="100%" height="18" role="img" aria-label="${words}">
${ticksOf(axis).map(({ at }) => mark('tick', at))}
${life.hiddenFrom ? bar('shown', created, life.hiddenFrom) : bar('shown', created, life.end)}
${life.hiddenFrom ? bar('hidden-stage', life.hiddenFrom, life.end) : undefined}
${life.replaced ? mark('replaced', life.replaced) : undefined}
${life.deleteFrom ? html`<circle class="deletion" cx="${place(life.deleteFrom, axis)}%" cy="9" r="4"/>` : undefined}
${mark('now', axis.now)}
</svg>
<span class="quiet">${words}</span>`;
}

interface Stages {
  readonly replaced?: Date | undefined;
  /** The beginning of being hidden, in the past or to come. */
  readonly hiddenFrom?: Date | undefined;
  readonly deleteFrom?: Date | undefined;
  /** Where the bar ends. */
  readonly end: Date;
}

function stagesOf(image: PageImage, created: Date, { now, to }: Axis): Stages {
  const { plan } = image;
  const [replaced, due, deleteFrom] = [image.superseded_at, plan?.hide_from, plan?.delete_from].map(momentOf);
  const hidingKnown = momentOf(image.hidden_at) ?? due;
  // Hidden earlier than its age asks for: at its replacement, or by hand.
  const hiddenEarly = isHiddenNow(image) && !(hidingKnown && hidingKnown <= now) ? (replaced ?? created) : undefined;
  const hiddenFrom = hiddenEarly ?? hidingKnown;
  const isOverdue = deleteFrom !== undefined && deleteFrom <= now;
  return { replaced, hiddenFrom, deleteFrom, end: isOverdue ? now : (deleteFrom ?? to) };
}

function isHiddenNow({ hidden, visibility, state }: PageImage): boolean {
  return hidden || (visibility === 'private' && state === 'archived');
}

function wordsOf(image: PageImage, { hiddenFrom, replaced, deleteFrom }: Stages): string {
  const day = (moment: Date): string => moment.toISOString().slice(0, 10);
  const hidden = isHiddenNow(image) ? 'hidden' : hiddenFrom && `to be hidden from ${day(hiddenFrom)}`;
  return [
    `created ${(image.created_at ?? '').slice(0, 10)}`,
    ...(replaced ? [`replaced ${day(replaced)}`] : []),
    ...(hidden ? [hidden] : []),
    ...(deleteFrom ? [`to be deleted from ${day(deleteFrom)}`] : []),
  ].join(', ');
}

/** In per cent of the width; what is outside is at the edge. */
function place(moment: Date, { from, to }: Axis): number {
  const share = (moment.getTime() - from.getTime()) / (to.getTime() - from.getTime());
  return Math.round(Math.min(Math.max(share, 0), 1) * 10_000) / 100;
}

function monthOf(moment: Date): Date {
  return new Date(Date.UTC(moment.getUTCFullYear(), moment.getUTCMonth(), 1));
}

function momentOf(text: string | null | undefined): Date | undefined {
  const moment = new Date(text ?? '');
  return Number.isNaN(moment.getTime()) ? undefined : moment;
}
