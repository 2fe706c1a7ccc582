import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { defineFields } from '../../modules/core/fields.js';
import { imageDeployDeclaration } from '../../modules/images/deploy/declaration.js';
import { loginFields } from '../../modules/runtime/login-fields.js';
import { mergeSiteYaml, type MergedArguments } from '../../modules/runtime/site-yaml.js';
import { loadDeclarations } from '../../scripts/declarations.js';
import { temporaryFolder, type TemporaryFolder } from '../clients/temporary-folder.js';

const fields = defineFields({
  ...loginFields,
  image_type: { type: 'string', choices: ['qcow2', 'raw'], description: 'Format.', siteYaml: ['image_type'] },
  hide_months: { type: 'integer', description: 'Age.', aliases: ['hide'], siteYaml: ['hide_image_age_in_month'] },
  skip_images: { type: 'list', description: 'Ids.', siteYaml: ['skip_images'] },
  enabled: { type: 'boolean', description: 'On or off.', siteYaml: ['enabled', 'enable_it'] },
});

const oldLogin =
  'auth_url: http://key:5000\nadmin_username: admin\nadmin_password: 0123\nadmin_project: admin\nregion_name: R\n';

let folder: TemporaryFolder;
beforeEach(() => void (folder = temporaryFolder()));
afterEach(() => folder.remove());

/** With a clouds.yaml that knows `uc_dev` alone. */
function merge(content: string | Buffer, given: Record<string, unknown> = {}, mode = 0o600): Promise<MergedArguments> {
  const environment = { OS_CLIENT_CONFIG_FILE: folder.write('clouds.yaml', 'clouds: {uc_dev: {}}\n') };
  return mergeSiteYaml(fields, { site_yaml: folder.write('site.yaml', content, mode), ...given }, { environment });
}

describe('options', () => {
  test('come from the file if the argument is absent, converted to the type of the field', async () => {
    const { values, origins, warnings } = await merge(
      'image_type: raw\nhide_image_age_in_month: 12\nskip_images: [007, b]\nenabled: yes\n',
    );

    expect(values).toMatchObject({ image_type: 'raw', hide_months: 12, skip_images: ['007', 'b'], enabled: true });
    expect(origins.get('image_type')).toBe(`image_type (from ${folder.path}/site.yaml)`);
    expect(origins.get('hide_months')).toBe(`hide_image_age_in_month (from ${folder.path}/site.yaml)`);
    expect(warnings).toEqual([]);
  });

  test('yield to arguments, also under another name', async () => {
    const { values, origins } = await merge('image_type: raw\nhide_image_age_in_month: 12\n', {
      image_type: 'qcow2',
      hide: 3,
    });

    expect(values).toMatchObject({ image_type: 'qcow2', hide: 3 });
    expect(values).not.toHaveProperty('hide_months');
    expect([...origins.keys()]).toEqual([]);
  });

  test('take the first of their keys, and null for absent', async () => {
    const { values } = await merge('enable_it: no\nimage_type: ~\nskip_images:\n');

    expect(values).toMatchObject({ enabled: false });
    expect(Object.keys(values).sort()).toEqual(['enabled', 'site_yaml']);
  });

  test('that cannot be converted are left to the schema', async () => {
    expect((await merge('hide_image_age_in_month: twelve\n')).values.hide_months).toBe('twelve');
  });

  test('stay as they are without site_yaml', async () => {
    expect(await mergeSiteYaml(fields, { image_type: 'raw' }, { environment: {} })).toEqual({
      values: { image_type: 'raw' },
      origins: new Map(),
      warnings: [],
    });
  });

  test('come from a file in the home folder', async () => {
    folder.write('site.yaml', 'image_type: raw');

    const { values } = await mergeSiteYaml(
      fields,
      { site_yaml: '~/site.yaml' },
      { environment: { HOME: folder.path } },
    );

    expect(values.image_type).toBe('raw');
  });
});

