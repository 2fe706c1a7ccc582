// Every spelling of a date that Ironic's own ImageCache reads or refuses, read alike here.
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { parseHttpDate } from '../../modules/core/http-dates.js';
import { april, startCacheSite, type CacheSite } from '../cache/cache-site.js';
import { startOracle, type Oracle } from './ironic-image-cache.js';

let oracle: Oracle;
let site: CacheSite;

beforeAll(() => {
  oracle = startOracle();
});

afterAll(() => oracle.close());

beforeEach(async () => {
  site = await startCacheSite();
});

afterEach(() => site.close());

test('dates are read alike', async () => {
  const dates = [
    ...[
      april,
      'Tue, 1 Apr 2025 8:00:00 GMT',
      'tue, 01 apr 2025 08:00:00 gmt',
      'Mon, 01 Apr 2025 08:00:00 GMT',
      'Tue,  01 Apr 2025 08:00:00 GMT',
      'Tue,01 Apr 2025 08:00:00 GMT',
    ],
    ...[
      'Tuesday, 01-Apr-25 08:00:00 GMT',
      'Tue, 01-Apr-25 08:00:00 GMT',
      'Sunday, 06-Nov-94 08:49:37 GMT',
      'Friday, 06-Nov-68 08:49:37 GMT',
      'Tuesday, 01-Apr-2025 08:00:00 GMT',
    ],
    ...[
      'Tue Apr  1 08:00:00 2025',
      'Tue Apr 1 08:00:00 2025',
      'Tue Apr 01 08:00:00 2025',
      'Tue Apr 01 08:00:00 25',
      'Tue Apr 01 08:00:00 2025 GMT',
    ],
    ...[
      'Sun, 30 Feb 2025 08:00:00 GMT',
      'Thu, 29 Feb 2024 08:00:00 GMT',
      'Tue, 00 Apr 2025 08:00:00 GMT',
      'Tue, 01 Apr 2025 24:00:00 GMT',
      'Tue, 01 Apr 2025 08:60:00 GMT',
      'Tue, 01 Apr 2025 08:00:61 GMT',
    ],
    ...[
      'Tue, 01 Apr 2025 08:00:00 UTC',
      'Tue, 01 Apr 2025 08:00:00 +0000',
      'Tue, 01 Apr 2025 08:00:00',
      '2025-04-01T08:00:00Z',
      '1743494400',
      '0',
      'yesterday',
      'Thu, 01 Jan 1970 00:00:00 GMT',
      'Mon, 01 Jan 0001 00:00:00 GMT',
    ],
  ];
  const theirs: Record<string, number | undefined> = {};
  for (const lastModified of dates) {
    site.serve('/file', 'new', { lastModified });
    const { error, updated_at: date } = await oracle.ask({ do: 'show', url: `${site.url}/file` });
    expect(error).toBeUndefined();
    theirs[lastModified] = date ? Date.parse(date) : undefined;
  }

  expect(Object.fromEntries(dates.map((date) => [date, parseHttpDate(date)]))).toEqual(theirs);
});
