// A file of this host.
import fs, { constants, type FileHandle } from 'node:fs/promises';
import { openPart, readHandleChunks } from '../clients/download/part-file.js';
import { assertSpace, modifiedMsOf } from '../clients/files/durable.js';
import { messageOf, OperationError } from '../core/errors.js';
import { isSameFile, type Remote } from './policy/freshness.js';
import { pathRefusal } from '../images/policy/image-urls.js';
import type { CacheRun } from './run.js';
import { sourceChanged, type CacheSource } from './source.js';

/**
 * Opens a file that images may be read from. The opened file is checked, not its name, which
 * somebody may give to another file at any time.
 * Throws FILE_REFUSED with Ironic's message.
 */
export async function openAllowed(
  { path, url }: { path: string; url: string },
  { args }: Pick<CacheRun, 'args'>,
): Promise<FileHandle> {
  const refuse = (reason: string): OperationError =>
    new OperationError('FILE_REFUSED', `Validation of image href ${url} failed, reason: ${reason}`, { path });
  const file = await fs.open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((error: unknown) => {
    throw refuse(
      'Specified image file not found. ' +
        `(${error instanceof Error && 'code' in error ? String(error.code) : messageOf(error)})`,
    );
  });
  try {
    const realPath = await fs.readlink(`/proc/self/fd/${file.fd}`);
    const refusal = pathRefusal(
      realPath,
      await Promise.all(args.file_url_allowed_paths.map((folder) => fs.realpath(folder).catch(() => folder))),
    );
    if (refusal !== undefined) throw refuse(refusal);
    if (!(await file.stat()).isFile()) throw refuse('Specified image file not found.');
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** A file of this host, or of a file system that it has mounted. Throws FILE_REFUSED. */
export async function fileSource({ path, url }: { path: string; url: string }, run: CacheRun): Promise<CacheSource> {
  const look = async (): Promise<Remote & { readonly bytes: number; readonly modifiedMs: number }> => {
    const file = await openAllowed({ path, url }, run);
    const stats = await file.stat().finally(() => file.close());
    // mtime can only be set to the millisecond, and must compare equal afterwards.
    return { source: `file://${path}`, modifiedMs: modifiedMsOf(stats), bytes: stats.size };
  };
  await look();
  return {
    shown: `file://${path}`,
    fileName: path.slice(path.lastIndexOf('/') + 1),
    look,
    receive: async ({ part, folder, remote, sink, onProgress }) => {
      await assertSpace(folder, remote.bytes ?? 0, path);
      const writer = await openPart(part);
      let done = 0;
      try {
        sink.restart();
        await writer.restart({ source: `file://${path}` });
        for await (const chunk of readHandleChunks(await openAllowed({ path, url }, run))) {
          run.context.signal.throwIfAborted();
          const written = writer.write(chunk);
          sink.update(chunk);
          await written;
          onProgress((done += chunk.length), remote.bytes);
        }
        await writer.sync();
      } finally {
        await writer.close();
      }
      if (done !== remote.bytes || !isSameFile(await look(), remote)) throw sourceChanged(path);
      return { bytes: done, modifiedMs: remote.modifiedMs };
    },
  };
}