describe('the login', () => {
  test('of older tools becomes auth in the domain default', async () => {
    const { values, origins } = await merge(oldLogin);

    expect(values).toMatchObject({
      region_name: 'R',
      auth: {
        auth_url: 'http://key:5000',
        username: 'admin',
        password: '0123',
        project_name: 'admin',
        user_domain_id: 'default',
        project_domain_id: 'default',
      },
    });
    expect(origins.get('auth')).toBe(
      `auth_url, admin_username, admin_password, admin_project (from ${folder.path}/site.yaml)`,
    );
  });

  test('by name becomes cloud, and precedes that of older tools', async () => {
    const { values, warnings } = await merge(`${oldLogin}image_store_cloud: uc_dev\n`);

    expect(values).toMatchObject({ cloud: 'uc_dev', region_name: 'R' });
    expect(values).not.toHaveProperty('auth');
    expect(warnings).toEqual([
      `${folder.path}/site.yaml has image_store_cloud and auth_url: image_store_cloud is used`,
    ]);
  });

  test('by the name of a cloud that is in no clouds.yaml yields to that of old, with a warning', async () => {
    const { values, warnings } = await merge(`${oldLogin}image_store_cloud: CHI@XYZ\n`);

    expect(values).toMatchObject({ region_name: 'R', auth: { username: 'admin', password: '0123' } });
    expect(values).not.toHaveProperty('cloud');
    expect(warnings).toEqual([
      `${folder.path}/site.yaml: image_store_cloud is "CHI@XYZ", which is in no clouds.yaml; ` +
        'the login from auth_url and admin_* is used',
    ]);
  });

  test('by the name of an unknown cloud stays where no whole login is beside it', async () => {
    const { values } = await merge('auth_url: http://key\nadmin_username: admin\nimage_store_cloud: uc_prod\n');

    expect(values).toMatchObject({ cloud: 'uc_prod' });
    expect(values).not.toHaveProperty('auth');
  });

  test('in auth comes before the keys beside it that older tools need', async () => {
    const auth = '{auth_url: "http://new", username: u, password: p, project_name: q, user_domain_name: Sites}';

    const { values, warnings } = await merge(`${oldLogin}image_store_cloud: uc_dev\nauth: ${auth}\n`);

    expect(values).toMatchObject({ auth: { auth_url: 'http://new', username: 'u', user_domain_name: 'Sites' } });
    expect(values).not.toHaveProperty('cloud');
    expect(warnings).toEqual([]);
  });

  test('parts of it in auth override those of the cloud', async () => {
    const { values } = await merge('image_store_cloud: uc_dev\nauth: {project_name: other}\n');

    expect(values).toMatchObject({ cloud: 'uc_dev', auth: { project_name: 'other' } });
  });

  test.each([[{ cloud: 'mine' }], [{ auth: { auth_url: 'http://mine' } }]])('yields to %j', async (given) => {
    const { values } = await merge(`${oldLogin}image_store_cloud: uc_dev\n`, given);

    expect(values).toMatchObject(given);
    expect('cloud' in values && 'auth' in values).toBe(false);
  });

  test('leaves the region to a cloud that is named explicitly, but not to auth', async () => {
    expect((await merge(oldLogin, { cloud: 'mine' })).values).not.toHaveProperty('region_name');
    expect((await merge(oldLogin, { auth: { auth_url: 'http://mine' } })).values.region_name).toBe('R');
  });

  test('with a part missing is refused', async () => {
    await expect(merge('auth_url: http://key\nadmin_username: admin\n')).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      field: 'site_yaml',
      message:
        `site_yaml: ${folder.path}/site.yaml has a login without admin_password and admin_project; ` +
        'it needs auth_url, admin_username, admin_password, admin_project, or image_store_cloud',
    });
  });

  test('with a part missing does not matter if another login is given', async () => {
    expect((await merge('auth_url: http://key\n', { cloud: 'mine' })).values.cloud).toBe('mine');
  });
});

