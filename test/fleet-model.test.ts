import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { repeatableRandom, simulateNight, type Fleet } from '../scripts/bench/fleet-model.js';

const fleet: Fleet = { sites: 1, spreadSeconds: 0, bytes: 1000, requests: 5, storeRate: 100, siteRate: 10 };

test('a site alone has its own line to itself', () => {
  expect(simulateNight(fleet, () => 0)).toEqual({
    ...{ sitesAtOnce: 1, requestsInBusiestSecond: 5, peakLoad: 0.1 },
    ...{ longestRunSeconds: 100, totalSeconds: 100 },
  });
});

test('sites that begin together share the line of the store', () => {
  expect(simulateNight({ ...fleet, sites: 20 }, () => 0)).toMatchObject({
    ...{ sitesAtOnce: 20, requestsInBusiestSecond: 100, peakLoad: 1 },
    longestRunSeconds: expect.closeTo(200),
  });
});

test('sites that begin one after the other do not', () => {
  const starts = [0, 0.25, 0.5, 0.75];
  const random = (): number => starts.shift() ?? 0;

  expect(simulateNight({ ...fleet, sites: 4, spreadSeconds: 1000 }, random)).toEqual({
    ...{ sitesAtOnce: 1, requestsInBusiestSecond: 5, peakLoad: 0.1 },
    ...{ longestRunSeconds: 100, totalSeconds: 850 },
  });
});

test('no night is shorter than both lines allow, nor longer than one site after the other', () => {
  const fleets = fc.record({
    ...{ sites: fc.integer({ min: 1, max: 40 }), spreadSeconds: fc.integer({ min: 0, max: 5000 }) },
    ...{ bytes: fc.integer({ min: 1, max: 5000 }), requests: fc.constant(1) },
    ...{ storeRate: fc.integer({ min: 1, max: 200 }), siteRate: fc.integer({ min: 1, max: 50 }) },
  });
  fc.assert(
    fc.property(fleets, fc.integer(), (given, seed) => {
      const { sitesAtOnce, longestRunSeconds, totalSeconds } = simulateNight(given, repeatableRandom(seed));

      const alone = given.bytes / Math.min(given.siteRate, given.storeRate);
      expect(sitesAtOnce).toBeLessThanOrEqual(given.sites);
      expect(longestRunSeconds).toBeGreaterThanOrEqual(alone * 0.999);
      expect(totalSeconds).toBeGreaterThanOrEqual(((given.bytes * given.sites) / given.storeRate) * 0.999);
      expect(totalSeconds).toBeLessThanOrEqual((given.spreadSeconds + alone * given.sites) * 1.001);
    }),
  );
});
