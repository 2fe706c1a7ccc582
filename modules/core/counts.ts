// Counts what happened to the parts of a run, for the sentence that summarizes it.

/** Such as `1 month` or `12 months`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** The first of them, and how many more there are: `a, b and 3 more`. `count`: of all, if not all are in the list. */
export function listSome(texts: readonly string[], most: number, count = texts.length): string {
  const shown = texts.slice(0, most);
  return `${shown.join(', ')}${count > shown.length ? ` and ${count - shown.length} more` : ''}`;
}

/** How often each word occurs, in the order of their first occurrence. */
export function countWords(words: readonly string[]): readonly (readonly [word: string, count: number])[] {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts];
}

/** Such as `2 deploy, 1 failed`; empty if there is nothing. */
export function joinCounts(counts: ReturnType<typeof countWords>): string {
  return counts.map(([word, count]) => `${count} ${word}`).join(', ');
}

export function countActions(results: readonly { readonly action: string }[]): string {
  return joinCounts(countWords(results.map(({ action }) => action)));
}
