// The documents that ansible-doc prints: of a module alone, and of the same module in the
// collection.
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { writeSidecar, writeStub } from '../../modules/ansible/documentation.js';
import { visitFields } from '../../modules/core/fields.js';
import type { Declaration } from '../../modules/core/operation.js';
import { loadDeclarations } from '../../scripts/declarations.js';
import { collectionOf } from '../../scripts/galaxy.js';

const collection = { name: 'chameleon.image_tools', modules: ['image_clean', 'image_info'] };

const declaration: Declaration = {
  name: 'image_info',
  command: 'info',
  versionAdded: '0.1.0',
  summary: 'List what is there',
  description: ['With `uses`, lists who uses it; see `image_clean`, `uses_unknown` and `os_hidden (Glance)`.'],
  writes: false,
  repeats: 'With `state: all`, it reads again.',
  seeAlso: ['image_clean', { title: 'API', url: 'https://api.example.org/', description: 'Its reference.' }],
  fields: {
    uses: { type: 'boolean', description: 'Also in `images.id`. Only `true` does it.', siteYaml: ['uses'] },
    state: { type: 'string', choices: ['all', 'uses'], description: '`uses` is a state, not the option.' },
    parts: {
      type: 'mapping',
      description: 'Some `parts.kernel`.',
      fields: { kernel: { type: 'string', description: 'Needs `initrd`, or `uses`.' }, initrd: text() },
    },
  },
  returns: {
    images: {
      ...{ description: 'With `id`.', type: 'list', returned: 'with `uses`' },
      contains: { id: { description: 'The `id` of one of `images`; see `uses`.', type: 'str', returned: 'always' } },
    },
    uses_unknown: { description: 'Unknown `uses`.', type: 'str', returned: 'always', sample: '2026-11-02T08:00:00Z' },
  },
  examples: [{ title: 'List all', arguments: { uses: true } }],
};

function text(): Declaration['fields'][string] {
  return { type: 'string', description: 'Some text.' };
}

/** The documents in a stub, as ansible-doc reads them. */
function documentsIn(stub: string): Record<string, any> {
  const found = [...stub.matchAll(/^([A-Z]+) = r'''\n(.*?)'''$/gms)];
  return Object.fromEntries(found.map(([, name, document = '']) => [name, parse(document, { version: '1.1' })]));
}

