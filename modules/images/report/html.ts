// HTML in which every text is escaped, and in which characters that would not be seen, or would
// change the order of others, are shown.

/** Markup that is complete and safe as it is. */
export interface Html {
  readonly markup: string;
}

type HtmlPart = string | number | Html | readonly Html[] | undefined;

/** A piece of markup; what is put into it is escaped, unless it is markup itself. */
export function html(pieces: TemplateStringsArray, ...parts: readonly HtmlPart[]): Html {
  return { markup: pieces.map((piece, index) => `${piece}${markupOf(parts[index])}`).join('') };
}

/** Markup that is written in this program. Never for a text from elsewhere. */
export function trustedHtml(markup: string): Html {
  return { markup };
}

function markupOf(part: HtmlPart): string {
  if (part === undefined) return '';
  if (typeof part === 'string' || typeof part === 'number') return escapeText(String(part));
  return 'markup' in part ? part.markup : part.map(({ markup }) => markup).join('');
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escapeText(text: string): string {
  return visibleText(text).replace(/[&<>"']/g, (character) => entities[character] ?? '');
}

/**
 * Controls, marks that change the direction of a text, halves of characters, letters without any
 * ink, and spaces that are not the usual one: none of them may make two names look alike, or a name
 * look like something else.
 */
const unseen = /\p{Default_Ignorable_Code_Point}|[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\u2800]|(?! )\p{Zs}/gu;
/** More marks on one letter than any language has; they would cover the lines around it. */
const piledMarks = /(?<=\p{M}{3})\p{M}/gu;

/** The text with every character that is not seen shown by its code, such as `⟨U+202E⟩`. */
export function visibleText(text: string): string {
  return text.replace(unseen, codeOf).replace(piledMarks, codeOf);
}

function codeOf(character: string): string {
  const code = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
  return `⟨U+${code}⟩`;
}
