// Colours, where a terminal has them and nobody has asked for none.
import type { Environment } from '../core/operation.js';

export type Colour = 'red' | 'green' | 'yellow' | 'cyan' | 'bold';

/** Puts a text into a colour, or leaves it as it is. */
export type Paint = (colour: Colour, text: string) => string;

const codes: Readonly<Record<Colour, readonly [begin: number, end: number]>> = {
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
  bold: [1, 22],
};

/** For pipes, files and terminals without colours. */
export const plainPaint: Paint = (_, text) => text;

/**
 * The paint for a stream. NO_COLOR counts unless it is empty (https://no-color.org). A terminal
 * whose type is unknown counts as one without colours.
 */
export function paintFor(
  stream: { readonly isTTY?: boolean },
  { environment, isWanted }: { readonly environment: Environment; readonly isWanted: boolean },
): Paint {
  const hasColours = isWanted && isSmartTerminal(stream, environment) && !environment.NO_COLOR;
  if (!hasColours) return plainPaint;
  return (colour, text) => {
    const [begin, end] = codes[colour];
    return text === '' ? '' : `\u001b[${begin}m${text}\u001b[${end}m`;
  };
}

/** True for a terminal on which more than lines of text can be shown. */
export function isSmartTerminal({ isTTY }: { readonly isTTY?: boolean }, { TERM }: Environment): boolean {
  return isTTY === true && TERM !== undefined && TERM !== '' && TERM !== 'dumb';
}

const good = ['deploy', 'resume', 'update', 'copy', 'write', 'rollback', 'change', 'ok', 'done', 'passed', 'updated'];
const doubtful = ['hide', 'delete', 'skip', 'held', 'in_progress', 'warning'];
const bad = ['failed', 'conflict', 'error'];

/** Words that are a cell of a table, such as the action taken on an image. */
const colourOfWords: ReadonlyMap<string, Colour> = new Map<string, Colour>([
  ...good.map((word) => [word, 'green'] as const),
  ...doubtful.map((word) => [word, 'yellow'] as const),
  ...bad.map((word) => [word, 'red'] as const),
]);

/** A cell of a table in the colour of what it says, if it has one. */
export function paintCell(paint: Paint, cell: string): string {
  const colour = colourOfWords.get(cell);
  return colour === undefined ? cell : paint(colour, cell);
}
