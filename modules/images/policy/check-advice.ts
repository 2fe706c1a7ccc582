// What to do about an error that a check met, where its message does not say so.
import { optionText } from '../../core/option-text.js';

const connection = 'check the URL, the network and the proxy';
const publisher = 'report it to the publisher of the image';

const advice: Readonly<Record<string, string>> = {
  CERTIFICATE_REJECTED: `renew the certificate, or give its CA (${optionText('ca_cert')})`,
  CONNECTION_BROKEN: connection,
  FORMAT_MISMATCH: publisher,
  FORMAT_UNSAFE: publisher,
  HTTP_ERROR: 'look into the log of the service',
  IMPORT_NOT_OFFERED: `add it to enabled_import_methods of Glance, or use ${optionText('import_method', 'stream')}`,
  INTERNAL_ERROR: 'report it with the output of -vvv',
  MANIFEST_UNUSABLE: publisher,
  NOT_HTTP: connection,
  NOT_JSON: 'check which server answers at this URL',
  PROXY_REFUSED: connection,
  SERVICE_MISSING: `check ${optionText('region_name')} and ${optionText('interface')}`,
  STORE_CHECKSUM_UNUSABLE: publisher,
  STORE_SIZE_UNKNOWN: publisher,
  TIMEOUT: `check that the service answers, or raise ${optionText('timeout')}`,
  UNEXPECTED_ANSWER: 'check that the endpoint is that of the service',
  UNREACHABLE: connection,
};

/** Undefined if the message of such an error says what to do. */
export function adviceOn(code: string): string | undefined {
  return advice[code];
}

/** Of a fault of an object that a catalogue names. */
export const objectAdvice = publisher;
