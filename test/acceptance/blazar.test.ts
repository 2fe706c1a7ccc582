// Blazar for real: the contract of its double, and ipa_test by a lease. In one file, as there are
// few hosts to be leased.
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';

import { describe, expect, test } from '@jest/globals';

import { send } from '../sandbox/contract-requests.js';
import { describeBlazar } from '../sandbox/blazar.contract.js';
import type { BlazarTarget } from '../sandbox/blazar.contract.js';
import { makeLeaseHosts } from './blazar.js';
import { fact, readCloud, tokenOf } from './cloud.js';
import type { Arguments } from './executable.js';
import { openIpaSite, type IpaSite } from './ipa-site.js';
import { withSite, type Site } from './site.js';

const cloud = readCloud();

if (cloud['blazar_url'] === undefined)
  test('this distribution has no Blazar', () => {
    expect(execFileSync('apt-cache', ['search', '--names-only', '^blazar-api$'], { encoding: 'utf8' })).toBe('');
  });
else {
  describeBlazar('the real service', connect);
  describeLeases();
}

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

interface LeaseSite {
  readonly ipa: IpaSite;
  readonly nodes: readonly string[];
  /** What makes a run take a lease. */
  readonly wish: Arguments;
  leases(): Promise<unknown[]>;
}

/** Hosts of the site's node type, all of them free. */
async function openLeaseSite(site: Site, count: number): Promise<LeaseSite> {
  const ipa = await openIpaSite(site);
  const { nodes, remove } = await makeLeaseHosts(cloud, site.name, count);
  site.afterwards(remove);
  const url = fact(cloud, 'blazar_url');
  return {
    ipa,
    nodes,
    wish: {
      reservation: 'blazar',
      flavor: fact(cloud, 'lease_flavor_name'),
      endpoint_override: {
        image: site.glanceProxy.url,
        compute: ipa.novaProxy.url + new URL(fact(cloud, 'nova_url')).pathname,
        baremetal: ipa.ironicProxy.url,
        reservation: url,
      },
    },
    leases: async () => {
      const { json } = await send('GET', `${url}/leases`, { token: site.project.token });
      return (json.leases as { project_id: string }[]).filter(({ project_id: id }) => id === site.project.id);
    },
  };
}

function describeLeases(): void {
  describe('ipa_test by a lease of the real Blazar', () => {
    test(
      'boots the server on the leased one of several free nodes, and leaves no lease',
      withSite(async (site) => {
        const { ipa, nodes, wish, leases } = await openLeaseSite(site, 3);

        const result = await ipa.run(wish);

        expect(result).toMatchObject({ passed: true, changed: false });
        expect(nodes).toContain(result.node?.uuid);
        expect([await leases(), await ipa.servers(), ipa.journal()]).toEqual([[], [], []]);
      }),
      600_000,
    );
  });
}
