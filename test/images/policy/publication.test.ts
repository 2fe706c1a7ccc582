// What is written to a store, in which order, and what is refused. A model of a store shows that a
// run that is killed after any write leaves nothing half-written that anybody reads.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  planPublication,
  publicationPaths,
  type Publication,
  type StoreState,
} from '../../../modules/images/policy/publication.js';

const publication: Publication = {
  name: 'CC-A',
  release: '20250422-v1',
  scope: 'prod',
  diskFormat: 'qcow2',
  bytes: 1000,
  sha256: 'abc',
  manifest: undefined,
  buildTimestamp: '2025-04-22 15:30:45.000000',
  makeCurrent: true,
};
const document = (content: unknown): { text: string } => ({ text: JSON.stringify(content) });
const manifest = document({ 'build-distro': 'ubuntu', 'build-timestamp': '2025-01-01 00:00:00' });
const empty: StoreState = { image: 'absent', manifest: undefined, catalogue: undefined };
const published: StoreState = { image: 'same', manifest, catalogue: document({ 'CC-A': '20250422-v1' }) };

/** Such as `image write, current up_to_date`. */
function actions(state: Partial<StoreState>, request: Partial<Publication> = {}): string {
  const steps = planPublication({ ...publication, ...request }, { ...empty, ...state });
  return steps.map(({ part, action }) => `${part} ${action}`).join(', ');
}

test.each<[string, Partial<StoreState>, Partial<Publication>, string]>([
  ['an empty store', {}, {}, 'image write, manifest write, current write'],
  ['an empty store, not current', {}, { makeCurrent: false }, 'image write, manifest write'],
  ['a published release', published, {}, 'image up_to_date, manifest up_to_date, current up_to_date'],
  [
    'a release that is not current yet',
    { ...published, catalogue: document({ 'CC-A': '20250101-v1' }) },
    {},
    'image up_to_date, manifest up_to_date, current write',
  ],
  ['an image without a manifest', { image: 'same' }, {}, 'image up_to_date, manifest write, current write'],
  ['other bytes that were never published', { image: 'other' }, {}, 'image write, manifest write, current write'],
  [
    'a part of a second format',
    { ...published, image: 'unfinished' },
    {},
    'image write, manifest up_to_date, current up_to_date',
  ],
  [
    'half a manifest',
    { ...published, manifest: { text: '{"build-' } },
    {},
    'image up_to_date, manifest write, current up_to_date',
  ],
  [
    'a manifest that was not finished',
    { ...published, manifest: { ...manifest, isUnfinished: true } },
    {},
    'image up_to_date, manifest write, current up_to_date',
  ],
  [
    'a `current` that was not finished, though it is not requested',
    { ...published, catalogue: { ...document({ 'CC-A': '20250422-v1' }), isUnfinished: true } },
    { makeCurrent: false },
    'image up_to_date, manifest up_to_date, current write',
  ],
])('%s', (_, state, request, expected) => {
  expect(actions(state, request)).toBe(expected);
});

describe('a manifest', () => {
  const requested = { 'build-distro': 'ubuntu' };

  test('gets the time of the file, or the one that was requested', () => {
    const textOf = (given: Record<string, string>): unknown =>
      planPublication({ ...publication, manifest: given }, empty)[1]?.after;

    expect(textOf(requested)).toEqual({ ...requested, 'build-timestamp': '2025-04-22 15:30:45.000000' });
    expect(textOf({ 'build-timestamp': '1745335845' })).toEqual({ 'build-timestamp': '1745335845' });
  });

  test.each<[string, Record<string, string> | undefined, string]>([
    ['is left as it is if none was requested', undefined, ''],
    ['is the same with another time of the file', requested, ''],
    ['with another value is refused', { 'build-distro': 'centos' }, 'differs in build-distro'],
    ['with one key more is refused', { ...requested, 'build-repo': 'x' }, 'differs in build-repo'],
    ['with one key less is refused', {}, 'differs in build-distro'],
    ['with another requested time is refused', { ...requested, 'build-timestamp': '1745335845' }, 'build-timestamp'],
    ['without a key of the prototype is refused for it', { ...requested, toString: 'x' }, 'differs in toString'],
  ])('%s', (_, given, message) => {
    const plan = (): unknown => actions(published, { manifest: given });

    if (message === '') expect(plan()).toBe('image up_to_date, manifest up_to_date, current up_to_date');
    else expect(plan).toThrow(message);
  });

  test('that is a list is refused', () => {
    expect(() => actions({ ...published, manifest: document([]) })).toThrow(/is not a JSON object/);
  });
});

