import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { isWithin, parseImageReference, pathRefusal } from '../../../modules/images/policy/image-urls.js';

const uuid = '3e0e2b1c-7a1e-4c58-9b52-0d4a5f6c7d8e';

describe('a reference is accepted', () => {
  test.each([
    ['http', 'http://h/a', { kind: 'http', url: 'http://h/a' }],
    ['https in capitals', 'HTTPS://h/a', { kind: 'http', url: 'https://h/a' }],
    ['file with three slashes', 'file:///var/lib/x', { kind: 'file', path: '/var/lib/x' }],
    ['file, percent-decoded', 'file:///a%20b%3F', { kind: 'file', path: '/a b?' }],
    ['an id', uuid, { kind: 'glance', id: uuid }],
    ['glance', `glance://${uuid.toUpperCase()}`, { kind: 'glance', id: uuid }],
  ])('%s', (_, text, expected) => {
    expect(parseImageReference(text)).toEqual(expected);
  });
});

describe('a reference is refused', () => {
  test.each([
    [
      'ftp',
      'ftp://h/a',
      'Validation of image href ftp://h/a failed, reason: Image download protocol ftp is not supported.',
    ],
    [
      'oci',
      'oci://h/a',
      'Validation of image href oci://h/a failed, reason: Image download protocol oci is not supported.',
    ],
    [
      'a path',
      '/var/lib/x',
      'Validation of image href /var/lib/x failed, reason: Scheme-less image href is not a UUID.',
    ],
    ['a name', 'my-image', 'Validation of image href my-image failed, reason: Scheme-less image href is not a UUID.'],
    ['nothing', '', 'Validation of image href  failed, reason: Scheme-less image href is not a UUID.'],
    ['file with two slashes', 'file://images/x', /a file URL needs three slashes/],
    ['file with one', 'file:/images/x', /a file URL needs three slashes/],
    ['file with a query', 'file:///a?b', /must not have a query/],
    ['file with broken escapes', 'file:///a%zz', /percent-encoding/],
    ['file with a nul', 'file:///a%00b', /percent-encoding/],
    ['http without a host', 'http:///a', /has no host/],
    [
      'a login in the URL, and not shown',
      'http://user:hunter2@h/a',
      'Validation of image href http://********@h/a failed, reason: the URL must not contain a user or password',
    ],
    ['glance without an id', 'glance://my-image', /not a UUID/],
  ])('%s', (_, text, refusal) => {
    expect(parseImageReference(text)).toEqual({
      refusal: typeof refusal === 'string' ? refusal : expect.stringMatching(refusal),
    });
  });
});

describe('a file', () => {
  test.each([
    ['in an allowed folder', '/var/lib/ironic/a', undefined],
    ['that is the folder', '/var/lib/ironic', undefined],
    ['beside it', '/var/lib/ironic2/a', 'Security: Path /var/lib/ironic2/a is not allowed for image source file URLs'],
    ['of /etc, though allowed', '/etc/shadow', 'Security: The path /etc/shadow is not permitted in file URLs'],
    ['of /dev', '/dev/zero', 'Security: The path /dev/zero is not permitted in file URLs'],
    [
      'of a folder that only begins so',
      '/device/a',
      'Security: Path /device/a is not allowed for image source file URLs',
    ],
  ])('%s', (_, path, refusal) => {
    expect(pathRefusal(path, ['/var/lib/ironic/', '/etc'])).toBe(refusal);
  });

  test('is always within the root', () => {
    expect(isWithin('/a/b', '/')).toBe(true);
  });
});

test('any text is read or refused in a sentence without its login', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.webUrl(),
        fc.string().map((rest) => `file://${rest}`),
      ),
      (text) => {
        const read = parseImageReference(text);

        expect('refusal' in read ? read.refusal : read.kind).not.toBe('');
      },
    ),
  );
});
