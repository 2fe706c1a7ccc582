// A site in the doubles that subscribes to image lists, and a web server with their images.
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Outcome } from '../../modules/core/operation.js';
import { imageDeploy } from '../../modules/images/deploy/operation.js';
import { startFileServer, type FileServer } from '../sandbox/file-server.js';
import type { StoredImage } from '../sandbox/glance-image.js';
import type { SandboxOptions } from '../sandbox/sandbox.js';
import { startSite, type TestSite } from './site.js';

export interface ListTestSite extends TestSite {
  readonly web: FileServer;
  /** A folder of this host, for lists. */
  readonly folder: string;
  /** Writes a list into the folder, and returns its path. */
  write(file: string, images: readonly Readonly<Record<string, unknown>>[]): string;
  /** Deploys from the lists in the folder alone, unless the arguments say otherwise. */
  deploy(args?: Readonly<Record<string, unknown>>, options?: Parameters<TestSite['run']>[2]): Promise<Outcome>;
  /** The only public image of a name. */
  production(name: string): StoredImage;
}

export async function startListSite(options: SandboxOptions = {}): Promise<ListTestSite> {
  const [site, web] = await Promise.all([startSite(options), startFileServer()]);
  const folder = mkdtempSync(join(tmpdir(), 'image-lists-'));
  return {
    ...site,
    web,
    folder,
    write: (file, images) => {
      const path = join(folder, file);
      writeFileSync(path, JSON.stringify({ images }));
      return path;
    },
    deploy: (args = {}, options = {}) =>
      site.run(imageDeploy, { catalog: ['list'], image_lists: [folder], ...args }, options),
    production: (name) => {
      const found = [...site.glance.state.images.values()].filter(
        (image) => image.name === name && image.visibility === 'public',
      );
      const [image] = found;
      if (!image || found.length > 1) throw new Error(`${found.length} public images are named ${name}`);
      return image;
    },
    close: async () => {
      rmSync(folder, { recursive: true });
      await Promise.all([site.close(), web.close()]);
    },
  };
}

export function hashOf(data: Buffer, algorithm = 'sha256'): string {
  return createHash(algorithm).update(data).digest('hex');
}
