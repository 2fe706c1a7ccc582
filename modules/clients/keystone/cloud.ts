// A cloud that one is logged in to: requests go to a service by its name, with a token that is always fresh.
import type { HttpAnswer, HttpClient, HttpRequest } from '../http/client.js';
import { statusOf } from '../http/errors.js';
import { endpointsOf, urlBelow } from './catalog.js';
import type { Login } from './login.js';
import { openSession, standaloneSession, type Session } from './session.js';

/** A request below a service's endpoint. */
export type ServiceRequest = Omit<HttpRequest, 'url'> & {
  /** Appended to the endpoint: `/v2/images` (image), `/v1/nodes` (baremetal), `/servers` (compute). Or a whole URL from the API's own `next`. */
  readonly path: string;
};

export interface Cloud {
  /** Empty where there is no Keystone. */
  readonly projectId: string;
  /** Auth URL, project id and region: names the cloud in lock files and logs. No secret. */
  readonly identity: string;
  /** Whether the catalogue has such a service in the region, on whatever interface. */
  hasService(type: string): boolean;
  /**
   * Sends a request to a service, such as `image`. A token that has expired is renewed and the request repeated, but not one
   * whose body is a stream: its 401 is thrown after the renewal, so that the caller may begin again.
   */
  request(service: string, request: ServiceRequest): Promise<HttpAnswer>;
  /** Gets a token that is issued now, so that it outlives a long upload. */
  renewToken(): Promise<void>;
}

/** Logs in. Throws AUTHENTICATION_FAILED, NOT_KEYSTONE or NO_PROJECT; `request` throws SERVICE_MISSING. */
export async function connect(login: Login, http: HttpClient, now: () => Date = () => new Date()): Promise<Cloud> {
  const session = await sessionFor(login, http, now);
  const endpoints = endpointsOf(session.catalog, { regionName: login.regionName, interface: login.interface, overrides: login.endpointOverrides, authUrl: login.authUrl });
  return {
    projectId: session.projectId,
    identity: [login.authUrl, session.projectId, endpoints.regionName].filter(Boolean).join(' '),
    hasService: endpoints.has,
    request: async (service, { path, ...request }) => sendWithLogin({ ...request, url: urlBelow(endpoints.root(service), path) }, session, http),
    renewToken: async () => void (await session.renew()),
  };
}

function sessionFor(login: Login, http: HttpClient, now: () => Date): Promise<Session> | Session {
  const { credentials } = login;
  if (credentials.kind === 'none' || credentials.kind === 'http_basic') return standaloneSession(credentials);
  return openSession({ authUrl: login.authUrl, source: login.source, credentials }, http, now);
}

async function sendWithLogin(request: HttpRequest, session: Session, http: HttpClient): Promise<HttpAnswer> {
  const headers = await session.headers();
  try {
    return await http({ ...request, headers: { ...request.headers, ...headers } });
  } catch (error) {
    // Repeating is safe even for POST: 401 is said before anything is done.
    if (statusOf(error) !== 401 || !(await session.renew(headers)) || isStream(request.body)) throw error;
    return http({ ...request, headers: { ...request.headers, ...(await session.headers()) } });
  }
}

function isStream(body: HttpRequest['body']): boolean {
  return body !== undefined && typeof body !== 'string';
}
