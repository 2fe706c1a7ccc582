// Prometheus's push gateway: gets the metrics of a run where nothing on the host is scraped.
import { createHttpClient } from '../clients/http/client.js';
import { InputError, OperationError } from '../core/errors.js';
import { formatExposition } from '../core/exposition.js';
import type { Environment } from '../core/operation.js';
import { familiesOf, type RunMetrics } from './run-metrics.js';

/** For all of it: a gateway that does not answer must not hold the run up. */
const longestSeconds = 5;

/**
 * Where the metrics of an operation are kept: the path that the alerts of Chameleon's sites expect.
 * Throws INVALID_INPUT for what is not an http or https URL.
 */
export function pushUrl(gateway: string, name: string): string {
  if (!/^https?:\/\/[^/?#\s]+(?:\/[^?#@\s]*)?$/i.test(gateway) || !URL.canParse(gateway))
    throw new InputError('it is not an http or https URL without a query, such as http://10.0.0.1:9099');
  return `${gateway.replace(/\/+$/, '')}/metrics/job/periodic_task/name/${encodeURIComponent(name)}`;
}

/**
 * Replaces the gauges that the run knows, and leaves the others as they are: POST, unlike PUT, keeps
 * them. Not repeated, and not by a proxy: the gateway is the site's own.
 */
export async function pushMetrics(
  gateway: string,
  metrics: RunMetrics,
  { name, environment }: { readonly name: string; readonly environment: Environment },
): Promise<void> {
  const url = pushUrl(gateway, name);
  const signal = AbortSignal.timeout(longestSeconds * 1000);
  const settings = { validateCerts: true, environment: withoutProxies(environment), timeoutSeconds: longestSeconds };
  const headers = { 'Content-Type': 'text/plain; version=0.0.4; charset=utf-8' };
  try {
    const http = createHttpClient({ ...settings, signal });
    const answer = await http({ method: 'POST', url, headers, body: formatExposition(familiesOf(metrics)) });
    answer.body.destroy();
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new OperationError('TIMEOUT', `it did not answer within ${longestSeconds} s`, {}, error);
  }
}

function withoutProxies(environment: Environment): Environment {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !/^(https?|all|no)_proxy$/i.test(name)));
}
