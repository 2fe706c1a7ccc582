import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';

import { expect, test } from '@jest/globals';

import { describeBlazar } from '../sandbox/blazar.contract.js';
import type { BlazarTarget } from '../sandbox/blazar.contract.js';
import { makeLeaseHosts } from './blazar.js';
import { fact, readCloud, tokenOf } from './cloud.js';

const cloud = readCloud();

if (cloud['blazar_url'] === undefined)
  test('this distribution has no Blazar', () => {
    expect(execFileSync('apt-cache', ['search', '--names-only', '^blazar-api$'], { encoding: 'utf8' })).toBe('');
  });
else describeBlazar('the real service', connect);

async function connect(): Promise<BlazarTarget> {
  const nodeType = `contract-${randomUUID()}`;
  const hosts = await makeLeaseHosts(cloud, nodeType, 2);
  return {
    url: fact(cloud, 'blazar_url'),
    admin: { token: await tokenOf(cloud, 'admin'), projectId: cloud.admin_project_id },
    demo: { token: await tokenOf(cloud, 'demo') },
    nodeType,
    nodes: hosts.nodes,
    close: hosts.remove,
  };
}
