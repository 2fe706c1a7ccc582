import type { Field, Fields } from './fields.js';

export type JsonSchema = { readonly [keyword: string]: unknown };

/** Anything but control characters. Secrets are exempt, since a password may contain anything. */
const printable = '^[^\\u0000-\\u001f\\u007f-\\u009f]*$';

/**
 * The JSON Schema (draft 7) of a set of fields. It includes `required`, which applies after
 * site.yaml has been merged in.
 */
export function schemaOf(fields: Fields): JsonSchema {
  const required = Object.keys(fields).filter((name) => fields[name]?.required);
  return {
    type: 'object',
    additionalProperties: false,
    properties: Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, schemaOfField(field)])),
    ...(required.length > 0 ? { required } : {}),
  };
}

function schemaOfField(field: Field): JsonSchema {
  switch (field.type) {
    case 'string':
      if (field.choices) return { type: 'string', enum: field.choices };
      if (field.pattern) return { type: 'string', pattern: field.pattern.regex };
      return field.secret ? { type: 'string' } : { type: 'string', pattern: printable };
    case 'path':
      return { type: 'string', minLength: 1, pattern: printable };
    case 'integer':
    case 'number':
      return {
        type: field.type,
        ...(field.minimum === undefined ? {} : { minimum: field.minimum }),
        ...(field.maximum === undefined ? {} : { maximum: field.maximum }),
      };
    case 'boolean':
      return { type: 'boolean' };
    case 'list':
      return {
        type: 'array',
        items: field.choices
          ? { type: 'string', enum: field.choices }
          : { type: 'string', minLength: 1, pattern: field.pattern?.regex ?? printable },
      };
    case 'object':
      return { type: 'object' };
    case 'records':
      return { type: 'array', items: field.fields ? schemaOf(field.fields) : { type: 'object' } };
    case 'mapping':
      return field.fields
        ? schemaOf(field.fields)
        : { type: 'object', additionalProperties: { type: 'string', pattern: printable } };
  }
}
