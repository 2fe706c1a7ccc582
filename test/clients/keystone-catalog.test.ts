import { describe, expect, test } from '@jest/globals';
import {
  endpointsOf,
  rootOf,
  urlBelow,
  type CatalogService,
  type EndpointChoice,
} from '../../modules/clients/keystone/catalog.js';

test.each([
  ['http://h:9292', 'image', 'http://h:9292'],
  ['http://h:9292/', 'image', 'http://h:9292'],
  ['http://h:9292/v2', 'image', 'http://h:9292'],
  ['http://h:9292/v2.1/', 'image', 'http://h:9292'],
  ['https://h/image/v2/', 'image', 'https://h/image'],
  ['https://h/image', 'image', 'https://h/image'],
  ['http://h:6385/v1', 'baremetal', 'http://h:6385'],
  ['http://h:5000/v3/', 'identity', 'http://h:5000'],
  ['http://h:8774/v2.1', 'compute', 'http://h:8774/v2.1'],
  ['http://h:8080/v1/AUTH_p/', 'object-store', 'http://h:8080/v1/AUTH_p'],
  ['http://h:1234/v1', 'reservation', 'http://h:1234'],
  ['http://h/reservation', 'reservation', 'http://h/reservation'],
  ['http://h:8001/v1/', 'inventory', 'http://h:8001'],
  ['http://h:9696/v2.0', 'network', 'http://h:9696'],
])('the root of %s as %s is %s', (url, type, expected) => {
  expect(rootOf(url, type)).toBe(expected);
});

test.each([
  ['https://h/image', '/v2/images', 'https://h/image/v2/images'],
  ['https://h/image', 'v2/images', 'https://h/image/v2/images'],
  ['https://h:6385', 'http://h:6385/v1/nodes?marker=a', 'https://h:6385/v1/nodes?marker=a'],
  ['https://h/baremetal', 'https://h/baremetal/v1/nodes', 'https://h/baremetal/v1/nodes'],
  ['https://h/baremetal', 'http://inner:6385/v1/nodes', 'https://h/baremetal/v1/nodes'],
  ['https://h/compute/v2.1', 'http://inner/v2.1/servers?a=b', 'https://h/compute/v2.1/servers?a=b'],
  ['https://h/compute/v2.1', 'http://inner/v2.10/servers', 'https://h/compute/v2.1/v2.10/servers'],
])('below %s, %s is %s', (root, path, expected) => {
  expect(urlBelow(root, path)).toBe(expected);
});

describe('picking', () => {
  const endpoint = (url: string, region = 'A', side = 'public'): CatalogService['endpoints'][number] => ({
    interface: side,
    region_id: region,
    url,
  });
  const choice: EndpointChoice = { regionName: 'A', interface: 'public', overrides: {}, authUrl: 'http://key' };
  const image: CatalogService = {
    type: 'image',
    endpoints: [endpoint('http://a'), endpoint('http://b', 'B'), endpoint('http://i', 'A', 'internal')],
  };

  test.each([
    [{}, 'http://a'],
    [{ regionName: 'B' }, 'http://b'],
    [{ interface: 'internal' }, 'http://i'],
    [{ overrides: { image: 'http://o/v2' } }, 'http://o'],
  ] as const)('%j', (changes, expected) => {
    expect(endpointsOf([image], { ...choice, ...changes }).root('image')).toBe(expected);
  });

  test.each([
    ['block-storage', 'volumev3'],
    ['volumev3', 'block-storage'],
    ['baremetal', 'bare-metal'],
  ])('finds %s as %s', (asked, listed) => {
    const endpoints = endpointsOf([{ type: listed, endpoints: [endpoint('http://v')] }], choice);

    expect([endpoints.has(asked), endpoints.root(asked)]).toEqual([true, 'http://v']);
  });

  test('prefers the exact name, and skips a service without endpoints', () => {
    const catalog = [
      { type: 'volume', endpoints: [endpoint('http://v1')] },
      { type: 'volumev3', endpoints: [endpoint('http://v3')] },
      { type: 'block-storage', endpoints: [] },
    ];

    expect(endpointsOf(catalog, choice).root('block-storage')).toBe('http://v3');
  });

  test('needs no region where there is only one', () => {
    const endpoints = endpointsOf([{ type: 'image', endpoints: [endpoint('http://a')] }], {
      ...choice,
      regionName: undefined,
    });

    expect([endpoints.regionName, endpoints.root('image')]).toEqual(['A', 'http://a']);
  });

  test('does not guess among regions', () => {
    const endpoints = endpointsOf([image], { ...choice, regionName: undefined });

    expect(() => endpoints.root('image')).toThrow(
      'http://key has the image service in several regions (A, B): give region_name',
    );
  });

  test('uses region if an older catalogue has no region_id', () => {
    const old = { type: 'image', endpoints: [{ interface: 'public', region: 'A', url: 'http://a' }] };

    expect(endpointsOf([old], choice).root('image')).toBe('http://a');
  });

  test.each([
    [
      { regionName: 'C' },
      'http://key has no image service with a public endpoint in region "C"; its catalogue has image (A: ' +
        'internal, public; B: public)',
      false,
    ],
    [{ interface: 'admin' }, 'http://key has no image service with an admin endpoint in region "A"', true],
  ] as const)('tells what is missing: %j', (changes, message, has) => {
    const endpoints = endpointsOf([image], { ...choice, ...changes });

    expect(() => endpoints.root('image')).toThrow(message);
    expect(endpoints.has('image')).toBe(has);
  });

  test('reports an empty catalogue', () => {
    expect(() => endpointsOf([], choice).root('image')).toThrow('its catalogue has nothing');
  });
});
