// Follows redirects by strict rules: each host gets only its own headers, and nothing leads from
// https to http.
import { OperationError } from '../../core/errors.js';
import type { HttpAnswer, HttpClient, HttpRequest } from './client.js';
import { withoutCredentials } from '../../core/urls.js';

const redirectStatuses = [301, 302, 303, 307, 308];
const anySuccess = [200, 201, 202, 203, 204, 206];
const mostRedirects = 10;

/**
 * A client that follows at most ten redirects of GET and HEAD. `headersFor` returns the headers for
 * a URL's host, so that a login never reaches another host. Throws TOO_MANY_REDIRECTS, and
 * REDIRECT_REFUSED for a redirect from https to http, to another scheme, or to a URL with a login.
 */
export function followRedirects(
  http: HttpClient,
  headersFor: (url: URL) => Readonly<Record<string, string>>,
): HttpClient {
  return async (request) => {
    let url = new URL(request.url);
    for (let hops = 0; ; hops++) {
      const answer = await http(requestFor(request, url, headersFor(url)));
      if (!redirectStatuses.includes(answer.status)) return answer;
      answer.body.destroy();
      if (hops === mostRedirects)
        throw new OperationError(
          'TOO_MANY_REDIRECTS',
          `${withoutCredentials(request.url)} redirects more than ${mostRedirects} times`,
        );
      url = nextUrl(url, answer);
    }
  };
}

function requestFor(request: HttpRequest, url: URL, headers: Readonly<Record<string, string>>): HttpRequest {
  return {
    ...request,
    url: url.href,
    headers: { ...headers, ...request.headers },
    expect: [...(request.expect ?? anySuccess), ...redirectStatuses],
    followRedirects: false,
  };
}

function nextUrl(from: URL, answer: HttpAnswer): URL {
  const location = locationOf(answer);
  const refuse = (why: string): OperationError => {
    const url = withoutCredentials(from.href);
    return new OperationError('REDIRECT_REFUSED', `${url} answered ${answer.status} and redirects ${why}`, {
      url,
      status: answer.status,
    });
  };
  if (!location || !URL.canParse(location, from.href)) throw refuse('to nowhere');
  const to = new URL(location, from);
  if (to.username !== '' || to.password !== '') throw refuse('to a URL with a login, which is not followed');
  if (to.protocol !== 'http:' && to.protocol !== 'https:') throw refuse(`to ${to.protocol}, which is not followed`);
  if (from.protocol === 'https:' && to.protocol === 'http:')
    throw refuse(`from https to http (${withoutCredentials(to.href)}), which is not followed`);
  return to;
}

/**
 * The URL, with bytes beyond ASCII, which Node.js returns as single characters, encoded as curl and
 * requests send them.
 */
function locationOf(answer: HttpAnswer): string | undefined {
  return answer
    .header('location')
    ?.replace(/[\u0080-\u00ff]/g, (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase()}`);
}
