// What is wrong with what somebody wrote, as data: which field, and why.

export interface Fault {
  /** Dotted, such as `ports[0].mac`; empty where it is the whole. */
  readonly field: string;
  /** A sentence without the field. */
  readonly text: string;
}

export function faultText({ field, text }: Fault): string {
  return field === '' ? text : `${field}: ${text}`;
}

/** A field below another. */
export function below(field: string, key: string): string {
  return field === '' ? key : `${field}.${key}`;
}

const longestShown = 80;

/** A value in a message, cut where it is long. */
export function shownInFault(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length <= longestShown ? text : `${text.slice(0, longestShown)}…`;
}
