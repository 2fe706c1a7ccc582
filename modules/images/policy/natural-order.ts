// The order of versions as people count them: 1.9 before 1.10, and 20241231 before `latest`.

/**
 * Negative if `one` comes first. Numbers within the texts are compared as numbers, all else letter
 * by letter; a number comes before any letter.
 */
export function naturalOrder(one: string, other: string): number {
  const [parts, others] = [partsOf(one), partsOf(other)];
  for (const [index, part] of parts.entries()) {
    const against = others[index];
    if (against === undefined) return 1;
    const order = index % 2 === 1 ? compareNumbers(part, against) : compareTexts(part, against);
    if (order !== 0) return order;
  }
  return parts.length - others.length;
}

/** Texts and numbers by turns, beginning with a text, which may be empty. */
function partsOf(text: string): string[] {
  return text.split(/(\d+)/).filter((part, index, all) => part !== '' || index < all.length - 1);
}

/** Of any length: no number of JavaScript holds all of them. */
function compareNumbers(one: string, other: string): number {
  const [digits, others] = [one, other].map((each) => each.replace(/^0+(?=\d)/, '')) as [string, string];
  return digits.length - others.length || compareTexts(digits, others);
}

function compareTexts(one: string, other: string): number {
  return one === other ? 0 : one < other ? -1 : 1;
}
