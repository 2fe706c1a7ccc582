// The links of the collection's pages: what the collection lacks is read in the repository.
import { posix } from 'node:path';

interface Surroundings {
  /** Where the page is in the repository. */
  readonly page: string;
  /** Whether the collection has this file or directory of the repository, in the same place. */
  has(path: string): boolean;
  /** The URL of the repository's files. */
  readonly files: string;
}

/**
 * A page of Markdown whose relative links lead to the repository, unless the collection has their
 * target.
 */
export function withReachableLinks(text: string, { page, has, files }: Surroundings): string {
  return text.replace(/(?<=\]\()([^)\s#]+)(#[^)\s]*)?(?=\))/g, (link, path: string, anchor = '') => {
    if (/^[a-z][a-z0-9+.-]*:/i.test(path)) return link;
    const target = posix.join(posix.dirname(page), path);
    return has(target) ? link : `${files}/${target}${anchor}`;
  });
}