describe('`current`', () => {
  test('keeps the other images, and entries that nobody can read', () => {
    const others = { 'CC-B': '20250101-v1', 'a/b': [1], 'CC-A': '20250101-v1' };
    const step = planPublication(publication, { ...published, catalogue: document(others) })[2];

    expect(JSON.parse(step?.text ?? '')).toEqual({ ...others, 'CC-A': '20250422-v1' });
    expect(step).toMatchObject({ before: { 'CC-A': '20250101-v1' }, after: { 'CC-A': '20250422-v1' } });
  });

  test.each(['', 'not JSON', '[]', '"text"', 'null'])('that is %j is never overwritten', (text) => {
    expect(() => actions({ catalogue: { text } })).toThrow(
      expect.objectContaining({ code: 'CATALOGUE_UNUSABLE', message: expect.stringContaining('was left alone') }),
    );
  });
});

test.each<[string, Partial<StoreState>]>([
  ['a manifest', { manifest }],
  ['a place in `current`', { catalogue: document({ 'CC-A': '20250422-v1' }) }],
])('other bytes of a release with %s are refused', (_, state) => {
  expect(() => actions({ image: 'other', ...state })).toThrow(
    expect.objectContaining({ code: 'RELEASE_TAKEN', message: expect.stringContaining('has other bytes') }),
  );
});

/** A store of files; what is read of it. */
type Files = Map<string, string>;

function stateOf(files: Files, request: Publication, content: string): StoreState {
  const paths = publicationPaths(request);
  const image = files.get(paths.image);
  const read = (path: string): { text: string } | undefined => {
    const text = files.get(path);
    return text === undefined ? undefined : { text };
  };
  return {
    image: image === undefined ? 'absent' : image === content ? 'same' : 'other',
    manifest: read(paths.manifest),
    catalogue: read(paths.catalogue),
  };
}

/** Writes until killed; false if the release was refused. */
function run(files: Files, request: Publication, content: string, killedAfter: number): boolean {
  try {
    const steps = planPublication(request, stateOf(files, request, content)).filter(({ action }) => action === 'write');
    for (const step of steps.slice(0, killedAfter)) files.set(step.path, step.text ?? content);
    return true;
  } catch {
    return false;
  }
}

test('after any kills, whatever `current` names is complete and never changes, and the next run finishes', () => {
  const attempt = fc.record({
    release: fc.constantFrom('r1', 'r2'),
    content: fc.constantFrom('one', 'two'),
    makeCurrent: fc.boolean(),
    killedAfter: fc.integer({ min: 0, max: 3 }),
  });
  fc.assert(
    fc.property(fc.array(attempt, { maxLength: 8 }), (attempts) => {
      const files: Files = new Map();
      const deployed = new Map<string, string>();
      const look = (): void => {
        const current = JSON.parse(files.get('prod/current') ?? '{}') as Record<string, string>;
        for (const release of Object.values(current)) {
          const content = files.get(`prod/versions/${release}/CC-A.qcow2`);
          expect(files.has(`prod/versions/${release}/CC-A.manifest`)).toBe(true);
          expect(content).toBe(deployed.get(release) ?? content);
          deployed.set(release, content ?? 'nothing');
        }
      };
      for (const { release, content, makeCurrent, killedAfter } of attempts) {
        const request = { ...publication, release, makeCurrent };
        for (let writes = 0; writes <= killedAfter; writes += 1) {
          const copy: Files = new Map(files);
          run(copy, request, content, writes);
          expect(JSON.parse(copy.get('prod/current') ?? '{}')).toBeInstanceOf(Object);
        }
        run(files, request, content, killedAfter);
        look();
        if (killedAfter < 3 && run(files, request, content, 3)) {
          look();
          expect(actions(stateOf(files, request, content), request)).not.toContain('write');
        }
      }
    }),
  );
});
