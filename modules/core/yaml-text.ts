/** A mapping as YAML-like text with a newline at its end, for people who compare two of them line by line. An empty one is no text. */
export function toYamlText(values: Readonly<Record<string, unknown>>): string {
  return linesOf(values)
    .map((line) => `${line}\n`)
    .join('');
}

function linesOf(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap((element: unknown) => nested('-', element, '- '));
  return Object.entries(value as object)
    .filter(([, inner]) => inner !== undefined)
    .flatMap(([key, inner]) => nested(`${scalar(key)}:`, inner, '  '));
}

function nested(label: string, value: unknown, indent: string): string[] {
  if (typeof value !== 'object' || value === null) return [`${label} ${scalar(value)}`];
  const lines = linesOf(value);
  if (lines.length === 0) return [`${label} ${Array.isArray(value) ? '[]' : '{}'}`];
  if (indent === '- ') return lines.map((line, index) => `${index === 0 ? '- ' : '  '}${line}`);
  return [label, ...lines.map((line) => indent + line)];
}

/** Text as it is where YAML would read it back as the same text; else in JSON's quotes. */
function scalar(value: unknown): string {
  if (typeof value !== 'string') return String(value);
  const plain = /^[\p{L}_/][\p{L}\p{N} _/.@*+=()<>-]*(:[\p{L}\p{N}_/.@-]+)*$/u.test(value) && value === value.trim();
  const word = /^(y|yes|n|no|on|off|true|false|null|\.inf|\.nan)$/i.test(value);
  return plain && !word ? value : JSON.stringify(value);
}
