// Compiles the schema of a declaration to a function in plain JavaScript, so that ajv is not needed
// at run time.
import { Ajv, type Options } from 'ajv';
import standalone from 'ajv/dist/standalone/index.js';
import type { Declaration } from '../modules/core/operation.js';
import { schemaOf } from '../modules/core/schema.js';

export const ajvOptions: Options = { allErrors: true, strict: true, code: { esm: false, source: true } };

/** The text of a CommonJS module that exports the validator. */
export function validatorSource(declaration: Declaration): string {
  const ajv = new Ajv(ajvOptions);
  const source = standalone.default(ajv, ajv.compile(schemaOf(declaration.fields)));
  for (const needed of ['instancePath', 'params']) {
    if (!source.includes(needed))
      throw new Error(`the validator of ${declaration.name} lacks ${needed}, which the messages are made from`);
  }
  return source;
}
