// Any sequence of deployments, rollbacks, renames by hand and kills leaves one production image after
// the next run, and what was taken back does not return by itself.
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { wasArchived } from '../../../modules/images/policy/site-image.js';
import {
  deployWrites,
  emptyModel,
  inProduction,
  makeWrites,
  planOf,
  releases,
  releaseWrites,
  renameByHand,
  rollbackWrites,
  type ModelSite,
} from './rollback-site.js';

type Step =
  | { readonly do: 'publish' }
  | { readonly do: 'deploy'; readonly force: boolean; readonly killedAfter: number }
  | { readonly do: 'rollback'; readonly to: number | undefined; readonly killedAfter: number }
  | { readonly do: 'release'; readonly killedAfter: number }
  | { readonly do: 'by hand'; readonly choice: number; readonly both: boolean };

const killedAfter = fc.integer({ min: 0, max: 4 });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.constant({ do: 'publish' as const }),
  fc.record({ do: fc.constant('deploy' as const), force: fc.boolean(), killedAfter }),
  fc.record({
    do: fc.constant('rollback' as const),
    to: fc.option(fc.integer({ min: 0, max: releases.length - 1 }), { nil: undefined }),
    killedAfter,
  }),
  fc.record({ do: fc.constant('release' as const), killedAfter }),
  fc.record({ do: fc.constant('by hand' as const), choice: fc.nat(9), both: fc.boolean() }),
);

/** An operator who asks for what is not there is refused, and nothing is changed. */
function ifAllowed(site: ModelSite, writesOf: () => Parameters<typeof makeWrites>[1], killed: number): void {
  let writes: Parameters<typeof makeWrites>[1];
  try {
    writes = writesOf();
  } catch (error) {
    if (!['INVALID_INPUT', 'ROLLBACK_REFUSED'].includes((error as { code?: string }).code ?? '')) throw error;
    return;
  }
  makeWrites(site, writes, killed);
}

function make(site: ModelSite, taken: Step): void {
  switch (taken.do) {
    case 'publish':
      site.newest = Math.min(site.newest + 1, releases.length - 1);
      return;
    case 'deploy':
      makeWrites(site, deployWrites(site, taken.force), taken.killedAfter);
      return;
    case 'rollback':
      ifAllowed(
        site,
        () => rollbackWrites(site, taken.to === undefined ? undefined : releases[taken.to]),
        taken.killedAfter,
      );
      return;
    case 'release':
      ifAllowed(site, () => releaseWrites(site), taken.killedAfter);
      return;
    case 'by hand': {
      // An operator acts on a site that no run has left half done.
      makeWrites(site, deployWrites(site));
      const archived = site.images.filter(wasArchived);
      const chosen = archived[taken.choice % Math.max(1, archived.length)];
      if (chosen) renameByHand(site, chosen.id, taken.both);
    }
  }
}

const history = fc.array(step, { maxLength: 12 });

test('one production image is left by the next run, and the run after it changes nothing', () => {
  fc.assert(
    fc.property(history, (steps) => {
      const site = emptyModel();
      for (const taken of steps) make(site, taken);

      makeWrites(site, deployWrites(site));

      expect(inProduction(site)).toHaveLength(1);
      expect(deployWrites(site)).toEqual([]);
      expect(['up_to_date', 'held']).toContain(planOf(site).images[0]?.action);
    }),
    { numRuns: 200 },
  );
});

test('the same by the next rollback', () => {
  fc.assert(
    fc.property(history, (steps) => {
      const site = emptyModel();
      makeWrites(site, deployWrites(site));
      for (const taken of steps) make(site, taken);
      const before = inProduction(site).length;

      ifAllowed(site, () => rollbackWrites(site), Number.POSITIVE_INFINITY);

      expect(inProduction(site)).toHaveLength(Math.min(before, 1));
    }),
    { numRuns: 200 },
  );
});

test.each(['rollback', 'by hand'] as const)('what a %s took back does not return before a newer release', (how) => {
  fc.assert(
    fc.property(history, fc.nat(9), (steps, choice) => {
      const site = emptyModel();
      for (const taken of steps) make(site, taken);
      makeWrites(site, deployWrites(site));
      const bad = inProduction(site)[0]?.properties.current;
      const archived = site.images.filter((image) => wasArchived(image) && image.properties.current !== bad);
      const chosen = archived[choice % Math.max(1, archived.length)];
      if (!chosen || chosen.properties.current === releases[site.newest]) return;
      if (how === 'rollback') makeWrites(site, rollbackWrites(site, chosen.id));
      else renameByHand(site, chosen.id, true);

      for (let night = 0; night < 3; night++) makeWrites(site, deployWrites(site));

      expect(inProduction(site).map(({ id }) => id)).toEqual([chosen.id]);
    }),
    { numRuns: 200 },
  );
});
