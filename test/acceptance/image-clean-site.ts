// Old images on a real site, and runs of image_clean against it.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { startFaultProxy, type FaultProxy } from '../cloud/fault-proxy.js';
import { fact, root } from './cloud.js';
import { parseResult, startModule, type Arguments, type ModuleResult } from './executable.js';
import type { RawImage } from './glance.js';
import type { Site } from './site.js';

export interface OldSite {
  readonly site: Site;
  readonly novaProxy: FaultProxy;
  readonly ironicProxy: FaultProxy;
  clean(given?: Arguments, environment?: Readonly<Record<string, string>>): Promise<ModuleResult>;
  /** An image of so many months, by default archived, public and of an earlier tool. */
  seed(months: number, attributes?: Readonly<Record<string, unknown>>): Promise<RawImage>;
}

/** A site whose catalogue has the site's name, with proxies before Nova and Ironic too. */
export async function openOldSite(site: Site): Promise<OldSite> {
  await site.store.publishCatalogue(JSON.stringify({ [site.name]: '20250422-v1-amd' }));
  const nova = new URL(fact(site.cloud, 'nova_url'));
  const novaProxy = await startFaultProxy(nova.origin);
  const ironicProxy = await startFaultProxy(fact(site.cloud, 'ironic_url'));
  site.afterwards(() => Promise.all([novaProxy.close(), ironicProxy.close()]));
  const overrides = { image: site.glanceProxy.url, compute: novaProxy.url + nova.pathname, baremetal: ironicProxy.url };

  async function clean(
    given: Arguments = {},
    environment: Readonly<Record<string, string>> = {},
  ): Promise<ModuleResult> {
    const {
      stall_timeout: _stall,
      attempts: _attempts,
      ...given_
    } = site.argumentsOf({ endpoint_override: overrides, ...given });
    const running = startModule('image_clean', given_, environment);
    site.afterwards(() => running.kill());
    return parseResult(await running.ended);
  }

  async function seed(months: number, attributes: Readonly<Record<string, unknown>> = {}): Promise<RawImage> {
    const properties = {
      current: '20240115-v1-amd',
      'build-timestamp': '2024-01-15 10:11:12.131415',
      'build-variant': 'base',
    };
    const image = await site.glance.create(
      { name: `${site.name}_2024-01-15 10:11:12.131415`, visibility: 'public', ...properties, ...attributes },
      Buffer.alloc(512, 'old'),
    );
    setAge(image.id, months);
    return site.glance.get(image.id);
  }

  return { site, novaProxy, ironicProxy, clean, seed };
}

/** The first of the month: exactly so many months are over, whatever day it is. */
function monthsAgo(months: number): string {
  const today = new Date();
  return new Date(Date.UTC(today.getUTCFullYear(), today.getUTCMonth() - months, 1))
    .toISOString()
    .slice(0, 19)
    .replace('T', ' ');
}

/** Makes an image so many months old, which the API cannot. */
export function setAge(id: string, months: number): void {
  sql('glance', `UPDATE images SET created_at = '${monthsAgo(months)}' WHERE id = '${id}'`);
}

export function sql(database: string, query: string): void {
  execFileSync(join(root, 'test/cloud/sql'), [database, query]);
}

/** What became of each image, by id: `action state`, and the reason. */
export function actionsOf({ images }: ModuleResult): Map<string, string> {
  return new Map(images.map(({ id, action, state, reason }) => [id, `${action} ${String(state)}: ${reason}`]));
}
