// A central image store: a public Swift container, or any web server with the same tree. Only
// reads, without a login.
import type { HttpClient } from '../http/client.js';
import type { StoreObject } from './object.js';
import { probeObject, readHead, readJson } from './reading.js';

export interface ReleasesStore {
  readonly catalogueUrl: string;
  /** The beginning of the URLs of all its objects. */
  readonly versionsUrl: string;
  manifestUrl(name: string, release: string): string;
  imageUrl(name: string, release: string, type: string): string;
  /** The JSON of `current`, not validated. */
  readCatalogue(): Promise<unknown>;
  /** The JSON of an image's manifest, not validated. */
  readManifest(name: string, release: string): Promise<unknown>;
  /** Size and checksums of an object. Throws STORE_OBJECT_MISSING. */
  probe(url: string): Promise<StoreObject>;
  /** The first bytes of an object, at most `bytes`, and the object according to the response. */
  readHead(object: StoreObject, bytes: number): Promise<{ readonly object: StoreObject; readonly head: Buffer }>;
}

export function openReleasesStore(
  location: { url: string; container: string; scope: string },
  http: HttpClient,
): ReleasesStore {
  const path = [location.container, location.scope].map(encodeURIComponent).join('/');
  const base = `${location.url.replace(/\/+$/, '')}/${path}`;
  const objectUrl = (release: string, file: string): string =>
    `${store.versionsUrl}${encodeURIComponent(release)}/${encodeURIComponent(file)}`;
  const store: ReleasesStore = {
    catalogueUrl: `${base}/current`,
    versionsUrl: `${base}/versions/`,
    manifestUrl: (name, release) => objectUrl(release, `${name}.manifest`),
    imageUrl: (name, release, type) => objectUrl(release, `${name}.${type}`),
    readCatalogue: () =>
      readJson(http, store.catalogueUrl, 'catalogue', {
        urlOption: 'object_store_url',
        containerOption: 'image_container',
        container: location.container,
        scope: location.scope,
      }),
    readManifest: (name, release) => readJson(http, store.manifestUrl(name, release), 'manifest'),
    probe: async (url) => (await probeObject(http, url)).object,
    readHead: (object, bytes) => readHead(http, object, bytes),
  };
  return store;
}
