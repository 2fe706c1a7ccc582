// Image lists as texts, parsed like those of a site.
import { parseWrittenYaml } from '../../../modules/clients/files/yaml-file.js';
import { parseImageLists, type ParsedLists } from '../../../modules/images/policy/image-lists.js';
import type { ListedImage } from '../../../modules/images/policy/listed-images.js';

export interface ListText {
  readonly text: string;
  readonly path?: string;
  readonly isLocal?: boolean;
}

export async function parseTexts(...lists: readonly ListText[]): Promise<ParsedLists> {
  const documents = await Promise.all(
    lists.map(async ({ text, path = 'list.yml', isLocal = true }) => ({
      path,
      isLocal,
      ...(await parseWrittenYaml(text, path)),
    })),
  );
  return parseImageLists(documents, 'managed_by_osism');
}

/** A list with one image. */
export function listWith(image: Readonly<Record<string, unknown>>): string {
  return JSON.stringify({ images: [image] });
}

/** The images of a list; a list with faults fails the test. */
export async function imagesIn(text: string, isLocal = true): Promise<readonly ListedImage[]> {
  const parsed = await parseTexts({ text, isLocal });
  if ('faults' in parsed) throw new Error(parsed.faults.join('\n'));
  return parsed.lists.images;
}

/** The faults of a list with one image, without its file and line. */
export async function faultsOf(image: Readonly<Record<string, unknown>>, isLocal = true): Promise<string[]> {
  const parsed = await parseTexts({ text: listWith(image), isLocal });
  return 'faults' in parsed ? parsed.faults.map((fault) => fault.replace(/^list\.yml line \d+: /, '')) : [];
}
