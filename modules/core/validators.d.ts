// Written by the build into build/validators, one for each operation, from its declaration.
declare module '#validators/*' {
  import type { ValidateFunction } from 'ajv';
  const validate: ValidateFunction;
  export default validate;
}
