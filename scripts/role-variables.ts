// What a site may set for the role, from role-variables.yml: the role's defaults, its argument
// specification, and the defaults.yml that sites copy from.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { root } from './declarations.js';

interface RoleVariable {
  readonly name: string;
  readonly type: string;
  readonly elements?: string;
  readonly choices?: readonly unknown[];
  readonly no_log?: boolean;
  readonly default: unknown;
  readonly description: string;
}

interface Section {
  readonly section: string;
  readonly variables: readonly RoleVariable[];
}

const origin = '# Written by `npm run docs` from scripts/role-variables.yml. Change that, not this.\n';
const width = 100;

/** The texts of the three files, by their paths from the project's folder. */
export function roleVariableFiles(): ReadonlyMap<string, string> {
  const sections = parse(readFileSync(join(root, 'scripts/role-variables.yml'), 'utf8')) as readonly Section[];
  const defaults = sections.map(sectionText).join('\n');
  return new Map([
    [
      'defaults.yml',
      `${origin}${comment(
        "All that a site may set for the Chameleon image tools, with the role's defaults. " +
          "Copy a line into the site's own defaults.yml, or into group_vars, to change it. " +
          'Booleans may be written as kolla does: "yes", "no".',
      )}\n${defaults}`,
    ],
    [
      'roles/chameleon_image_tools/defaults/main.yml',
      `${origin}${comment(
        'What a site may set, with its default. ' +
          'The defaults.yml of the project is the same list, for copying from.',
      )}\n${defaults}`,
    ],
    ['roles/chameleon_image_tools/meta/argument_specs.yml', origin + argumentSpecs(sections)],
  ]);
}

function sectionText({ section, variables }: Section): string {
  const title = `# --- ${section} `;
  return `${title.padEnd(width, '-')}\n\n${variables.map(defaultText).join('')}`;
}

function defaultText({ name, default: value, description }: RoleVariable): string {
  const isShort = Array.isArray(value) || (typeof value === 'object' && Object.keys(value ?? {}).length === 0);
  const options = { lineWidth: 0, version: '1.1', flowCollectionPadding: false } as const;
  return (
    comment(description) +
    (isShort
      ? `${name}: ${stringify(value, { ...options, collectionStyle: 'flow' })}`
      : stringify({ [name]: value }, options))
  );
}

function argumentSpecs(sections: readonly Section[]): string {
  const options = sections.flatMap(({ variables }) =>
    variables.map(({ name, type, elements, choices, no_log: noLog, default: value, description }) => [
      name,
      {
        type,
        ...(elements ? { elements } : {}),
        ...(choices ? { choices } : {}),
        ...(noLog ? { no_log: noLog } : {}),
        default: value,
        description,
      },
    ]),
  );
  return stringify(
    {
      argument_specs: {
        main: {
          short_description: 'Install the Chameleon image tools, and run them daily',
          description: [
            'Installs the executables and the command, writes site.yaml, and sets up systemd timers on one host ' +
              'of the group.',
            'A second run changes nothing, and check mode works on a fresh host.',
          ],
          author: ['Chameleon'],
          options: Object.fromEntries(options),
        },
      },
    },
    { lineWidth: width, version: '1.1' },
  );
}

/** The text as a YAML comment, broken into lines. */
function comment(text: string): string {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(`# ${word}`);
  }
  return lines.map((line) => `${line}\n`).join('');
}
