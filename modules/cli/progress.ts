// Shows the progress of transfers: bars on a terminal, an occasional line elsewhere, so that a log
// stays short.
import cliProgress, { type MultiBar, type SingleBar } from 'cli-progress';
import type { Progress } from '../core/operation.js';
import { formatBytes } from '../core/sizes.js';
import { printable } from './printable.js';

export interface ProgressDisplay {
  show(event: Progress): void;
  /** Writes a line without tearing the bars. */
  line(text: string): void;
  /** Removes the bars. */
  stop(): void;
}

type Stream = NodeJS.WritableStream & { readonly isTTY?: boolean };

/** Bars on a terminal, lines elsewhere, or nothing but the log's lines. */
export function createProgress(stream: Stream, isShown: boolean, now: () => number): ProgressDisplay {
  const line = (text: string): void => void stream.write(`${text}\n`);
  if (!isShown) return { show: () => undefined, line, stop: () => undefined };
  if (!stream.isTTY) return { show: plainLines(line, now), line, stop: () => undefined };
  return createBars(stream, line);
}

function createBars(stream: Stream, line: (text: string) => void): ProgressDisplay {
  const bars = new Map<string, SingleBar>();
  let multiBar: MultiBar | undefined;
  const open = (): MultiBar =>
    new cliProgress.MultiBar({
      stream,
      format: '{subject}  {stage}  [{bar}] {percentage}%  {done} of {all}  {eta_formatted} left',
      barsize: 24,
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
      multiBar ??= open();
      const bar = bars.get(subject) ?? addBar(multiBar, bars, subject);
      if (done === undefined) return bar.update({ stage });
      bar.setTotal(total);
      bar.update(done, { stage, done: format(done), all: total > 0 ? format(total) : '?' });
    },
    line: (text) => (multiBar ? void multiBar.log(`${text}\n`) : line(text)),
    stop: () => multiBar?.stop(),
  };
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

/** How an operation reports that a piece of work has failed. */
const failedStage = 'failed';
const stepPercent = 10;
const longestSilenceMs = 30_000;
/** A transfer of one second does not need ten lines. */
const shortestSilenceMs = 1000;

/** A line when a stage begins, at every tenth or half minute, and when it is done. */
function plainLines(line: (text: string) => void, now: () => number): (event: Progress) => void {
  const lastShown = new Map<string, { readonly stage: string; readonly percent: number; readonly at: number }>();
  return (event) => {
    const { subject, stage } = event;
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
