// What is compared with the drivers that conductors offer.
import { describe, expect, test } from '@jest/globals';
import { misspelt } from '../../../modules/core/validation.js';
import { checkDriver, type DriverOffer, type DriverUse } from '../../../modules/nodes/policy/driver-checks.js';

const use: DriverUse = { driver: 'ipmi', isDriverChanged: true, interfaces: [], keys: [] };
const offer: DriverOffer = {
  drivers: ['fake-hardware', 'ipmi'],
  interfaces: { deploy: ['direct', 'ramdisk'], rescue: [] },
  defaults: {},
  properties: ['A1', 'ipmi_address', 'ipmi_password', 'ipmi_port', 'image_http_proxy', 'image_https_proxy'],
};
const check = (
  given: Partial<DriverUse>,
  keys: readonly string[] = [],
  offered: Partial<DriverOffer> = {},
): ReturnType<typeof checkDriver> => checkDriver({ ...use, ...given }, { ...offer, ...offered }, new Set(keys));

describe('a driver', () => {
  test('that is offered is accepted, and so is everything if the offer is unknown', () => {
    const fine = { faults: [], warnings: [] };

    expect(check({ interfaces: [['deploy', 'direct']], keys: ['ipmi_address'] })).toEqual(fine);
    expect(checkDriver({ ...use, driver: 'x' }, undefined, new Set())).toEqual(fine);
    expect(checkDriver(undefined, offer, new Set())).toEqual(fine);
  });

  test.each<[string, Partial<DriverOffer>, string]>([
    ['impi', {}, 'driver: no conductor offers "impi"; there are: fake-hardware, ipmi; did you mean ipmi?'],
    ['redfish', {}, 'driver: no conductor offers "redfish"; there are: fake-hardware, ipmi'],
    ['ipmi', { drivers: [] }, 'driver: no conductor offers "ipmi"; no conductor is running'],
  ])('%s that none offers is refused with those that there are', (driver, offered, expected) => {
    expect(check({ driver }, [], offered).faults).toEqual([expect.stringContaining(expected)]);
  });

  test('that stays is not refused, since its conductor may be back soon', () => {
    expect(check({ driver: 'redfish', isDriverChanged: false, keys: ['ipmi_adress'] }).faults).toEqual([]);
  });
});

describe('an interface', () => {
  test.each<[Partial<DriverUse>, string[]]>([
    [
      { interfaces: [['deploy', 'dirct']] },
      [
        'deploy_interface: no conductor offers "dirct" for the driver ipmi; there are: direct, ramdisk; did you mean ' +
          "direct? (enabled_deploy_interfaces in the conductors' ironic.conf)",
      ],
    ],
    [
      { interfaces: [['rescue', 'agent']] },
      [
        'rescue_interface: no conductor offers "agent" for the driver ipmi; there are none ' +
          "(enabled_rescue_interfaces in the conductors' ironic.conf)",
      ],
    ],
    [{ interfaces: [['firmware', 'redfish']] }, []],
    [{ driver: 'fake-hardware', interfaces: [['deploy', 'other']] }, []],
  ])('%j: %j', (given, expected) => {
    expect(check(given).faults).toEqual(expected);
  });
});

describe('a key of driver_info', () => {
  test('that is almost one of the driver is refused, unless that one is given too', () => {
    expect(check({ keys: ['ipmi_adress'] })).toEqual({
      faults: [
        'driver_info.ipmi_adress: the driver ipmi does not know this key, but ipmi_address; correct it, or if it is ' +
          'meant, give ipmi_address as well (as null if the node must not have it)',
      ],
      warnings: [],
    });
    expect(check({ keys: ['ipmi_adress'] }, ['ipmi_address'])).toEqual({
      faults: [],
      warnings: [expect.stringContaining('but ipmi_address; it is kept, since ipmi_address is given too')],
    });
  });

  test('is accepted if the properties of the driver are unknown', () => {
    expect(check({ keys: ['ipmi_adress'] }, [], { properties: undefined }).faults).toEqual([]);
  });

  test.each([
    ['ipmi_adress', 'ipmi_address'],
    ['ipmi_adderss', 'ipmi_address'],
    ['IPMI_Address', 'ipmi_address'],
    ['ipmi-address', 'ipmi_address'],
    ['impi_port', 'ipmi_port'],
    ['ipmi_pasword', 'ipmi_password'],
    ['image_http_proxy', undefined],
    ['ipmi_username', undefined],
    ['ipmi_password2', undefined],
    ['vendor_asset', undefined],
    ['cleaning_network', undefined],
    ['deploy_iso', undefined],
    ['A3', undefined],
    ['x', undefined],
  ])('%s is a misspelling of %s', (key, expected) => {
    expect(misspelt(key, [...(offer.properties ?? []), 'deploy_kernel', 'servicing_network'])).toBe(expected);
  });
});
