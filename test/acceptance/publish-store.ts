// A container in the project of a test's site that images are published into, and what anybody sees
// of it.
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { send } from '../sandbox/contract-requests.js';
import { startFaultProxy, type FaultProxy } from '../cloud/fault-proxy.js';
import { makeDisk, type DiskOptions } from './disk.js';
import { parseResult, startModule, type Arguments, type ModuleResult, type Running } from './executable.js';
import type { Site } from './site.js';

export const publicAcl = '.r:*,.rlistings';

export interface PublishStore {
  readonly container: string;
  /** The account: the site's `object_store_url`. */
  readonly url: string;
  /** Between the runs and Swift. */
  readonly proxy: FaultProxy;
  /** Writes a new disk image and gives its path. */
  makeFile(options?: DiskOptions): string;
  /** The arguments of a run. */
  argumentsOf(given: Arguments): Arguments;
  start(given: Arguments): Running;
  publish(given: Arguments): Promise<ModuleResult>;
  /** Deploys what anybody can read of the container. */
  deploy(given?: Arguments): Promise<ModuleResult>;
}

export async function openPublishStore(site: Site, { acl = publicAcl } = {}): Promise<PublishStore> {
  const container = `own-${site.scope}`;
  const url = site.cloud.swift_url.replace(/AUTH_.*$/, `AUTH_${site.project.id}`);
  const { token } = site.project;
  const headers = acl === '' ? {} : { 'X-Container-Read': acl };
  const made = await send('PUT', `${url}/${container}`, { token, headers });
  if (made.status >= 300) throw new Error(`the container was not made: ${made.status} ${made.text}`);
  site.afterwards(() => removeContainer(`${url}/${container}`, token));
  const folder = mkdtempSync(join(tmpdir(), 'publish-'));
  site.afterwards(() => rmSync(folder, { recursive: true }));
  const proxy = await startFaultProxy(url);
  site.afterwards(() => proxy.close());
  let files = 0;
  const argumentsOf = (given: Arguments): Arguments => {
    const { auth, region_name, lock_dir } = site.argumentsOf();
    return {
      ...{ auth, region_name, lock_dir, endpoint_override: { 'object-store': proxy.url } },
      ...{ name: site.name, image_container: container, scope: site.scope, ...given },
    };
  };
  const start = (given: Arguments): Running => {
    const running = startModule('image_publish', argumentsOf(given), {});
    site.afterwards(() => running.kill());
    return running;
  };
  return {
    ...{ container, url, proxy, argumentsOf, start },
    makeFile: (options = {}) => {
      const path = join(folder, `disk-${files++}.${options.format ?? 'qcow2'}`);
      writeFileSync(path, makeDisk(options));
      return path;
    },
    publish: async (given) => parseResult(await start(given).ended),
    deploy: (given = {}) => site.deploy({ object_store_url: url, image_container: container, ...given }),
  };
}

async function removeContainer(url: string, token: string): Promise<void> {
  const { json } = await send('GET', `${url}?format=json`, { token });
  for (const { name } of (json ?? []) as { name: string }[])
    await send('DELETE', `${url}/${name.split('/').map(encodeURIComponent).join('/')}`, { token });
  await send('DELETE', url, { token });
}

/** What anybody reads of a store now: the release of an image, if all of it is there. Throws if not. */
export async function completeRelease(base: string, scope: string, name: string): Promise<string | undefined> {
  const current = await send('GET', `${base}/${scope}/current`);
  if (current.status !== 200) return undefined;
  const release = (JSON.parse(current.text) as Record<string, string>)[name];
  if (release === undefined) return undefined;
  const of = `${base}/${scope}/versions/${release}/${name}`;
  const manifest = await send('GET', `${of}.manifest`);
  if (manifest.status !== 200 || manifest.json === null)
    throw new Error(`${release} has no manifest: ${manifest.status}`);
  const image = await fetch(`${of}.qcow2`);
  const data = Buffer.from(await image.arrayBuffer());
  const published = image.headers.get('x-object-meta-x-sdk-sha256');
  const found = createHash('sha256').update(data).digest('hex');
  if (image.status !== 200 || data.subarray(0, 3).toString('latin1') !== 'QFI' || (published ?? found) !== found)
    throw new Error(`${release} is not complete: ${image.status}, ${data.length} bytes`);
  return release;
}
