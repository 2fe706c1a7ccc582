// The declaration of site_check: the single source of its documentation, options, types and checks.
import { defineFields } from '../../core/fields.js';
import { defineDeclaration } from '../../core/operation.js';
import { loginFields } from '../../runtime/login-fields.js';
import { checkingPage, loginsPage } from '../../runtime/pages.js';
import { retentionFields } from '../clean/declaration.js';
import { deployStoreFields, transferFields } from '../deploy/declaration.js';
import { siteFields } from '../fields.js';
import { checkedRuns } from '../policy/check-findings.js';

const checkFields = defineFields({
  runs: {
    type: 'list',
    choices: checkedRuns,
    description:
      'The runs to check: what would keep one of them from succeeding is a failure. By default `deploy` and ' +
      '`clean`, and also `ipa_test`, of which everything is a warning because it does not run every night.',
  },
  stale_after: {
    type: 'integer',
    minimum: 0,
    maximum: 36500,
    description:
      'Days after which the newest release of a catalogue is reported as stale, which is a warning. With 0 it ' +
      'never is.',
    default: 180,
    siteYaml: ['stale_after'],
  },
  certificate_days: {
    type: 'integer',
    minimum: 0,
    maximum: 36500,
    description:
      'Days before the end of a certificate from which on it is reported. One that ends within a day is a failure, ' +
      'because it will be refused by the next run.',
    default: 14,
    siteYaml: ['certificate_days'],
  },
  journal_dir: siteFields.journal_dir,
});

// Those that are not in site.yaml belong to a single run.
const {
  latest: _latest,
  ipa: _ipa,
  force: _force,
  stall_timeout: _stallTimeout,
  attempts: _attempts,
  ...wishFields
} = transferFields;

export const siteCheckDeclaration = defineDeclaration({
  name: 'site_check',
  command: 'check',
  versionAdded: '0.1.0',
  summary: 'Check whether the next runs on this site can succeed',
  description: [
    'Reads what `image_deploy`, `image_clean` and `ipa_test` would need, and says in one line each what is in ' +
      'order, what needs attention, and what will fail, with what to do: the login, its roles and scope; the ' +
      'services with their versions; import methods, stores, property protections and quotas of Glance; whether ' +
      'every service reports which images are in use; each catalogue, the age of its newest release, and each ' +
      'object that would be deployed; certificates near their end; the clock; and the folders for lock and journal.',
    'Changes nothing at all. What only Glance itself can tell, whether this login may change images and set their ' +
      'properties, is asked with a request that it always refuses as a whole.',
    'A part that fails hides no other: everything is reported. The task fails if at least one finding failed, ' +
      'and warnings alone do not fail it.',
  ],
  writes: false,
  monitors: true,
  seeAlso: ['image_clean', 'image_deploy', 'ipa_test', checkingPage, loginsPage],
  fields: { ...checkFields, ...wishFields, ...retentionFields, ...deployStoreFields, ...loginFields },
  returns: {
    findings: {
      description: 'One entry for everything that was looked at.',
      type: 'list',
      returned: 'always',
      contains: {
        result: { description: '`ok`, `warning` or `failed`.', type: 'str', returned: 'always', sample: 'failed' },
        check: {
          description:
            'What was looked at: `login`, `permission`, `service`, `import`, `stores`, `protections`, `room`, ' +
            '`catalogue`, `age`, `object`, `uses`, `clean-up`, `lock folder`, `journal folder`, `clock`, ' +
            '`certificate` or `images`.',
          type: 'str',
          returned: 'always',
          sample: 'object',
        },
        subject: {
          description: 'Which one of several, such as the name of an image or the type of a service.',
          type: 'str',
          returned: 'when there may be several',
          sample: 'CC-Ubuntu22.04',
        },
        text: { description: 'What was found.', type: 'str', returned: 'always' },
        advice: {
          description: 'What to do about it.',
          type: 'str',
          returned: 'when something is wrong and `text` does not say so itself',
        },
        code: {
          description: 'Code of the error, as in the list of error codes.',
          type: 'str',
          returned: 'when there was an error',
          sample: 'UNREACHABLE',
        },
        fails: {
          description: 'The runs that will fail because of it: `deploy`, `clean`, `ipa_test`.',
          type: 'list',
          returned: 'when runs will fail',
          sample: ['deploy'],
        },
      },
    },
    counts: {
      description: 'Number of findings by result.',
      type: 'dict',
      returned: 'always',
      contains: {
        ok: { description: 'In order.', type: 'int', returned: 'always', sample: 14 },
        warning: { description: 'Needs attention.', type: 'int', returned: 'always', sample: 1 },
        failed: { description: 'Will fail.', type: 'int', returned: 'always', sample: 0 },
      },
    },
  },
  examples: [
    {
      title: 'Check everything that tonight needs',
      arguments: { site_yaml: '/etc/chameleon_image_tools/site.yaml' },
    },
    {
      title: 'Check a site that only deploys, with another limit for stale releases',
      arguments: { site_yaml: '/etc/chameleon_image_tools/site.yaml', runs: ['deploy'], stale_after: 60 },
    },
  ],
});
