// The format of an image whose list does not say it: what its content is.
import { OperationError } from '../../core/errors.js';
import { withoutCredentials } from '../../core/urls.js';
import { formatsIn } from './disk-formats.js';
import { deployableFormats } from './list-entries.js';

/**
 * `raw` for what is not recognised, as a disk without a header is. Throws FORMAT_MISMATCH for a
 * format that cannot be deployed. `head`: the first bytes.
 */
export function diskFormatIn({ url }: { readonly url: string }, head: Buffer): 'qcow2' | 'raw' {
  const formats = formatsIn({ head });
  if (formats.length === 0) return 'raw';
  if (formats.length === 1 && formats[0] === 'qcow2') return 'qcow2';
  const shown = withoutCredentials(url);
  throw new OperationError(
    'FORMAT_MISMATCH',
    `${shown} is ${formats.join(' and ')}, which cannot be deployed; only ${deployableFormats.join(', ')} can`,
    { url: shown },
  );
}
