// How secrets are compared that Ironic masks.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { compareSecrets, secretRecordKey } from '../../../modules/nodes/policy/secret-records.js';

const keeping = { key: 'k'.repeat(32), salt: 'salt' };
const wishing = (driver_info: Record<string, unknown>) => ({ attributes: {}, mappings: { driver_info } });
const servedWith = (record: unknown) => ({
  driver_info: { ipmi_password: '******' },
  extra: { [secretRecordKey]: record },
});

describe('a secret', () => {
  test('is the same or a different one, according to the record of what was written', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (written, wanted) => {
        const { record } = compareSecrets({}, wishing({ ipmi_password: written }), keeping);
        const { same, record: next } = compareSecrets(servedWith(record), wishing({ ipmi_password: wanted }), {
          ...keeping,
          salt: 'another',
        });

        expect([...same]).toEqual(written === wanted ? ['driver_info.ipmi_password'] : []);
        if (written === wanted) expect(next).toEqual(record);
        expect(compareSecrets(servedWith(next), wishing({ ipmi_password: wanted }), keeping).same.size).toBe(1);
        if (written.length > 3) expect(JSON.stringify(record)).not.toContain(written);
      }),
    );
  });

  test.each<[string, unknown]>([
    ['there is no record', undefined],
    [
      'the record is of another key',
      compareSecrets({}, wishing({ ipmi_password: 'p' }), { key: 'x'.repeat(32), salt: 's' }).record,
    ],
    ['the record is of another form', { version: 2 }],
    ['the record is broken', 'text'],
  ])('is unknown if %s', (_, record) =>
    expect(compareSecrets(servedWith(record), wishing({ ipmi_password: 'p' }), keeping).same.size).toBe(0),
  );

  test('of another field or of another node proves nothing', () => {
    const { record } = compareSecrets({}, wishing({ ipmi_password: 'p' }), keeping);

    expect(compareSecrets(servedWith(record), wishing({ redfish_password: 'p' }), keeping).same.size).toBe(0);
    expect(compareSecrets({}, wishing({ ipmi_password: 'p' }), { ...keeping, salt: 'other' }).record).not.toEqual(
      record,
    );
  });

  test('that is removed leaves the record, and what was not given stays in it', () => {
    const { record } = compareSecrets({}, wishing({ ipmi_password: 'p', snmp_auth_key: 'q' }), keeping);
    const { record: fewer } = compareSecrets(servedWith(record), wishing({ ipmi_password: null }), keeping);

    expect(compareSecrets(servedWith(fewer), wishing({ ipmi_password: 'p' }), keeping).same.size).toBe(0);
    expect(compareSecrets(servedWith(fewer), wishing({ snmp_auth_key: 'q' }), keeping).same.size).toBe(1);
    expect(compareSecrets({}, wishing({ ipmi_address: 'a' }), keeping).record).toBeUndefined();
  });
});