describe('a file of the first tools, deployed by image_deploy,', () => {
  const storesOf = async (content: string, given: Record<string, unknown> = {}): Promise<unknown> =>
    (
      await mergeSiteYaml(
        imageDeployDeclaration.fields,
        { site_yaml: folder.write('site.yaml', content), ...given },
        { environment: {} },
      )
    ).values.catalog;

  test('means the older store', async () => {
    expect(await storesOf(oldLogin)).toEqual(['objects']);
  });

  test.each<[string, string, Record<string, unknown>]>([
    ['the file names the present store', `${oldLogin}object_store_url: https://s\n`, {}],
    ['an argument names the present store', oldLogin, { object_store_url: 'https://s' }],
    ['it names a cloud, as later tools want', `${oldLogin}image_store_cloud: R\n`, {}],
    ['it has no login', 'region_name: R\n', {}],
  ])('unless %s', async (_, content, given) => {
    expect(await storesOf(content, given)).toBeUndefined();
  });

  test.each<[string, string, Record<string, unknown>]>([
    ['itself', `${oldLogin}catalog: releases\n`, {}],
    ['an argument', oldLogin, { catalog: ['releases'] }],
  ])('means the store that %s says', async (_, content, given) => {
    expect(await storesOf(content, given)).toEqual(['releases']);
  });
});

describe('warnings', () => {
  test('of no key that another operation reads', async () => {
    const keys = (await loadDeclarations())
      .flatMap(({ fields }) => Object.values(fields))
      .flatMap((field) => field.siteYaml ?? []);

    const { warnings } = await merge([...new Set(keys)].map((key) => `${key}:`).join('\n'));

    expect(warnings.filter((warning) => warning.includes('is not known'))).toEqual([]);
  });

  test('of unknown keys, with the nearest name', async () => {
    const { warnings } = await merge('image_typ: raw\nzzz: 1\n');

    expect(warnings).toEqual([
      `${folder.path}/site.yaml: the key "image_typ" is not known and is ignored; did you mean "image_type"?`,
      `${folder.path}/site.yaml: the key "zzz" is not known and is ignored`,
    ]);
  });

  test('of no key that another operation knows', async () => {
    const { warnings } = await merge(
      'delete_image_age_in_month: 18\nobject_store_url: https://s\nimage_container: c\nimage_prefix: testing_\n' +
        'image_metadata_field: f\nscope: prod\ncatalog: releases,objects\nobjects_store_url: https://o\n' +
        'objects_container: o\nsupports_yaml: /s\n',
    );

    expect(warnings).toEqual([]);
  });

  test.each([
    [0o644, oldLogin, true],
    [0o640, oldLogin, false],
    [0o644, 'image_type: raw\n', false],
  ])('of a password that everybody may read: mode %o', async (mode, content, expected) => {
    const { warnings } = await merge(content, {}, mode);

    expect(warnings.some((warning) => warning.includes(`chmod 0600 ${folder.path}/site.yaml`))).toBe(expected);
  });
});

describe('a file that is refused', () => {
  test.each([
    ['- a\n', 'must be a mapping of keys to values, but it is a list'],
    ['', 'it is empty'],
    ['text', 'it is plain text'],
    ['<html></html>', 'is HTML or XML'],
    ['$ANSIBLE_VAULT;1.1;AES256\n6162\n', 'decrypt it first'],
    ['a: 1\na: 2\n', 'line 2 is not valid YAML: a key is given twice'],
    ['admin_password: !vault |\n  $ANSIBLE_VAULT;1.1\n', 'line 1 is not valid YAML: Unresolved tag'],
    ['a: [\n', 'is not valid YAML'],
  ])('%j', async (content, message) => {
    await expect(merge(content)).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      field: 'site_yaml',
      message: expect.stringContaining(message),
    });
  });

  test('because it does not exist', async () => {
    await expect(mergeSiteYaml(fields, { site_yaml: '/nowhere/site.yaml' }, { environment: {} })).rejects.toThrow(
      'site_yaml: /nowhere/site.yaml cannot be read: there is no such file',
    );
  });
});
