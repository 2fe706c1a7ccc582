// Patches of nodes and ports: RFC 6902 as far as Ironic takes it
// (ironic/api/controllers/v1/utils.py).

import { inPython, refusal } from './ironic-api.js';

type Values = Readonly<Record<string, unknown>>;

interface Step {
  readonly op: 'add' | 'replace' | 'remove';
  readonly path: string;
  readonly value?: unknown;
}

/** The patch of a request. Throws the refusal of what is none. */
export function patchOf(body: unknown): readonly Step[] {
  const refuse = (what: string): never => {
    throw refusal(400, `Schema error for patch: ${what}`);
  };
  if (!Array.isArray(body)) return refuse(`${inPython(body)} is not of type 'array'`);
  for (const step of body as Values[]) {
    for (const key of ['op', 'path']) if (!(key in step)) refuse(`'${key}' is a required property`);
    if (!['add', 'replace', 'remove'].includes(step['op'] as string))
      refuse(`${inPython(step['op'])} is not one of ['add', 'replace', 'remove']`);
    if (!/^(\/[\w-]+)+$/.test(String(step['path'])))
      refuse(`${inPython(step['path'])} does not match '^(/[\\\\w-]+)+$'`);
    if (step['op'] !== 'remove' && !('value' in step)) throw refusal(500, "'value'");
  }
  return body as Step[];
}

/** The fields that a patch is about. Throws where one may not be patched. */
export function patchedFields(patch: readonly Step[], allowed: readonly string[]): readonly string[] {
  return patch.map(({ path }) => {
    const [field = ''] = partsOf(path);
    if (!allowed.includes(field))
      throw refusal(400, `Cannot patch ${path}. Only the following can be updated: ${allowed.join(', ')}`);
    return field;
  });
}

/** The record with the patch applied; a field that was removed is not there any more. */
export function patched(record: Values, patch: readonly Step[]): Record<string, unknown> {
  const document = structuredClone(record) as Record<string, unknown>;
  for (const step of patch) {
    try {
      apply(document, step);
    } catch (error) {
      throw refusal(400, `Couldn't apply patch '${inPython(step)}'. Reason: ${(error as Error).message}`);
    }
  }
  return document;
}

function apply(document: Record<string, unknown>, { op, path, value }: Step): void {
  const parts = partsOf(path);
  const last = parts.pop() ?? '';
  let parent: unknown = document;
  for (const part of parts) {
    const inner = (parent as Record<string, unknown>)[part];
    if (inner === undefined) throw new Error(`member '${part}' not found in ${inPython(parent)}`);
    parent = inner;
  }
  if (Array.isArray(parent)) return applyToList(parent, last, { op, value });
  const mapping = parent as Record<string, unknown>;
  if (op !== 'add' && !(last in mapping)) throw new Error(`can't ${op} a non-existent object '${last}'`);
  if (op === 'remove') delete mapping[last];
  else mapping[last] = value;
}

function applyToList(list: unknown[], last: string, { op, value }: Pick<Step, 'op' | 'value'>): void {
  const index = last === '-' ? list.length : Number(last);
  if (!Number.isInteger(index)) throw new Error(`'${last}' is not a valid sequence index`);
  if (index > list.length || (op !== 'add' && index === list.length))
    throw new Error(op === 'add' ? "can't insert outside of list" : `can't ${op} outside of list`);
  list.splice(index, op === 'add' ? 0 : 1, ...(op === 'remove' ? [] : [value]));
}

function partsOf(path: string): string[] {
  return path.split('/').slice(1);
}
