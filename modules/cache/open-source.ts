// An origin of the arguments as a source that can be read.
import { fileSource } from './file-source.js';
import { glanceSource } from './glance-source.js';
import { httpSource } from './http-source.js';
import type { Origin, Run } from './run.js';
import type { Source } from './source.js';

/** Opens an origin. A name in Glance is looked up; the real path of a file is checked. Throws INVALID_INPUT, FILE_REFUSED. */
export function openSource(origin: Origin, label: string, run: Run): Promise<Source> | Source {
  if (origin.kind === 'http') return httpSource(origin.url, run);
  return origin.kind === 'file' ? fileSource(origin, run) : glanceSource(origin.nameOrId, label, run);
}
