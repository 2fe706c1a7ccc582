// Which references to images the Bare Metal service accepts, and how it refuses the others.
import { isUuid } from '../../core/uuid.js';

/** A valid reference. */
export type ImageReference =
  | { readonly kind: 'http'; readonly url: string }
  /** An absolute path, percent-decoded. */
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'glance'; readonly id: string };

/** The defaults of Ironic's `[conductor]file_url_allowed_paths` before and since 2026, together. */
export const defaultAllowedPaths: readonly string[] = [
  '/var/lib/ironic',
  '/shared/html',
  '/templates',
  '/opt/cache/files',
  '/vagrant',
];

/** Folders that it never allows (OSSA-2025-001). */
const forbiddenPaths: readonly string[] = ['/dev', '/sys', '/proc', '/boot', '/etc', '/run'];

/**
 * Parses a reference: an http or https URL, `file:///path`, `glance://id` or a bare UUID. What
 * Ironic refuses is refused with the same message, and what it silently misreads
 * (`file://images/x`, which it takes for `/x`) with our own. Source: get_image_service() of
 * ironic/common/image_service.py.
 */
export function parseImageReference(text: string): ImageReference | { readonly refusal: string } {
  const refuse = (reason: string): { refusal: string } => ({
    refusal: `Validation of image href ${shownOf(text)} failed, reason: ${reason}`,
  });
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(text)?.[1]?.toLowerCase();
  if (scheme === undefined)
    return isUuid(text) ? { kind: 'glance', id: text.toLowerCase() } : refuse('Scheme-less image href is not a UUID.');
  if (scheme === 'glance') {
    const id = text.replace(/^glance:\/*/i, '');
    return isUuid(id) ? { kind: 'glance', id: id.toLowerCase() } : refuse('the part after glance:// is not a UUID');
  }
  if (scheme === 'file') return parseFileUrl(text, refuse);
  if (scheme !== 'http' && scheme !== 'https') return refuse(`Image download protocol ${scheme} is not supported.`);
  return parseHttpUrl(text, refuse);
}

type Refuse = (reason: string) => { readonly refusal: string };

function parseHttpUrl(text: string, refuse: Refuse): ImageReference | { readonly refusal: string } {
  if (!/^https?:\/\/[^/]/i.test(text) || !URL.canParse(text)) return refuse('the URL has no host');
  const url = new URL(text);
  if (url.username !== '' || url.password !== '') return refuse('the URL must not contain a user or password');
  return { kind: 'http', url: url.href };
}

function parseFileUrl(text: string, refuse: Refuse): ImageReference | { readonly refusal: string } {
  const [, path] = /^file:\/\/(\/.*)$/is.exec(text) ?? [];
  if (path === undefined)
    return refuse(
      'a file URL needs three slashes, file:///path; otherwise Ironic takes the first part of the path for a ' +
        'host and ignores it',
    );
  if (/[?#]/.test(path)) return refuse('a file URL must not have a query or fragment; write ? as %3F and # as %23');
  const decoded = decode(path);
  if (decoded === undefined || decoded.includes('\0')) return refuse('its percent-encoding is invalid');
  return { kind: 'file', path: decoded };
}

/**
 * Why a file must not be read as an image, in Ironic's words; undefined if it may be. The path must
 * be the real one, without symbolic links: Ironic checks the given path, so that a link can lead
 * out of an allowed folder. Source: FileImageService.validate_href().
 */
export function pathRefusal(realPath: string, allowedPaths: readonly string[]): string | undefined {
  if (forbiddenPaths.some((folder) => isWithin(realPath, folder)))
    return `Security: The path ${realPath} is not permitted in file URLs`;
  if (!allowedPaths.some((folder) => isWithin(realPath, folder)))
    return `Security: Path ${realPath} is not allowed for image source file URLs`;
  return undefined;
}

/** True for the folder itself and everything below it; both paths are absolute and without `..`. */
export function isWithin(path: string, folder: string): boolean {
  const base = folder.replace(/\/+$/, '');
  return path === base || path.startsWith(`${base}/`);
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

function shownOf(text: string): string {
  return text.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/@]*@/i, '$1********@');
}
