// The supports.yaml that comes with the role is one that the modules read, and the role knows it
// again by its first line.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { parseSupports } from '../../modules/images/policy/supported-builds.js';

const role = join(process.cwd(), 'roles/chameleon_image_tools');
const text = readFileSync(join(role, 'files/supports.yaml'), 'utf8');

test('supports.yaml of the role lists images without a fault, including the usual names', () => {
  const { builds } = parseSupports(parse(text), 'supports.yaml');

  expect(builds.filter(({ fault }) => fault !== undefined)).toEqual([]);
  expect(builds.map(({ name }) => name)).toEqual(
    expect.arrayContaining([
      'CC-Ubuntu20.04',
      'CC-Ubuntu22.04-CUDA',
      'CC-CentOS7',
      'CC-IPA-Debian11-AMD64.kernel',
      'CC-IPA-Debian11-AMD64.initramfs',
    ]),
  );
});

test('supports.yaml of the role begins with the line by which the role recognizes it', () => {
  const { _chameleon_image_tools_supports_header: header } = parse(
    readFileSync(join(role, 'vars/main.yml'), 'utf8'),
  ) as Record<string, string>;

  expect(header).toMatch(/^# .{20}/);
  expect(text.startsWith(`${header}\n`)).toBe(true);
});
