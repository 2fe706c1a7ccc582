// A cloud after the login: requests go to a service by its name, with a valid token.
import type { Grant, Rights } from '../../core/rights.js';
import type { HttpAnswer, HttpClient, HttpRequest } from '../http/client.js';
import { ConnectionError, statusOf } from '../http/errors.js';
import { endpointsOf, urlBelow } from './catalog.js';
import { discoverRoot } from './discovery.js';
import type { Login } from './login.js';
import { openScopes } from './scopes.js';
import type { Session } from './session.js';

/** A request below a service's endpoint. */
export type ServiceRequest = Omit<HttpRequest, 'url'> & {
  /**
   * Appended to the endpoint: `/v2/images` (image), `/v1/nodes` (baremetal), `/servers` (compute).
   * Or a complete URL from the API's own `next`.
   */
  readonly path: string;
  /**
   * For a request on which the Bare Metal service reads images with the token of the request: the
   * project's is tried first, since the Image service may refuse a system-scoped one.
   */
  readonly prefersProject?: boolean;
};

export interface Cloud {
  /** Empty without Keystone, and for a login with system scope alone. */
  readonly projectId: string;
  /** Where the login comes from, for messages: "the login from …". */
  readonly source: string;
  /** Auth URL, project id and region: identifies the cloud in lock files and logs. Not secret. */
  readonly identity: string;
  /** What a person calls the site: its name in clouds.yaml, or else its region, or else the host of its auth URL. */
  readonly siteName: string;
  /** Whether the catalogue has such a service in the region, on any interface. */
  hasService(type: string): boolean;
  /**
   * Sends a request to a service, such as `image`. If the token has expired, it is renewed and the
   * request repeated, unless its body is a stream: then the 401 is thrown after the renewal, so
   * that the caller can start again.
   */
  request(service: string, request: ServiceRequest): Promise<HttpAnswer>;
  /**
   * The token for the Bare Metal service: `system`-scoped, that of the `project`, or `none` without
   * Keystone.
   */
  baremetalScope(): Promise<'system' | 'project' | 'none'>;
  /** What the tokens for a service may do, as Keystone reports it. Throws NO_PROJECT. */
  rights(service: string): Promise<Rights>;
  /** Gets a new token, so that it outlives a long upload, unless this one has just been issued. */
  renewToken(): Promise<void>;
}

/**
 * Logs in. Throws AUTHENTICATION_FAILED, NOT_KEYSTONE or NO_PROJECT; `request` throws
 * SERVICE_MISSING or NO_PROJECT.
 */
export async function connect(login: Login, http: HttpClient, now: () => Date = () => new Date()): Promise<Cloud> {
  const scopes = await openScopes(login, http, now);
  const { base } = scopes;
  const { regionName, interface: side, endpointOverrides: overrides, services, authUrl } = login;
  const endpoints = endpointsOf(base.catalog, { regionName, interface: side, overrides, services, authUrl });
  const isStandalone = login.credentials.kind === 'none' || login.credentials.kind === 'http_basic';
  const roots = new Map<string, Promise<string>>();
  const rootOf = async (type: string): Promise<string> => {
    const read = (url: string): Promise<unknown> => readVersions(url, base, http);
    const known = roots.get(type);
    if (known) return known;
    const root = discoverRoot({ type, url: endpoints.root(type), projectId: base.projectId, read });
    roots.set(type, root);
    // A failure of the network is not remembered.
    root.catch(() => roots.delete(type));
    return root;
  };
  return {
    projectId: base.projectId,
    source: login.source,
    identity: [login.authUrl, base.projectId || (isStandalone ? '' : 'system'), endpoints.regionName]
      .filter(Boolean)
      .join(' '),
    siteName: siteNameOf(login, endpoints.regionName),
    hasService: endpoints.has,
    request: async (service, { path, prefersProject = false, ...request }) => {
      const sessions = await scopes.sessionsFor(service, { prefersProject });
      // For a project that may not see a node, the node does not exist.
      return sendWithin(
        sessions,
        { ...request, url: urlBelow(await rootOf(service), path) },
        http,
        prefersProject ? [403, 404] : [403],
      );
    },
    baremetalScope: async () => (isStandalone ? 'none' : (await scopes.hasSystemScope()) ? 'system' : 'project'),
    rights: async (service) => ({
      source: login.source,
      grants: isStandalone ? undefined : (await scopes.sessionsFor(service, { prefersProject: false })).map(grantOf),
    }),
    renewToken: async () => void (await base.renew()),
  };
}

/** The region that every tool to deploy OpenStack proposes: it tells no site from another. */
const commonRegion = 'RegionOne';

const hostIn = /^[a-z][a-z0-9+.-]*:\/\/(?:[^/?#]*@)?(\[[^\]]*\]|[^/?#:]+)/i;

function siteNameOf({ cloudName, authUrl }: Login, regionName: string | undefined): string {
  const region = regionName === commonRegion ? undefined : regionName;
  return cloudName || region || (hostIn.exec(authUrl)?.[1] ?? authUrl);
}

function grantOf({ projectId, roles }: Session): Grant {
  return { scope: projectId === '' ? 'system' : 'project', projectId, roles };
}

/**
 * The document that lists the versions, possibly with status 300; undefined if the service has
 * none.
 */
async function readVersions(url: string, session: Session, http: HttpClient): Promise<unknown> {
  try {
    return await (
      await sendWithLogin(
        { method: 'GET', url, headers: { Accept: 'application/json' }, expect: [200, 300] },
        session,
        http,
      )
    ).json();
  } catch (error) {
    if (error instanceof ConnectionError) throw error;
    return undefined;
  }
}

/**
 * Sends a request within one scope and, if that is refused before anything was done, within the
 * next.
 */
async function sendWithin(
  sessions: readonly Session[],
  request: HttpRequest,
  http: HttpClient,
  refusals: readonly number[] = [403],
): Promise<HttpAnswer> {
  const [first, ...others] = sessions;
  if (!first) throw new TypeError('no session');
  try {
    return await sendWithLogin(request, first, http);
  } catch (error) {
    if (others.length === 0 || !refusals.includes(statusOf(error) ?? 0)) throw error;
    return sendWithin(others, request, http);
  }
}

async function sendWithLogin(request: HttpRequest, session: Session, http: HttpClient): Promise<HttpAnswer> {
  const headers = await session.headers();
  try {
    return await http({ ...request, headers: { ...request.headers, ...headers } });
  } catch (error) {
    // Repeating is safe even for POST: 401 is answered before anything is done.
    if (statusOf(error) !== 401 || !(await session.renew(headers)) || isStream(request.body)) throw error;
    return http({ ...request, headers: { ...request.headers, ...(await session.headers()) } });
  }
}

function isStream(body: HttpRequest['body']): boolean {
  return body !== undefined && typeof body !== 'string';
}
