// Names that have left the catalogue: what becomes of their images, and which catalogue is
// believed.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { aged, hiddenByUs, oldImage, plan, planOf, type PlanChanges } from './retention-fixtures.js';

describe('an image whose name has left the catalogue', () => {
  const hidden = (updated_at: string) =>
    oldImage({ name: 'CC-CentOS7', visibility: 'private', updated_at, properties: hiddenByUs });

  test.each<[string, number, string, string]>([
    ['is kept for thirty days after it was hidden', 0, '2026-05-02T12:00:01Z', 'keep'],
    ['is deleted after thirty days', 0, '2026-05-02T12:00:00Z', 'delete'],
    ['is kept for the days of grace where these are more', 60, '2026-05-02T12:00:00Z', 'keep'],
    ['is deleted after them', 60, '2026-04-02T12:00:00Z', 'delete'],
    ['is kept for thirty days where the days of grace are fewer', 7, '2026-05-20T12:00:00Z', 'keep'],
    ['is kept where its last change cannot be read', 0, '', 'keep'],
  ])('%s', (_, graceDays, updated_at, action) => {
    expect(planOf(hidden(updated_at), { settings: { graceDays } })).toMatchObject({ state: 'deprecated', action });
  });

  test('is not deleted before it is old enough, however long it has been hidden', () => {
    expect(planOf({ ...hidden('2025-01-01T00:00:00Z'), created_at: aged(13) })).toMatchObject({
      action: 'keep',
      reason: '13 months old and hidden; due to be deleted on 2026-11-01',
    });
  });

  test('is hidden with a note, and the reason says what comes next', () => {
    expect(planOf(oldImage({ name: 'CC-CentOS7' }))).toMatchObject({
      recordsHiding: true,
      reason: '26 months old, hidden at 12; due to be deleted 30 days later at the earliest',
    });
    expect(planOf(oldImage({ name: 'CC-CentOS7', visibility: 'private' }))).toMatchObject({
      recordsHiding: true,
      reason: expect.stringContaining('already hidden, which is recorded'),
    });
    expect(planOf(oldImage({ created_at: aged(13) }))).not.toHaveProperty('recordsHiding');
  });
});

describe('a catalogue that has lost', () => {
  const production = (count: number, from = 0) =>
    Array.from({ length: count }, (_, at) => oldImage({ id: `p${from + at}`, name: `CC-Name${from + at}` }));
  /** Actions of images in production, of which the catalogue has all but the first `lost`. */
  const actionsAfter = (names: number, lost: number, changes: PlanChanges = {}) => {
    const left = new Set(production(names - lost, lost).map(({ name }) => name));
    return plan(production(names), { catalogue: left, ...changes });
  };

  test.each([
    ['two names of three', 3, 2],
    ['three names of nine', 9, 3],
    ['one name of two', 2, 1],
  ])('%s is believed', (_, names, lost) => {
    const { images, doubt } = actionsAfter(names, lost);

    expect(images.filter(({ action }) => action === 'hide')).toHaveLength(lost);
    expect(doubt).toBeUndefined();
  });

  test.each([
    ['three names of eight', 8, 3],
    ['four names of five', 5, 4],
    ['three names of four', 4, 3],
  ])('%s is not, until the losses are accepted', (_, names, lost) => {
    const { images, doubt } = actionsAfter(names, lost);

    expect(images.filter(({ action }) => action === 'hide' || action === 'delete')).toEqual([]);
    expect(images.filter(({ action }) => action === 'skip')).toHaveLength(lost);
    expect(doubt).toContain(
      `the catalogue no longer has ${lost} of the ${names} names that the site has in production (CC-Name0, ` +
        'CC-Name1, CC-Name2',
    );
    expect(
      actionsAfter(names, lost, { settings: { acceptLosses: true } }).images.filter(({ action }) => action === 'hide'),
    ).toHaveLength(lost);
    expect(actionsAfter(names, lost, { settings: { keepDeprecated: true } })).not.toHaveProperty('doubt');
  });

  test('many names is believed for archived images, and not mentioned if nothing is due', () => {
    const archived = oldImage({ id: 'archived' });

    expect(
      plan([...production(5), archived], { catalogue: new Set(['CC-Name4']) }).images.find(
        ({ image }) => image === archived,
      ),
    ).toMatchObject({ action: 'delete' });
    expect(
      plan(
        production(5).map((image) => ({ ...image, created_at: aged(3) })),
        { catalogue: new Set(['CC-Name4']) },
      ),
    ).not.toHaveProperty('doubt');
  });

  test('more names than were accepted before does not count these, since they are hidden', () => {
    const hidden = production(3).map((image) => ({ ...image, visibility: 'private', properties: hiddenByUs }));

    expect(
      plan([...hidden, ...production(3, 3)], {
        catalogue: new Set(['CC-Name3', 'CC-Name4', 'CC-Name5']),
      }).images.filter(({ action }) => action === 'delete'),
    ).toHaveLength(3);
  });

  test('names never has more than two of them, and more than a third, hidden or deleted', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 30 }), fc.nat(30), fc.boolean(), (names, given, acceptLosses) => {
        const lost = Math.min(names - 1, given);
        const { images, doubt } = actionsAfter(names, lost, { settings: { acceptLosses } });
        const touched = images.filter(({ action }) => action === 'hide' || action === 'delete').length;

        expect(images.filter(({ action }) => action === 'delete')).toEqual([]);
        if (!acceptLosses) expect(touched <= 2 || touched * 3 <= names).toBe(true);
        expect(touched).toBe(doubt === undefined ? lost : 0);
      }),
    );
  });
});
