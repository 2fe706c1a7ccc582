// QEMU's own probe beside ours: what it would open as something else is never taken for a raw disk.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { contentFault } from '../../modules/images/policy/disk-inspection.js';

/**
 * The format by which QEMU would open a file with this beginning; undefined where it finds the file
 * broken.
 */
function probe(head: Buffer): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'probe-'));
  try {
    const file = join(folder, 'disk');
    writeFileSync(file, Buffer.concat([head, Buffer.alloc(70_000)]));
    const text = execFileSync('qemu-img', ['info', '--output=json', file], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return (JSON.parse(text) as { format: string }).format;
  } catch {
    return undefined;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const line = fc.oneof(
  fc.constantFrom(
    'version=1',
    'version=2',
    'version=3',
    'version=4',
    'Version=1',
    ' version=1',
    'version = 1',
    '# Disk DescriptorFile',
    '# note',
    '#',
    '',
    ' ',
    '\t',
    'CID=1',
    'createType="monolithicFlat"',
    'RW 63 FLAT "f.vmdk" 0',
  ),
  fc.stringMatching(/^[#a-z =0-9]{0,12}$/),
);
const descriptor = fc
  .tuple(fc.array(line, { maxLength: 6 }), fc.constantFrom('\n', '\r\n', '\r'), fc.constantFrom('', '\ufeff'))
  .map(([lines, end, mark]) => Buffer.from(mark + lines.join(end) + end));

const magics = [
  'QFI\xfb\0\0\0\x01',
  'QFI\xfb\0\0\0\x02',
  'QFI\xfb\0\0\0\x03',
  'QED\0',
  'KDMV\x01\0\0\0',
  'COWD\x01\0\0\0',
  'conectix',
  'vhdxfile',
  'LUKS\xba\xbe\0\x01',
  'LUKS\xba\xbe\0\x02',
  'WithoutFreeSpace',
  'WithouFreSpacExt',
  'Bochs Virtual HD Image\0',
];

test('a file that QEMU opens as another format, or finds broken, is not raw', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        descriptor,
        fc
          .tuple(fc.constantFrom(...magics), fc.uint8Array({ maxLength: 600 }))
          .map(([magic, rest]) => Buffer.concat([Buffer.from(magic, 'latin1'), rest])),
      ),
      (head) => {
        const found = probe(head);
        const content = Buffer.concat([head, Buffer.alloc(70_000)]);
        if (found !== 'raw') expect(contentFault({ head: content, bytes: content.length }, 'raw')).toBeDefined();
      },
    ),
    { numRuns: 100 },
  );
});
