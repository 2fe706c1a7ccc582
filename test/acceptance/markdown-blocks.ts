// The fenced blocks of a page of the documentation, whose commands tests run.

/** Those of a language; with an empty one, those that name none, which are commands. */
export function blocksOf(text: string, language: string): string[] {
  return [...text.matchAll(/^```(\w*)\n(.*?)^```$/gms)].flatMap(([, found, block = '']) =>
    found === language ? [block] : [],
  );
}
