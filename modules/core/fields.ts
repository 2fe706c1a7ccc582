/** What every field declares. */
interface FieldBase {
  /** Full sentences. The first one is shown alone in short help. */
  readonly description: string;
  /** Other names that are accepted. */
  readonly aliases?: readonly string[];
  /** Masked wherever arguments or results are shown. */
  readonly secret?: true;
  /** Keys under which site.yaml may give this value. An explicit argument wins. */
  readonly siteYaml?: readonly string[];
  /**
   * The value that a site.yaml without such a key means, if it has all keys in `present`, and
   * neither it nor the arguments have one in `absent`.
   */
  readonly siteYamlImplies?: {
    readonly present: readonly string[];
    readonly absent: readonly string[];
    readonly value: unknown;
  };
  /** The release of this project that introduced the field; by default that of its operation. */
  readonly versionAdded?: string;
  /** The field must be given, here or in site.yaml. */
  readonly required?: true;
}

export interface StringField extends FieldBase {
  readonly type: 'string';
  readonly choices?: readonly string[];
  readonly pattern?: { readonly regex: string; readonly meaning: string };
  readonly default?: string;
}

/** The path of a file or directory; a leading `~` means the home directory. */
export interface PathField extends FieldBase {
  readonly type: 'path';
  readonly default?: string;
}

export interface NumberField extends FieldBase {
  readonly type: 'integer' | 'number';
  readonly minimum?: number;
  readonly maximum?: number;
  readonly default?: number;
}

export interface BooleanField extends FieldBase {
  readonly type: 'boolean';
  readonly default?: boolean;
}

/** A list of strings. As in Ansible, a text is split at its commas. */
export interface ListField extends FieldBase {
  readonly type: 'list';
  readonly choices?: readonly string[];
  /** Of each element. */
  readonly pattern?: { readonly regex: string; readonly meaning: string };
  readonly default?: readonly string[];
}

/**
 * A mapping with these keys only, or without `fields` of any string keys to string values. On the
 * command line it is a file; without `fields`, also KEY=VALUE.
 */
export interface MappingField extends FieldBase {
  readonly type: 'mapping';
  readonly fields?: Fields;
}

/**
 * A mapping with values of any type, nested ones and null included. The name of a key decides
 * whether its value is a secret. On the command line it is a file, or KEY=VALUE.
 */
export interface ObjectField extends FieldBase {
  readonly type: 'object';
}

/**
 * A list of mappings, each with these keys, or without `fields` with any, as in an `object`. On the
 * command line it is a file.
 */
export interface RecordsField extends FieldBase {
  readonly type: 'records';
  readonly fields?: Fields;
}

export type Field =
  | StringField
  | PathField
  | NumberField
  | BooleanField
  | ListField
  | MappingField
  | ObjectField
  | RecordsField;
export type Fields = { readonly [name: string]: Field };

type ValueOf<F extends Field> = F extends { type: 'string'; choices: readonly (infer C)[] }
  ? C
  : F extends { type: 'string' | 'path' }
    ? string
    : F extends { type: 'integer' | 'number' }
      ? number
      : F extends { type: 'boolean' }
        ? boolean
        : F extends { type: 'list'; choices: readonly (infer C)[] }
          ? readonly C[]
          : F extends { type: 'list' }
            ? readonly string[]
            : F extends { type: 'mapping'; fields: infer G extends Fields }
              ? ArgumentsOf<G>
              : F extends { type: 'mapping' }
                ? Readonly<Record<string, string>>
                : F extends { type: 'object' }
                  ? Readonly<Record<string, unknown>>
                  : F extends { type: 'records'; fields: infer G extends Fields }
                    ? readonly ArgumentsOf<G>[]
                    : F extends { type: 'records' }
                      ? readonly Readonly<Record<string, unknown>>[]
                      : never;

type IsPresent<F extends Field> = F extends { required: true } | { default: unknown } ? true : false;

/** The type of an operation's arguments after validation: present where required or defaulted. */
export type ArgumentsOf<F extends Fields> = {
  readonly [K in keyof F as IsPresent<F[K]> extends true ? K : never]: ValueOf<F[K]>;
} & {
  readonly [K in keyof F as IsPresent<F[K]> extends true ? never : K]?: ValueOf<F[K]>;
};

/** Keeps the literal types of a declaration and checks its shape. */
export function defineFields<const F extends Fields>(fields: F): F {
  return fields;
}

/**
 * The numbers that a field allows, such as `1 to 16`; undefined if it is not a number or has no
 * limits.
 */
export function rangeOf(field: Field): string | undefined {
  if (field.type !== 'integer' && field.type !== 'number') return undefined;
  const { minimum, maximum } = field;
  if (minimum === undefined) return maximum === undefined ? undefined : `at most ${maximum}`;
  return maximum === undefined ? `${minimum} or more` : `${minimum} to ${maximum}`;
}

/**
 * The fields below a mapping, or below each element of a list of mappings; undefined for any other
 * field.
 */
export function fieldsBelow(field: Field): Fields | undefined {
  return field.type === 'mapping' || field.type === 'records' ? field.fields : undefined;
}

/** Calls `visit` for each field with its dotted path, nested ones too. */
export function visitFields(fields: Fields, visit: (path: string, field: Field) => void, prefix = ''): void {
  for (const [name, field] of Object.entries(fields)) {
    visit(prefix + name, field);
    visitFields(fieldsBelow(field) ?? {}, visit, `${prefix}${name}.`);
  }
}
