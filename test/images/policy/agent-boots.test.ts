import { describe, expect, test } from '@jest/globals';
import { agentBootsOf, type AgentImage } from '../../../modules/images/policy/agent-boots.js';

const id = (digit: number): string => `${String(digit).repeat(8)}-0000-4000-8000-000000000000`;

function half(digit: number, kind: 'kernel' | 'initramfs', tag: string): AgentImage {
  return {
    id: id(digit),
    name: `IPA.${kind}_${tag}`,
    productionName: `IPA.${kind}`,
    owner: 'us',
    status: 'active',
    visibility: 'public',
    os_hidden: false,
    created_at: '2026-01-01T00:00:00Z',
    updated_at: '2026-01-01T00:00:00Z',
    properties: { 'build-tag': tag },
  };
}

const halves = [
  half(1, 'kernel', 'new'),
  half(2, 'initramfs', 'new'),
  half(3, 'kernel', 'old'),
  half(4, 'initramfs', 'old'),
];
const node = (name: string, driver_info: Readonly<Record<string, unknown>>) => ({
  uuid: `uuid-${name}`,
  name,
  driver_info,
});
const boots = (driver_info: Readonly<Record<string, unknown>>) =>
  agentBootsOf({ halves, images: halves, nodes: [node('n1', driver_info)] });

test('kernel and initramfs of one build are a pair, and a half without the other is alone', () => {
  const alone = [half(5, 'kernel', 'newest'), half(6, 'initramfs', 'oldest')];

  const { pairs } = agentBootsOf({ halves: [...halves, ...alone], images: [], nodes: [] });

  expect(pairs.map(({ kernel, initramfs }) => [kernel?.id, initramfs?.id])).toEqual([
    [id(1), id(2)],
    [id(3), id(4)],
    [id(5), undefined],
    [undefined, id(6)],
  ]);
});

test.each([
  ['by their ids', { deploy_kernel: id(1), deploy_ramdisk: id(2) }, ['n1']],
  [
    'in any spelling',
    { deploy_kernel: `glance://${id(1).toUpperCase()}`, deploy_ramdisk: id(2).replaceAll('-', '') },
    ['n1'],
  ],
  [
    'to be rescued too',
    { deploy_kernel: id(1), deploy_ramdisk: id(2), rescue_kernel: id(1), rescue_ramdisk: id(2) },
    ['n1', 'n1 (rescue)'],
  ],
])('a node boots a pair that it names %s', (_, info, nodes) => {
  const { pairs, others } = boots(info);

  expect(pairs[0]?.nodes).toEqual(nodes);
  expect(others).toEqual([]);
});

describe('a node that boots no pair', () => {
  test.each([
    [
      'halves of two builds',
      { deploy_kernel: id(1), deploy_ramdisk: id(4) },
      'nothing shows that the two are of one build',
    ],
    ['one half', { deploy_kernel: id(1) }, 'only one of the two is set'],
    [
      'an image that is gone',
      { deploy_kernel: id(8), deploy_ramdisk: id(2) },
      'the site has no such image, or does not show it to this login',
    ],
    ['files on the web', { deploy_kernel: 'http://web/kernel', deploy_ramdisk: 'http://web/initrd' }, undefined],
    ['nothing of its own', {}, undefined],
  ])('is told: %s', (_, info, fault) => {
    const { pairs, others } = boots(info);

    expect(pairs.flatMap(({ nodes }) => nodes)).toEqual([]);
    expect(others).toHaveLength(1);
    expect(others[0]?.fault).toBe(fault);
    expect(others[0]?.nodes).toEqual(['n1']);
  });

  test('is counted with others of its kind, and the default of the conductor has its name', () => {
    const { others } = agentBootsOf({
      halves,
      images: halves,
      nodes: [node('n1', {}), { uuid: 'u2', driver_info: {} }],
    });

    expect(others).toEqual([
      { kernel: "the conductor's default", initramfs: "the conductor's default", nodes: ['n1', 'u2'] },
    ]);
  });
});
