// The CAs to trust: those of Node.js, and those of the system, which a Node.js from nodejs.org does
// not use by itself.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { certificatesIn } from './certificates.js';
import { InputError, messageOf } from '../../core/errors.js';
import type { Environment } from '../../core/operation.js';

/**
 * Where systems keep their CAs in one file: Debian, Red Hat, SUSE, Alpine. The first existing file
 * is used.
 */
const systemBundles = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
];

/** Variables that name CAs for curl and requests: a file, or a directory of files. */
const bundleVariables = ['REQUESTS_CA_BUNDLE', 'CURL_CA_BUNDLE'];

/**
 * Every trusted CA, as PEM, without duplicates. The CAs of `REQUESTS_CA_BUNDLE` or `CURL_CA_BUNDLE`
 * are trusted in addition to the others, not instead of them: the cloud may have a CA of its own,
 * and the image store a public one. Throws INVALID_INPUT if such a file cannot be read.
 */
export function trustedCas(environment: Environment, more: readonly string[]): string[] {
  const named = bundleVariables.flatMap((name) => (environment[name] ? [readNamed(name, environment[name])] : []));
  const texts = [systemBundle(environment), ...named, optionalText(environment.NODE_EXTRA_CA_CERTS), ...more];
  return [...new Set([...rootCertificates, ...texts.flatMap(certificatesIn)])];
}

/** As in OpenSSL, `SSL_CERT_FILE` replaces the system's file, and `SSL_CERT_DIR` is added. */
function systemBundle({ SSL_CERT_FILE: file, SSL_CERT_DIR: folders }: Environment): string {
  const bundle = file ? optionalText(file) : (systemBundles.map(optionalText).find((text) => text !== '') ?? '');
  return [bundle, ...(folders ? folders.split(':').map(optionalText) : [])].join('\n');
}

function readNamed(name: string, path: string): string {
  try {
    const text = textOf(path);
    if (certificatesIn(text).length > 0 || statSync(path).isDirectory()) return text;
  } catch (error) {
    throw new InputError(`${name}: ${path} cannot be read (${messageOf(error)})`, name);
  }
  throw new InputError(`${name}: ${path} contains no certificate; it must be a PEM file`, name);
}

/** As in OpenSSL and Node.js, what cannot be read is ignored. */
function optionalText(path: string | undefined): string {
  try {
    return path ? textOf(path) : '';
  } catch {
    return '';
  }
}

function textOf(path: string): string {
  if (!statSync(path).isDirectory()) return readFileSync(path, 'latin1');
  const names = readdirSync(path).filter((name) => /\.(pem|crt|\d)$/.test(name));
  return names.map((name) => readFileSync(join(path, name), 'latin1')).join('\n');
}
