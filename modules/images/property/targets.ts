// Reads the requests in arguments and files, and the images that they mean. Writes nothing.
import pLimit from 'p-limit';
import { withHome } from '../../clients/files/paths.js';
import { readSmallFile } from '../../clients/files/yaml-file.js';
import { getImage, type Image } from '../../clients/glance/images.js';
import type { Cloud } from '../../clients/keystone/cloud.js';
import { InputError } from '../../core/errors.js';
import type { ArgumentsOf } from '../../core/fields.js';
import type { Context } from '../../core/operation.js';
import { isUuid } from '../../core/uuid.js';
import {
  combinationFaults,
  lineRequests,
  optionRequests,
  resolveTargets,
  type PropertyRequest,
  type PropertyRequests,
  type PropertyTargets,
} from '../policy/property-requests.js';
import { isGone } from '../policy/site-image.js';
import { readSiteImages } from '../site-images.js';
import type { imagePropertyDeclaration } from './declaration.js';

export type PropertyArguments = ArgumentsOf<(typeof imagePropertyDeclaration)['fields']>;

const noRequests: PropertyRequests = { requests: [], faults: [] };

/** Throws INVALID_INPUT if options contradict each other or the file cannot be read. */
export async function readRequests(
  args: PropertyArguments,
  context: Pick<Context, 'environment' | 'signal'>,
): Promise<PropertyRequests> {
  const faults = combinationFaults(args);
  if (faults.length > 0) throw new InputError(faults.join('; '));
  const single =
    args.single_value === undefined
      ? noRequests
      : lineRequests(args.single_value, args, { label: 'single_value', placeOf: () => 'single_value' });
  const all = [optionRequests(args), await readValuesFile(args, context), single];
  return {
    requests: all.flatMap(({ requests }) => requests),
    faults: all.flatMap((each) => each.faults),
  };
}

async function readValuesFile(
  args: PropertyArguments,
  { environment, signal }: Pick<Context, 'environment' | 'signal'>,
): Promise<PropertyRequests> {
  if (args.values_file === undefined) return noRequests;
  const path = withHome(args.values_file, environment);
  const { text } = await readSmallFile(path, { signal }).catch((error: unknown) => {
    throw error instanceof InputError ? new InputError(`values_file: ${error.message}`, 'values_file') : error;
  });
  return lineRequests(text, args, { label: `values_file: ${path}`, placeOf: (line) => `${path} line ${line}` });
}

export async function findTargets(
  requests: readonly PropertyRequest[],
  cloud: Cloud,
  concurrency: number,
): Promise<PropertyTargets<Image>> {
  const keys = [...new Set(requests.map(({ key }) => key))];
  return resolveTargets(requests, await readCandidates(keys, cloud, concurrency), cloud.projectId);
}

/**
 * The images with each id or name. Lists are read only for names: an id reaches images that no list
 * contains.
 */
async function readCandidates(
  keys: readonly string[],
  cloud: Cloud,
  concurrency: number,
): Promise<ReadonlyMap<string, readonly Image[]>> {
  const limit = pLimit(concurrency);
  const byId = keys.filter(isUuid).map((id) =>
    limit(async (): Promise<[string, Image[]]> => {
      const image = await getImage(cloud, id);
      return [id, image && !isGone(image) ? [image] : []];
    }),
  );
  const found = await Promise.all(byId);
  const names = keys.filter((key) => !isUuid(key));
  const images = names.length > 0 ? await readSiteImages(cloud) : [];
  return new Map([
    ...found,
    ...names.map((name): [string, Image[]] => [name, images.filter((image) => image.name === name)]),
  ]);
}
