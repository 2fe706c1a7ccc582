// Runs of image_property on the real cloud, and what they need.
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { call } from './cloud.js';
import { parseResult, startModule, type Arguments, type ModuleResult } from './executable.js';
import type { RawImage } from './glance.js';
import type { Site } from './site.js';

export const supported = 'chameleon-supported';

/** Runs image_property to its end, with the site's login unless another is given. */
export async function setProperties(site: Site, given: Arguments): Promise<ModuleResult> {
  const { auth, region_name, endpoint_override } = site.argumentsOf();
  const running = startModule('image_property', { auth, region_name, endpoint_override, ...given }, {});
  site.afterwards(() => running.kill());
  return parseResult(await running.ended);
}

/** An image of the site that is not in production. */
export function seedImage(site: Site, attributes: Readonly<Record<string, unknown>> = {}): Promise<RawImage> {
  return site.glance.create(
    { name: `${site.name}-${randomUUID()}`, visibility: 'private', ...attributes },
    Buffer.from('data'),
  );
}

/** What another writer does, past the proxy. */
export async function patch(site: Site, id: string, changes: readonly object[]): Promise<void> {
  const headers = {
    'X-Auth-Token': site.project.token,
    'Content-Type': 'application/openstack-images-v2.1-json-patch',
  };
  await call('PATCH', `${site.cloud.glance_url}/v2/images/${id}`, { headers, body: JSON.stringify(changes) });
}

export function writeFile(site: Site, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'image-property-'));
  site.afterwards(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'file');
  writeFileSync(path, text);
  return path;
}

/** A site.yaml with the login of the site, as the older tools have it. */
export function writeSiteYaml(site: Site): string {
  const login = {
    auth_url: site.cloud.keystone_url,
    admin_username: 'admin',
    admin_password: site.cloud.admin_password,
    admin_project: site.scope,
  };
  return writeFile(
    site,
    JSON.stringify({ ...login, region_name: 'RegionOne', endpoint_override: { image: site.glanceProxy.url } }),
  );
}
