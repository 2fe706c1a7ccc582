// The paths of opened folders as people know them.
import { readlinkSync } from 'node:fs';

/** The path, or every one in a text, with the names of opened folders in the place of their descriptors. */
export function shownPath(text: string): string {
  return text.replace(/\/proc\/self\/fd\/\d+/g, (path) => {
    try {
      return readlinkSync(path);
    } catch {
      return path;
    }
  });
}
