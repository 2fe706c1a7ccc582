// An operation that does on demand whatever a front end must cope with.
import { Ajv } from 'ajv';
import type { ArgumentsOf } from '../../modules/core/fields.js';
import { defineFields } from '../../modules/core/fields.js';
import { InputError, OperationError, RunInProgress } from '../../modules/core/errors.js';
import { optionText } from '../../modules/core/option-text.js';
import { defineDeclaration, type Context, type Operation, type Outcome } from '../../modules/core/operation.js';
import { schemaOf } from '../../modules/core/schema.js';
import { sleep } from '../../modules/core/waiting.js';
import { ajvOptions } from '../../scripts/validators.js';

const behaviours = [
  ...([
    'echo',
    'change',
    'big',
    'awkward',
    'part',
    'fail',
    'busy',
    'crash',
    'reject',
    'vanish',
    'wait',
    'stubborn',
    'progress',
    'hint',
    'refuse',
    'sentences',
    'transfers',
    'forward',
  ] as const),
] as const;

const fields = defineFields({
  behaviour: { type: 'string', choices: behaviours, default: 'echo', description: 'What to do.' },
  count: { type: 'integer', minimum: 1, maximum: 9, default: 3, description: 'How many of them.' },
  names: { type: 'list', aliases: ['name'], description: 'Some names to echo.' },
  force: { type: 'boolean', default: false, description: 'Whether to insist.' },
  text: { type: 'string', description: 'Some text to echo.' },
  password: { type: 'string', secret: true, description: 'A secret of the top level.' },
  auth: {
    type: 'mapping',
    description: 'A nested secret and more.',
    fields: {
      username: { type: 'string', description: 'Name of the user.' },
      token: { type: 'string', secret: true, aliases: ['auth_token'], description: 'Token of the user.' },
    },
  },
  labels: { type: 'mapping', description: 'Some texts to echo.' },
  anything: { type: 'object', description: 'A mapping of anything to echo.' },
  items_file: {
    type: 'records',
    description: 'Some mappings to echo.',
    fields: { name: { type: 'string', description: 'Some text to echo.' } },
  },
  site_yaml: { type: 'path', description: 'A file with some of these.' },
});

type FakeArguments = ArgumentsOf<typeof fields>;

const declaration = defineDeclaration({
  name: 'fake_operation',
  command: 'fake',
  versionAdded: '0.1.0',
  summary: 'Do what a test asks for',
  description: ['Stands in for an operation in the tests of the front ends.'],
  writes: true,
  monitors: true,
  fields,
  returns: { given: { description: 'What was given.', type: 'dict', returned: 'always' } },
  seeAlso: ['image_info'],
  examples: [{ title: 'Echo a name', arguments: { names: ['one'] } }],
});

export const fakeOperation: Operation<typeof fields> = {
  ...declaration,
  validate: new Ajv(ajvOptions).compile(schemaOf(fields)),
  run,
};

async function run(args: FakeArguments, context: Context): Promise<Outcome> {
  context.log('info', `behaves as ${args.behaviour}`);
  context.log('debug', `the password is ${args.password}`);
  switch (args.behaviour) {
    case 'change':
      return {
        ...outcome,
        changed: true,
        message: 'one thing changed',
        differences: [
          {
            header: 'image "one"',
            before: { visibility: 'private' },
            after: { visibility: 'public', 'os:x': ['a', 'yes'] },
          },
        ],
      };
    case 'big':
      return { ...outcome, values: { text: 'x'.repeat(5_000_000) } };
    case 'awkward':
      return { ...outcome, message: awkwardText, values: { text: awkwardText } };
    case 'part':
      return {
        ...outcome,
        changed: true,
        failures: ['image "two": the store cut the connection'],
        table: { columns: ['NAME'], rows: [['one']] },
      };
    case 'hint':
      context.progress({ subject: 'one', stage: 'failed' });
      context.log('info', `look at ${optionText('site_yaml')}`);
      return {
        ...outcome,
        failures: [`one (1): ${hint}`],
        warnings: [`${args.site_yaml} is old; ${optionText('names')} may be wrong`],
        table: {
          columns: ['NAME', 'ACTION', 'REASON'],
          rows: [
            ['one', 'failed', hint],
            ['two', 'done', 'it was new'],
          ],
        },
      };
    case 'refuse':
      throw new InputError(`site_yaml: it is old; count: it requires ${optionText('force')}; text is required`);
    case 'sentences':
      return { ...outcome, table: { columns: ['NAME', 'REASON', 'ID'], rows: longRows } };
    case 'fail':
      throw new OperationError(
        'IT_BROKE',
        `it broke with password ${args.password}`,
        { subject: String(args.password) },
        new Error(`cause ${args.password}`),
      );
    case 'busy':
      throw new RunInProgress('another run is in progress');
    case 'crash':
      throw new TypeError('undefined is not a cloud');
    case 'reject':
      void Promise.reject(new Error('nobody caught this'));
      return sleep(60_000).then(() => outcome);
    case 'vanish':
      return new Promise(() => undefined);
    case 'wait':
      process.stderr.write('at work\n');
      return sleep(60_000, context.signal).then(() => outcome);
    case 'stubborn':
      process.stderr.write('at work\n');
      return sleep(60_000).then(() => outcome);
    case 'progress':
      for (let done = 0; done <= 1000; done += 25)
        context.progress({ subject: 'CC-Ubuntu22.04', stage: 'transfer', doneBytes: done, totalBytes: 1000 });
      return outcome;
    case 'transfers':
      for (const subject of ['one', 'two', 'three'])
        context.progress({ subject, stage: 'transfer', totalBytes: 1000, isAnnounced: true });
      for (const subject of ['one', 'two', 'three'])
        for (let doneBytes = 0; doneBytes <= 1000; doneBytes += 250) {
          context.progress({ subject, stage: 'transfer', doneBytes, totalBytes: 1000 });
          // Longer than a bar takes to be drawn, and than a line is held back.
          await sleep(250);
        }
      return outcome;
    case 'forward':
      return {
        ...outcome,
        changed: true,
        message: '1 deploy, 1 up_to_date',
        summary: '1 image deployed, 1 up to date at fake; nothing failed.',
        warnings: ['it is late'],
        table: {
          columns: ['NAME', 'ACTION'],
          rows: [
            ['one', 'deploy'],
            ['two', 'up_to_date'],
          ],
        },
      };
    case 'echo':
      return {
        ...outcome,
        values: { given: args, check_mode: context.checkMode },
        table: {
          columns: ['NAME', 'N'],
          rows: [
            ['one\u001b[31m', '1'],
            ['three', '33'],
          ],
        },
      };
  }
}

const hint = `it is in use; ${optionText('force', true)} or ${optionText('text', 'all')} changes it anyway`;

const longRows = [
  ['one', 'the site has release 20250422-v1-amd; the previous image is now one_2025-04-22 15:30:45', '1'.repeat(36)],
  ['two', 'short', '2'.repeat(36)],
];

/** What JSON, Ansible and terminals stumble over. */
export const awkwardText =
  'line\u2028separator, next\u0085line, nul\u0000, escape\u001b[31m, half \ud83d, whole 😀, "quotes" \\ ümlaut';

const outcome: Outcome = {
  changed: false,
  message: 'nothing to do',
  values: {},
  failures: [],
  warnings: [],
  differences: [],
  table: { columns: [], rows: [] },
};
