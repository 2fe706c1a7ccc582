// The text format of Prometheus, as far as OpenMetrics has the same: gauges without timestamps.

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** All samples of one name, each of a gauge. */
export interface MetricFamily {
  readonly name: string;
  /** One sentence, if any. */
  readonly help?: string | undefined;
  readonly samples: readonly Sample[];
}

/** The families that have a sample. Both `text/plain; version=0.0.4` and OpenMetrics. */
export function formatExposition(families: readonly MetricFamily[]): string {
  const blocks = families
    .filter(({ samples }) => samples.length > 0)
    .flatMap(({ name, help, samples }) => [
      ...(help === undefined ? [] : [`# HELP ${name} ${escaped(help)}`]),
      `# TYPE ${name} gauge`,
      ...samples.map(({ labels, value }) => `${name}${labelsText(labels)} ${numberText(value)}`),
    ]);
  return [...blocks, '# EOF', ''].join('\n');
}

function labelsText(labels: Sample['labels']): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value).replaceAll('"', '\\"')}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}

/** Go writes infinity as `+Inf`. */
function numberText(value: number): string {
  if (Number.isFinite(value) || Number.isNaN(value)) return String(value);
  return value > 0 ? '+Inf' : '-Inf';
}

const labelPattern = /([a-zA-Z_]\w*)="((?:[^"\\\n]|\\["\\n])*)"/y;
const samplePattern = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/s;

/** The samples of a text by the name of their family; lines that are anything else are left out. */
export function parseExposition(text: string): ReadonlyMap<string, readonly Sample[]> {
  const found = new Map<string, Sample[]>();
  for (const line of text.split('\n')) {
    const [, name = '', given = '', written = ''] = samplePattern.exec(line) ?? [];
    const labels = labelsIn(given);
    const value = Number(written);
    if (name === '' || !labels || written === '' || !Number.isFinite(value)) continue;
    found.set(name, [...(found.get(name) ?? []), { labels, value }]);
  }
  return found;
}

/** Undefined if it is not a list of labels. */
function labelsIn(text: string): Sample['labels'] | undefined {
  const labels: Record<string, string> = {};
  let rest = 0;
  while (rest < text.length) {
    labelPattern.lastIndex = rest;
    const [whole, name = '', value = ''] = labelPattern.exec(text) ?? [];
    if (whole === undefined) return undefined;
    labels[name] = value.replace(/\\(.)/g, (_, character: string) => (character === 'n' ? '\n' : character));
    rest += whole.length;
    if (rest < text.length && text[rest] !== ',') return undefined;
    rest += 1;
  }
  return labels;
}
