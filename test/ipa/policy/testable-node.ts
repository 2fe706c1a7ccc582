// A node that can be tested on, but for what a test changes.
import type { TestableNode } from '../../../modules/ipa/policy/node-choice.js';

export function testableNode(changes: Partial<TestableNode> = {}): TestableNode {
  const idle = { instance_uuid: null, allocation_uuid: null, reservation: null, target_provision_state: null };
  const plain = { maintenance: false, fault: null, retired: false };
  return {
    uuid: 'u1',
    name: 'rack1-01',
    properties: { cpu_arch: 'x86_64' },
    extra: {},
    resource_class: 'baremetal',
    driver_info: {},
    instance_info: {},
    provision_state: 'available',
    ...idle,
    ...plain,
    ...changes,
  };
}
