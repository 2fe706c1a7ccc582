// What is in a PEM file.
import { X509Certificate } from 'node:crypto';

const pemBlock = /-----BEGIN (?:TRUSTED )?CERTIFICATE-----[\s\S]*?-----END (?:TRUSTED )?CERTIFICATE-----/g;

/** The certificates of a PEM file, with nothing between them. */
export function certificatesIn(text: string): string[] {
  return text.match(pemBlock) ?? [];
}

/** Whether Node.js can use a certificate; those with trust settings of OpenSSL it reads only itself. */
export function isReadable(certificate: string): boolean {
  if (certificate.startsWith('-----BEGIN TRUSTED')) return true;
  try {
    return new X509Certificate(certificate).subject !== undefined;
  } catch {
    return false;
  }
}
