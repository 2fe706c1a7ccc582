// Reads the image lists of a site: files, folders and URLs. Policy validates them.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withHome } from '../clients/files/paths.js';
import { parseWrittenYaml, readSmallFile } from '../clients/files/yaml-file.js';
import type { HttpClient } from '../clients/http/client.js';
import { getDocument, readText } from '../clients/store/reading.js';
import { InputError, isSystemError, messageOf, OperationError } from '../core/errors.js';
import type { ArgumentsOf } from '../core/fields.js';
import { parseHttpDate } from '../core/http-dates.js';
import type { Context } from '../core/operation.js';
import { optionText } from '../core/option-text.js';
import { mebibyte } from '../core/sizes.js';
import { secretsInUrls, withoutCredentials } from '../core/urls.js';
import type { listFields } from './fields.js';
import { describeListFaults, parseImageLists, type ImageLists, type ListDocument } from './policy/image-lists.js';

type ListArguments = ArgumentsOf<typeof listFields>;

/** Enough for thousands of images. */
const largestList = 4 * mebibyte;

/** Throws INVALID_INPUT if the site names no list. */
export function assertLists({ image_lists: lists = [] }: Pick<ListArguments, 'image_lists'>): void {
  if (lists.length === 0)
    throw new InputError(
      `${optionText('image_lists')} is required, here or in site.yaml, because ${optionText('catalog')} includes list`,
      'image_lists',
    );
}

/**
 * All lists, valid as a whole. Throws INVALID_INPUT if a file of this host is missing or has a
 * fault, and CATALOGUE_UNUSABLE if only fetched ones have.
 */
export async function readImageLists(
  { image_lists: lists = [], image_manager_tag: managerTag }: ListArguments,
  { context, http }: { readonly context: Context; readonly http: HttpClient },
): Promise<ImageLists> {
  assertLists({ image_lists: lists });
  const documents: ListDocument[] = [];
  for (const place of lists) documents.push(...(await readPlace(place, context, http)));
  const parsed = parseImageLists(documents, managerTag);
  if ('lists' in parsed) return parsed.lists;
  const text = describeListFaults(parsed);
  if (parsed.isLocal) throw new InputError(`image_lists: ${text}`, 'image_lists');
  throw new OperationError('CATALOGUE_UNUSABLE', `the image lists cannot be used: ${text}`);
}

async function readPlace(place: string, context: Context, http: HttpClient): Promise<ListDocument[]> {
  if (/^https?:\/\//i.test(place)) return [await readUrlList(place, context, http)];
  const path = localPath(place, context);
  const files = await filesOf(path).catch((error: unknown) => {
    throw error instanceof InputError ? error : refused(`${path} cannot be read: ${messageOf(error)}`);
  });
  return Promise.all(files.map((file) => readFileList(file, context)));
}

function refused(why: string): InputError {
  return new InputError(`image_lists: ${why}`, 'image_lists');
}

function localPath(place: string, { environment }: Context): string {
  if (!/^[a-z][a-z0-9+.-]*:/i.test(place)) return withHome(place, environment);
  try {
    return fileURLToPath(place);
  } catch {
    const shown = JSON.stringify(withoutCredentials(place));
    throw refused(`${shown} is not allowed; give a file, a folder, or an http, https or file URL`);
  }
}

/** The lists in a folder, in the order of their names; any other path is itself a list. */
async function filesOf(path: string): Promise<string[]> {
  const names = await readdir(path).catch((error: unknown) => {
    if (isSystemError(error, 'ENOTDIR', 'ENOENT')) return undefined;
    throw error;
  });
  if (!names) return [path];
  const lists = names.filter((name) => /^[^.].*\.(ya?ml|json)$/i.test(name)).sort();
  if (lists.length === 0) throw refused(`the folder ${path} contains no *.yml, *.yaml or *.json`);
  return lists.map((name) => join(path, name));
}

async function readFileList(path: string, context: Context): Promise<ListDocument> {
  try {
    const { text, mtimeMs } = await readSmallFile(path, { largest: largestList, signal: context.signal });
    return { path, isLocal: true, changedAt: mtimeMs, ...(await parseList(text, path, context)) };
  } catch (error) {
    throw error instanceof InputError ? refused(error.message) : error;
  }
}

async function readUrlList(url: string, context: Context, http: HttpClient): Promise<ListDocument> {
  const path = withoutCredentials(url);
  const answer = await getDocument(http, url, 'image list');
  const text = await readText(answer, url, 'image list');
  const changedAt = parseHttpDate(answer.header('last-modified'));
  try {
    return { path, isLocal: false, changedAt, ...(await parseList(text, path, context)) };
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    throw new OperationError('CATALOGUE_UNUSABLE', `the image list ${error.message}`, { url: path }, error);
  }
}

async function parseList(text: string, path: string, context: Context): ReturnType<typeof parseWrittenYaml> {
  context.learnSecrets?.(secretsInUrls(text));
  return parseWrittenYaml(text, path);
}