describe('alone', () => {
  const documents = parse(writeSidecar(declaration), { version: '1.1' });

  test('the markup is what every ansible-doc can show', () => {
    expect(documents.DOCUMENTATION.description).toEqual([
      'With C(uses), lists who uses it; see C(image_clean), C(uses_unknown) and "os_hidden (Glance)".',
    ]);
    expect(writeSidecar(declaration)).not.toMatch(/\b(O|V|RV|M)\(/);
  });

  test('names and links do not need the collection', () => {
    expect(parse(documents.EXAMPLES)).toEqual([{ name: 'List all', image_info: { uses: true } }]);
    expect(documents.DOCUMENTATION.seealso).toEqual([
      expect.objectContaining({
        name: 'image_clean',
        link: expect.stringMatching(/^https:.*reference\/image_clean\.md$/),
      }),
      { name: 'API', link: 'https://api.example.org/', description: 'Its reference.' },
    ]);
    expect(documents.DOCUMENTATION.attributes).not.toHaveProperty('action_group');
  });
});

describe('in the collection', () => {
  const stub = writeStub(declaration, collection);
  const { DOCUMENTATION, EXAMPLES, RETURN } = documentsIn(stub);

  test('it is a Python file with nothing but documents', () => {
    expect(
      stub
        .replace(/^[A-Z]+ = r'''\n.*?'''$/gms, '')
        .replace(/^#.*$/gm, '')
        .trim(),
    ).toBe('');
  });

  test('the markup says what each name is', () => {
    expect(DOCUMENTATION.description).toEqual([
      'With O(uses), lists who uses it; see M(chameleon.image_tools.image_clean), RV(uses_unknown) and "os_hidden (Glance)".',
    ]);
    expect(DOCUMENTATION.attributes.idempotent).toMatchObject({
      support: 'partial',
      details: ['With O(state=all), it reads again.'],
    });
  });

  test('a name means what is nearest: a choice of the option, a key beside it, an option, a returned value', () => {
    const { uses, state, parts } = DOCUMENTATION.options;

    expect(uses.description[0]).toBe('Also in RV(images.id). Only V(true) does it.');
    expect(state.description).toEqual(['V(uses) is a state, not the option.']);
    expect(parts.description).toEqual(['Some O(parts.kernel).']);
    expect(parts.suboptions.kernel.description).toEqual(['Needs O(parts.initrd), or O(uses).']);
    expect(RETURN.images).toMatchObject({ description: 'With C(id).', returned: 'with O(uses)' });
    expect(RETURN.images.contains.id.description).toBe('The C(id) of one of RV(images); see O(uses).');
  });

  test('a key of site.yaml is not an option, even if it has the name of one', () => {
    const alsoInFile = { ...declaration, fields: { ...declaration.fields, site_yaml: text() } };

    expect(documentsIn(writeStub(alsoInFile, collection)).DOCUMENTATION.options.uses.description[1]).toBe(
      'In O(site_yaml): C(uses).',
    );
  });

  test('names are full, and the module is in the group of the login', () => {
    expect(EXAMPLES).toEqual([{ name: 'List all', 'chameleon.image_tools.image_info': { uses: true } }]);
    expect(DOCUMENTATION.seealso[0]).toEqual({ module: 'chameleon.image_tools.image_clean' });
    expect(DOCUMENTATION.attributes.action_group.membership).toEqual(['chameleon.image_tools.cloud']);
  });

  test('a sample that looks like a date is a text', () => {
    expect(RETURN.uses_unknown.sample).toBe('2026-11-02T08:00:00Z');
  });
});

/** The names of options or returned values, as markup has them. */
function namesBelow(entries: Record<string, any> | undefined, below: string, prefix = ''): string[] {
  return Object.entries(entries ?? {}).flatMap(([name, entry]) => [
    prefix + name,
    ...namesBelow(entry[below], below, `${prefix}${name}.`),
  ]);
}

test('every name that the markup marks exists', async () => {
  const declarations = await loadDeclarations();
  const ours = collectionOf(declarations);

  for (const one of declarations) {
    const stub = writeStub(one, ours);
    const { DOCUMENTATION, RETURN } = documentsIn(stub);
    const marked = (mark: string): string[] =>
      [...stub.matchAll(new RegExp(`\\b${mark}\\(([^)=]*)`, 'g'))].map(([, name = '']) => name);
    const options = namesBelow(DOCUMENTATION.options, 'suboptions');
    const values = namesBelow(RETURN, 'contains');
    expect(marked('O').filter((name) => !options.includes(name))).toEqual([]);
    expect(marked('RV').filter((name) => !values.includes(name))).toEqual([]);
    expect(marked('M').filter((name) => !ours.modules.includes(name.replace(`${ours.name}.`, '')))).toEqual([]);
    expect(marked('O').length).toBeGreaterThan(0);
    expect(stub).not.toMatch(/`/);
  }
});

test('every declaration of this project refers to modules that exist, and has the attributes of a module', async () => {
  const declarations = await loadDeclarations();
  const ours = collectionOf(declarations);

  for (const one of declarations) {
    const { DOCUMENTATION } = documentsIn(writeStub(one, ours));
    const related = one.seeAlso.filter((page) => typeof page === 'string');
    expect(related.filter((name) => name === one.name || !ours.modules.includes(name))).toEqual([]);
    expect(related.length).toBeLessThan(one.seeAlso.length);
    visitFields(one.fields, (path, { versionAdded }) => {
      if (versionAdded !== undefined) expect([path, versionAdded > one.versionAdded]).toEqual([path, true]);
    });
    expect(DOCUMENTATION.author).toEqual([expect.stringMatching(/^\w.* \(@\w+\)$/)]);
    expect(Object.keys(DOCUMENTATION.attributes).sort()).toEqual([
      'action_group',
      'check_mode',
      'diff_mode',
      'idempotent',
      'platform',
    ]);
  }
});
