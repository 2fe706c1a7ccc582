// A central image store: a public Swift container, or any web server with the same tree. Only
// reads, without a login.
import type { HttpClient } from '../http/client.js';
import { ConnectionError } from '../http/errors.js';
import { isWorthRepeating } from '../http/retry.js';
import { sleep } from '../../core/waiting.js';
import { fromFirst, type MirrorAccess } from './mirrors.js';
import type { StoreObject } from './object.js';
import { probeObject, readDatedJson, readHead, readJson } from './reading.js';
import { asMirrored } from './source.js';

export interface ReleasesStore {
  readonly catalogueUrl: string;
  /** The beginning of the URLs of all its objects. */
  readonly versionsUrl: string;
  manifestUrl(name: string, release: string): string;
  imageUrl(name: string, release: string, type: string): string;
  /** The URLs of an object in the other places of this store. */
  mirrorsOf(url: string): string[];
  /** The JSON of `current`, not validated. */
  readCatalogue(): Promise<unknown>;
  /** When the catalogue that was read last changed, in milliseconds since 1970, as far as it is known. */
  catalogueChangedAt(): number | undefined;
  /** The JSON of an image's manifest, not validated. */
  readManifest(name: string, release: string): Promise<unknown>;
  /**
   * Size and checksums of an object, and its first bytes, at most `bytes`. Throws
   * STORE_OBJECT_MISSING.
   */
  readBeginning(url: string, bytes: number): Promise<{ readonly object: StoreObject; readonly head: Buffer }>;
}

const pauseMs = 500;

/**
 * `urls`: the store, and its mirrors, each of which is asked if those before it fail. What is read is
 * named by its URL in the first one.
 */
export function openReleasesStore(
  location: { urls: readonly string[]; container: string; scope: string },
  access: MirrorAccess,
): ReleasesStore {
  const path = [location.container, location.scope].map(encodeURIComponent).join('/');
  const bases = location.urls.map((url) => `${url.replace(/\/+$/, '')}/${path}`);
  const [base = ''] = bases;
  // One that cannot be reached is not waited for again.
  let isFirstUsable = true;
  let changedAt: number | undefined;
  const placesOf = (url: string): string[] => {
    const places = bases.map((other) => other + url.slice(base.length));
    return isFirstUsable ? places : [...places.slice(1), ...places.slice(0, 1)];
  };
  const read = <T>(url: string, from: Parameters<typeof fromFirst<T>>[2]): Promise<{ value: T; url: string }> =>
    fromFirst(placesOf(url), access, async (place, http) => {
      try {
        return await from(place, http);
      } catch (error) {
        if (place === url && error instanceof ConnectionError) isFirstUsable = false;
        throw error;
      }
    });
  const objectUrl = (release: string, file: string): string =>
    `${store.versionsUrl}${encodeURIComponent(release)}/${encodeURIComponent(file)}`;
  const store: ReleasesStore = {
    catalogueUrl: `${base}/current`,
    versionsUrl: `${base}/versions/`,
    manifestUrl: (name, release) => objectUrl(release, `${name}.manifest`),
    imageUrl: (name, release, type) => objectUrl(release, `${name}.${type}`),
    mirrorsOf: (url) => bases.slice(1).map((other) => other + url.slice(base.length)),
    readCatalogue: async () => {
      const place = {
        urlOption: 'object_store_url',
        containerOption: 'image_container',
        container: location.container,
        scope: location.scope,
      };
      const readAt = (url: string, http: HttpClient) => readDatedJson(http, url, 'catalogue', place);
      // A mirror may be older, so a moment's failure of the store does not turn to it.
      const { value } = await read(store.catalogueUrl, (url, http) =>
        url === store.catalogueUrl && bases.length > 1
          ? readAt(url, http).catch(async (error: unknown) => {
              if (!isWorthRepeating(error)) throw error;
              await sleep(pauseMs, access.signal);
              return readAt(url, http);
            })
          : readAt(url, http),
      );
      changedAt = value.changedAt;
      return value.document;
    },
    catalogueChangedAt: () => changedAt,
    readManifest: async (name, release) =>
      (await read(store.manifestUrl(name, release), (url, http) => readJson(http, url, 'manifest'))).value,
    readBeginning: async (url, bytes) => {
      const found = await read(url, async (place, http) =>
        readHead(http, (await probeObject(http, place)).object, bytes),
      );
      const { object, head } = found.value;
      return { head, object: found.url === url ? object : asMirrored(object, url) };
    },
  };
  return store;
}
