// How an operation logs in: shared by all that talk to a cloud. The names are those of
// openstacksdk.
import { defineFields } from '../core/fields.js';

export const authFields = defineFields({
  auth_url: { type: 'string', description: 'URL of Keystone, with or without `/v3`.' },
  username: { type: 'string', description: 'Name of the user.' },
  user_id: { type: 'string', description: 'Id of the user, instead of its name and domain.' },
  password: { type: 'string', secret: true, description: 'Password of the user.' },
  project_name: { type: 'string', aliases: ['tenant_name'], description: 'Name of the project to work in.' },
  project_id: {
    type: 'string',
    aliases: ['tenant_id'],
    description: 'Id of the project, instead of its name and domain.',
  },
  user_domain_name: { type: 'string', description: "Name of the user's domain." },
  user_domain_id: { type: 'string', description: "Id of the user's domain." },
  project_domain_name: { type: 'string', description: "Name of the project's domain." },
  project_domain_id: { type: 'string', description: "Id of the project's domain." },
  domain_name: {
    type: 'string',
    aliases: ['default_domain_name'],
    description: 'Name of the domain of the user and of the project, unless they are given separately.',
  },
  domain_id: {
    type: 'string',
    aliases: ['default_domain_id', 'default_domain'],
    description:
      'Id of the domain of the user and of the project, unless they are given separately. ' +
      'It is `default` if no domain is given at all.',
  },
  system_scope: {
    type: 'string',
    choices: ['all'],
    description: 'The same as the option `system_scope`, in the place where openstacksdk expects it.',
  },
  token: { type: 'string', secret: true, description: 'An existing token, instead of a password.' },
  application_credential_id: { type: 'string', description: 'Id of an application credential.' },
  application_credential_name: {
    type: 'string',
    description: 'Name of an application credential; the user that owns it must be given as well.',
  },
  application_credential_secret: { type: 'string', secret: true, description: 'Secret of the application credential.' },
  endpoint: {
    type: 'string',
    description: 'URL of a standalone Bare Metal service without Keystone, for the `auth_type` `none` or `http_basic`.',
  },
});

export const loginFields = defineFields({
  cloud: {
    type: 'string',
    description:
      'Name of a cloud in `clouds.yaml`, which is searched for where openstacksdk does: ' +
      'OS_CLIENT_CONFIG_FILE, the current directory, `~/.config/openstack`, `/etc/openstack`. ' +
      '`secure.yaml` is merged in. In `site_yaml` the key is `image_store_cloud`.',
  },
  auth: {
    type: 'mapping',
    fields: authFields,
    siteYaml: ['auth'],
    description:
      'The login itself, instead of `cloud`; together with `cloud` it overrides single values of that. ' +
      'Without both, the login comes from `site_yaml`, or else from the OS_* environment variables. ' +
      'In `site_yaml` it may also be given by the keys `auth_url`, `admin_username`, `admin_password` and ' +
      '`admin_project`, in the domain `default`.',
  },
  auth_type: {
    type: 'string',
    choices: ['password', 'v3password', 'token', 'v3token', 'v3applicationcredential', 'none', 'http_basic'],
    siteYaml: ['auth_type'],
    description:
      'The type of login. By default it follows from what `auth` contains: ' +
      'an application credential, a token, or a password. `none` and `http_basic` are for a standalone Bare ' +
      'Metal service.',
  },
  system_scope: {
    type: 'string',
    choices: ['all'],
    siteYaml: ['system_scope'],
    description:
      'With `all`, the Bare Metal service gets a system-scoped token, and all other services get one of the ' +
      'project. Without a system-scoped token, Ironic 2024.1 and newer shows only the nodes of the project. ' +
      'By default, such a token is used if the user has a role on the system. ' +
      'A login without a project can be used for bare metal alone. Not possible with an application credential.',
  },
  region_name: {
    type: 'string',
    aliases: ['region'],
    siteYaml: ['region_name'],
    description: 'The region to work in. It may be left out if the cloud has only one.',
  },
  interface: {
    type: 'string',
    choices: ['public', 'internal', 'admin'],
    aliases: ['endpoint_type'],
    siteYaml: ['interface'],
    description: 'Which endpoints of the catalogue to use. It is `public` unless the login says otherwise.',
  },
  ca_cert: {
    type: 'path',
    aliases: ['cacert'],
    siteYaml: ['ca_cert'],
    description: 'A PEM file with the CAs that sign the certificates of the cloud and of the image store.',
  },
  validate_certs: {
    type: 'boolean',
    aliases: ['verify'],
    siteYaml: ['validate_certs'],
    description:
      'Whether certificates are checked. They are, unless this option or the login in `clouds.yaml` says no.',
  },
  timeout: {
    type: 'integer',
    minimum: 1,
    maximum: 3600,
    default: 60,
    description: 'Seconds within which a service must begin to answer a request.',
  },
  endpoint_override: {
    type: 'mapping',
    siteYaml: ['endpoint_override'],
    description: "URLs to use instead of the catalogue's, by service type, such as `image` or `baremetal`.",
  },
  site_yaml: {
    type: 'path',
    description:
      "The site's own file, such as `/etc/chameleon_image_tools/site.yaml`, with the login and options that are " +
      'not given otherwise.',
  },
});
