// The checksums of an image in an image list: those in the list itself, and those in checksum files
// of publishers. Each file is read once in a run.
import { fileURLToPath } from 'node:url';
import { withHome } from '../../clients/files/paths.js';
import { readSmallBytes } from '../../clients/files/yaml-file.js';
import { verifySignature } from '../../clients/gpgv/verify-signature.js';
import { OperationError } from '../../core/errors.js';
import { isFileUrl, withoutCredentials } from '../../core/urls.js';
import { checksumInFile, largestChecksumFile } from '../checksum-files.js';
import { fileNameIn } from '../policy/list-entries.js';
import type { ListedChecksum } from '../policy/listed-fields.js';
import type { ListedImage, ListedSignature } from '../policy/listed-images.js';
import { disagreement, type SourcedChecksum } from '../policy/listed-releases.js';
import type { StoreAccess } from './run.js';

/**
 * Reads all checksums of an image. Throws CHECKSUM_FILE_UNUSABLE, STORE_CHECKSUM_UNUSABLE if they contradict each
 * other, and what `verifySignature` throws.
 */
export type ReadChecksums = (image: ListedImage) => Promise<readonly SourcedChecksum[]>;

export function checksumReader(access: StoreAccess): ReadChecksums {
  const contents = new Map<string, Promise<Buffer>>();
  const read: ReadContent = (url) => {
    const known = contents.get(url) ?? readContent(url, access);
    contents.set(url, known);
    return known;
  };
  return async (image) => {
    const checksums: SourcedChecksum[] = [];
    for (const each of image.checksums) checksums.push(await readChecksum(each, image, read, access));
    const why = disagreement(checksums);
    if (why !== undefined)
      throw new OperationError('STORE_CHECKSUM_UNUSABLE', `${image.fileName} cannot be verified: ${why}`);
    return checksums;
  };
}

async function readChecksum(
  listed: ListedChecksum,
  { fileName, signature }: ListedImage,
  read: ReadContent,
  { context }: StoreAccess,
): Promise<SourcedChecksum> {
  if (listed.kind === 'checksum') return { ...listed.checksum, from: 'the list' };
  const { url, algorithm } = listed;
  const shown = withoutCredentials(url);
  const content = signature && (await readSigned(url, signature, read, context));
  const file = { shown, fileName: fileNameIn(url), read: async () => String(content ?? (await read(url))) };
  const found = await checksumInFile(file, { name: fileName, algorithm }, context.signal);
  return { ...found, from: shown };
}

/** What is signed of a checksum file. */
async function readSigned(
  url: string,
  signature: ListedSignature,
  read: ReadContent,
  context: StoreAccess['context'],
): Promise<Buffer> {
  const shown = withoutCredentials(signature.url);
  const [content, signed] = await Promise.all([read(url), read(signature.url)]);
  const keyring = withHome(signature.keyring, context.environment);
  return verifySignature({ content, signature: signed, keyring, shown, context });
}

type ReadContent = (url: string) => Promise<Buffer>;

async function readContent(url: string, { http, context }: StoreAccess): Promise<Buffer> {
  if (isFileUrl(url)) return (await readSmallBytes(fileURLToPath(url), { signal: context.signal })).bytes;
  const answer = await http({ method: 'GET', url, followRedirects: true, headers: { 'Accept-Encoding': 'identity' } });
  return answer.bytes({ maxBytes: largestChecksumFile });
}
