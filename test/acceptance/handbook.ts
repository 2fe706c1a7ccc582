// Reads docs/operating.md: its answers, their commands, and the output that each of them is said to have.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './cloud.js';
import { blocksOf } from './markdown-blocks.js';

const path = join(root, 'docs/operating.md');

export interface Step {
  /** Root on the host with the timers, or the operator in the site's folder. */
  readonly prompt: '#' | '$';
  readonly command: string;
  readonly output: string;
}

export interface Answer {
  readonly title: string;
  readonly steps: readonly Step[];
  /** What the answer has the operator write into the site's variables. */
  readonly settings: readonly string[];
}

export function readHandbook(): readonly Answer[] {
  const text = readFileSync(path, 'utf8');
  return text.split(/^## /m).map((part, index) => ({
    title: index === 0 ? '' : part.slice(0, part.indexOf('\n')),
    steps: blocksOf(part, '').flatMap(stepsOf),
    settings: blocksOf(part, 'yaml'),
  }));
}

/** A command may go on in the next line, after a backslash. */
function stepsOf(block: string): Step[] {
  return [...block.matchAll(/^([#$]) ((?:.*\\\n)*.*)\n((?:(?![#$] ).*\n)*)/gm)].map(
    ([, prompt, command = '', output = '']) => ({ prompt: prompt as '#' | '$', command, output }),
  );
}

/** Puts the output that a command really has in the place of the documented one. */
export function rewriteOutput({ title }: Answer, { prompt, command, output }: Step, actual: string): void {
  const text = readFileSync(path, 'utf8');
  const start = title === '' ? 0 : text.indexOf(`\n## ${title}\n`);
  const begin = `${prompt} ${command}\n`;
  const rewritten = text.slice(start).replace(begin + output, () => begin + actual);
  writeFileSync(path, text.slice(0, start) + rewritten);
}

/**
 * Whether an output is the documented one. Times, ids, hashes, versions and the widths of
 * columns may differ; `…` stands for anything, and alone in its line for any number of lines.
 */
export function isDocumented(actual: string, documented: string): boolean {
  const lines = comparable(documented).map((line) =>
    line === '…' ? '(?:.*\\n)*?' : `${line.split('…').map(escape).join('.*')}\\n`,
  );
  return new RegExp(`^${lines.join('')}$`).test(
    comparable(actual)
      .map((line) => `${line}\n`)
      .join(''),
  );
}

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

/** The lines with a word for whatever is another in each run. */
export function comparable(text: string): string[] {
  const lines = text
    .replace(/\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, '<id>')
    .replace(/\b[0-9a-f]{12,64}\b/g, '<hash>')
    .replace(/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/g, '<time>')
    .replace(/\bon \d{4}-\d\d-\d\d\b/g, 'on <day>')
    .replace(/\b\d+(\.\d+)? (s|d)\b/g, '<duration>')
    .replace(/^\w{3} \d{4}-\d\d-\d\d .* (\w+\.timer)/gm, '<when> $1')
    .replace(/"(Debian|Ubuntu)[^"]*"/g, '<distribution>')
    .replace(/\[core [\d.]+\]/g, '[core <version>]')
    .replace(/^\d+\.\d+\.\d+$/gm, '<version>')
    .replace(/ +/g, ' ')
    .replace(/\n+$/, '')
    .split('\n')
    .map((line) => line.trimEnd());
  // Timers are listed in the order of their next runs, which is another one each day.
  const timers = lines.filter((line) => line.startsWith('<when> ')).sort();
  return lines.map((line) => (line.startsWith('<when> ') ? (timers.shift() ?? line) : line));
}

/** The ids of a documented output, each with the one that is in its place in the actual output. */
export function pairIds(documented: string, actual: string): ReadonlyMap<string, string> {
  const ids = (text: string): string[] => text.match(/\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g) ?? [];
  const found = ids(actual);
  return new Map(ids(documented).flatMap((id, index) => (found[index] ? [[id, found[index]] as const] : [])));
}
