// Shows the progress of transfers: bars on a terminal, an occasional line elsewhere, so that a log
// stays short.
import cliProgress, { type GenericFormatter, type MultiBar, type SingleBar } from 'cli-progress';
import type { Progress } from '../core/operation.js';
import { formatBytes } from '../core/sizes.js';
import type { LineFormat } from './log-lines.js';
import { createTotals, failedStage, totalsText, type Totals } from './progress-totals.js';
import { printable } from './printable.js';

export interface ProgressDisplay {
  show(event: Progress): void;
  /** Writes a line without tearing the bars. */
  line(text: string): void;
  /** Removes the bars. */
  stop(): void;
}

export interface ProgressOptions {
  readonly isShown: boolean;
  /** How lines begin. */
  readonly format: LineFormat;
  /** Whether the stream is a terminal that can show bars. */
  readonly isSmart: boolean;
  /** Milliseconds. */
  readonly now: () => number;
}

/** Bars on a terminal, lines elsewhere, or nothing but the log's lines. */
export function createProgress(
  stream: NodeJS.WritableStream,
  { isShown, format, isSmart, now }: ProgressOptions,
): ProgressDisplay {
  const line = (text: string): void => void stream.write(`${text}\n`);
  if (!isShown) return { show: () => undefined, line, stop: () => undefined };
  if (!isSmart) {
    const show = plainLines((text) => line(format(text, 'info')), now);
    return { show, line, stop: () => undefined };
  }
  return createBars(stream, line, now);
}

function createBars(stream: NodeJS.WritableStream, line: (text: string) => void, now: () => number): ProgressDisplay {
  const bars = new Map<string, SingleBar>();
  const totals = createTotals();
  let multiBar: MultiBar | undefined;
  let totalBar: SingleBar | undefined;
  const columns = (): number => ('columns' in stream && Number(stream.columns)) || 80;
  const open = (): MultiBar =>
    new cliProgress.MultiBar({
      stream,
      format: '{subject}  {stage}  [{bar}] {percentage}%  {done} of {all}  {eta_formatted} left',
      barsize: longestBar,
      barCompleteChar: '#',
      barIncompleteChar: '.',
      hideCursor: true,
      clearOnComplete: true,
      // Signals are handled elsewhere: the run cleans up, and stop() restores the cursor.
      gracefulExit: false,
      emptyOnZero: true,
      linewrap: false,
    });
  return {
    show: (event) => {
      const { subject, stage } = event;
      const { done, total = 0, format } = amountOf(event);
      totals.add(event, now());
      if (event.isAnnounced) return;
      multiBar ??= open();
      totalBar = showTotals({ multiBar, present: totalBar, columns }, totals.read(now()));
      const bar = bars.get(subject) ?? addBar(multiBar, bars, subject);
      if (done === undefined) return bar.update({ stage });
      bar.setTotal(total);
      bar.update(done, { stage, done: format(done), all: total > 0 ? format(total) : '?' });
    },
    line: (text) => (multiBar ? void multiBar.log(`${text}\n`) : line(text)),
    stop: () => multiBar?.stop(),
  };
}

const longestBar = 24;
/** A shorter one shows nothing. */
const shortestBar = 4;

/** How much is left is at the end of the line, and the bar gives way to it. */
function totalFormat(columns: () => number): GenericFormatter {
  return (options, { progress }, { text }: { readonly text: string }) => {
    const percentage = `${Math.floor(progress * 100)}%`;
    const room = columns() - 1 - `all  [] ${percentage}  ${text}`.length;
    const barsize = Math.min(longestBar, room);
    const bar = barsize < shortestBar ? '' : `[${cliProgress.Format.BarFormat(progress, { ...options, barsize })}] `;
    return `all  ${bar}${percentage}  ${text}`;
  };
}

interface TotalsPlace {
  readonly multiBar: MultiBar;
  readonly present: SingleBar | undefined;
  /** How wide the terminal is. */
  readonly columns: () => number;
}

/** The bar of all work together; it is above the others because it is made before them. */
function showTotals({ multiBar, present, columns }: TotalsPlace, sum: Totals | undefined): SingleBar | undefined {
  if (!sum) return present;
  const bar = present ?? multiBar.create(sum.totalBytes, 0, { text: '' }, { format: totalFormat(columns) });
  bar.setTotal(sum.totalBytes);
  bar.update(sum.doneBytes, { text: totalsText(sum) });
  return bar;
}

interface Amount {
  readonly done: number | undefined;
  readonly total: number | undefined;
  readonly format: (amount: number) => string;
}

function amountOf({ doneBytes, totalBytes, doneCount, totalCount }: Progress): Amount {
  return doneCount === undefined
    ? { done: doneBytes, total: totalBytes, format: formatBytes }
    : { done: doneCount, total: totalCount, format: String };
}

/** A new bar replaces those that are full: with many images they would not fit on the screen. */
function addBar(multiBar: MultiBar, bars: Map<string, SingleBar>, subject: string): SingleBar {
  for (const [name, bar] of bars) {
    if (bar.getProgress() < 1) continue;
    multiBar.remove(bar);
    bars.delete(name);
  }
  const bar = multiBar.create(0, 0, { subject: printable(subject), stage: '', done: formatBytes(0), all: '?' });
  bars.set(subject, bar);
  return bar;
}

const stepPercent = 10;
const longestSilenceMs = 30_000;
/** A transfer of one second does not need ten lines. */
const shortestSilenceMs = 1000;

/** A line when a stage begins, at every tenth or half minute, and when it is done. */
function plainLines(line: (text: string) => void, now: () => number): (event: Progress) => void {
  const lastShown = new Map<string, { readonly stage: string; readonly percent: number; readonly at: number }>();
  const showSum = totalLines(line, now);
  return (event) => {
    const { subject, stage } = event;
    showSum(event);
    if (event.isAnnounced) return;
    const { done, total, format } = amountOf(event);
    const percent = done !== undefined && total ? Math.floor((done / total) * 100) : 0;
    const last = lastShown.get(subject);
    if (last?.stage === stage && !(percent === 100 && last.percent < 100)) {
      const silence = percent >= last.percent + stepPercent ? shortestSilenceMs : longestSilenceMs;
      if (now() - last.at < silence) return;
    }
    lastShown.set(subject, { stage, percent: percent - (percent % stepPercent), at: now() });
    // Why it failed is said once, at the end.
    if (stage === failedStage) return;
    const amount = done === undefined ? '' : ` ${format(done)}${total ? ` of ${format(total)} (${percent} %)` : ''}`;
    line(`${printable(subject)}: ${stage}${amount}`);
  };
}

/** A line for all work together, at every tenth or half minute, until everything is done. */
function totalLines(line: (text: string) => void, now: () => number): (event: Progress) => void {
  const totals = createTotals();
  let shown = { percent: 0, at: now() };
  return (event) => {
    const at = now();
    totals.add(event, at);
    const sum = totals.read(at);
    if (!sum || sum.doneBytes === 0 || sum.doneBytes >= sum.totalBytes) return;
    const percent = Math.floor((sum.doneBytes / sum.totalBytes) * 100);
    const silence = percent >= shown.percent + stepPercent ? shortestSilenceMs : longestSilenceMs;
    if (at - shown.at < silence) return;
    shown = { percent: percent - (percent % stepPercent), at };
    line(`all: ${totalsText(sum)} (${percent} %)`);
  };
}
