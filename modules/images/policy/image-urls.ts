// Which references to images the Bare Metal service takes, and what it says of the others.
import { isUuid } from '../../core/uuid.js';

/** A reference that is understood. */
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

/** Where it never looks, whatever is allowed (CVE: OSSA-2025-001). */
const forbiddenPaths: readonly string[] = ['/dev', '/sys', '/proc', '/boot', '/etc', '/run'];

/**
 * Reads a reference: an http or https URL, `file:///path`, `glance://id` or a bare UUID. What
 * Ironic refuses is refused with its own sentence, and what it misreads in silence
 * (`file://images/x`, which it takes for `/x`) with ours. Source: get_image_service() of
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
    return isUuid(id) ? { kind: 'glance', id: id.toLowerCase() } : refuse('what stands behind glance:// is not a UUID');
  }
  if (scheme === 'file') return parseFileUrl(text, refuse);
  if (scheme !== 'http' && scheme !== 'https') return refuse(`Image download protocol ${scheme} is not supported.`);
  return parseHttpUrl(text, refuse);
}

type Refuse = (reason: string) => { readonly refusal: string };

function parseHttpUrl(text: string, refuse: Refuse): ImageReference | { readonly refusal: string } {
  if (!/^https?:\/\/[^/]/i.test(text) || !URL.canParse(text)) return refuse('it is not a URL with a host');
  const url = new URL(text);
  if (url.username !== '' || url.password !== '') return refuse('a user or password does not belong into the URL');
  return { kind: 'http', url: url.href };
}

function parseFileUrl(text: string, refuse: Refuse): ImageReference | { readonly refusal: string } {
  const [, path] = /^file:\/\/(\/.*)$/is.exec(text) ?? [];
  if (path === undefined)
    return refuse(
      'a file URL has three slashes, file:///path: Ironic would take the first part of another for a host, and leave it out',
    );
  if (/[?#]/.test(path)) return refuse('a file URL has no query and no fragment; write ? as %3F and # as %23');
  const decoded = decode(path);
  if (decoded === undefined || decoded.includes('\0')) return refuse('its percent-encoding is broken');
  return { kind: 'file', path: decoded };
}

/**
 * Why a file must not be read for an image, in Ironic's words; undefined where it may be. The path
 * must be the real one, without symbolic links: Ironic looks at the given one, so that a link leads
 * out of an allowed folder. Source: FileImageService.validate_href().
 */
export function pathRefusal(realPath: string, allowedPaths: readonly string[]): string | undefined {
  if (forbiddenPaths.some((folder) => isWithin(realPath, folder)))
    return `Security: The path ${realPath} is not permitted in file URLs`;
  if (!allowedPaths.some((folder) => isWithin(realPath, folder)))
    return `Security: Path ${realPath} is not allowed for image source file URLs`;
  return undefined;
}

/** True for the folder itself and what is below it; both are absolute and without `..`. */
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
