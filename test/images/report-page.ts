// The text of a page of image_report, as a reader without scripts has it.

const entities: Readonly<Record<string, string>> = { lt: '<', gt: '>', quot: '"', '#39': "'", amp: '&' };

function plain(markup: string): string {
  return markup
    .replace(/<svg.*?<\/svg>/gs, ' ')
    .replace(/<[^>]*>/g, ' ')
    .replace(/&(lt|gt|quot|#39|amp);/g, (_, name: string) => entities[name] ?? '')
    .replace(/\s+/g, ' ')
    .trim();
}

/** A line for each row, item, heading and paragraph. */
export function textOf(page: string): string {
  const body = page.slice(page.indexOf('<body>'), page.indexOf('<script>'));
  return body
    .split(/(?=<(?:tr|p|h\d|section|dl)\b)/)
    .map(plain)
    .filter((line) => line !== '')
    .join('\n');
}

/** The row of the image of this name; undefined if there is none. */
export function rowOf(page: string, name: string): string | undefined {
  const rows = page.split('<tr>').slice(1);
  const row = rows.find((each) => plain(/<bdi class="name">(.*?)<\/bdi>/s.exec(each)?.[1] ?? '') === name);
  return row && plain(row.slice(0, row.indexOf('</tr>')));
}
