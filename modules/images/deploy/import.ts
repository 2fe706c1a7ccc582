// Has Glance import the data of an image: from the store itself, or from what this run has staged before.
import { importFailure, importImage, stageImage, type RequestedImport } from '../../clients/glance/data.js';
import type { Image } from '../../clients/glance/images.js';
import { hasCode, OperationError } from '../../core/errors.js';
import { withoutCredentials } from '../../core/urls.js';
import { waitFor } from '../../core/waiting.js';
import { compareStaged, readStagedMark, stagedMark } from '../policy/import-methods.js';
import { isStaged, markers } from '../policy/site-image.js';
import type { TransferredData } from '../policy/verification.js';
import { changeImage } from '../site-images.js';
import type { DeployRun, TransferJob } from './run.js';
import { waitUntilSettled } from './settle.js';
import { streamOnce } from './stream.js';
import { assertEqual } from './verify.js';

/** Has Glance fetch the object itself. */
export function importObject(id: string, transfer: TransferJob): Promise<void> {
  const { url } = transfer.source.object;
  return importOnce(id, { name: 'web-download', uri: url }, withoutCredentials(url), transfer);
}

/**
 * Stages the object unless the image has staged data already, compares what was sent with the store's checksum, and has
 * Glance import it. `sent`: what this run has staged before. The marker tells a later run what the data are.
 */
export async function stageAndImport(
  image: Image,
  sent: TransferredData | undefined,
  transfer: TransferJob,
  onSent: (data: TransferredData) => void,
): Promise<void> {
  const { run, source } = transfer;
  const { id } = image;
  const mark = image.properties[markers.staged];
  if (!isStaged(image)) {
    if (mark) await noteStaged(id, '', run);
    let data: TransferredData | undefined;
    await streamOnce(stageImage, id, transfer, (passed) => {
      data = passed;
      onSent(passed);
    });
    const staged = await waitUntilSettled(id, transfer);
    if (isStaged(staged) && data) return stageAndImport(staged, data, transfer, onSent);
    throw new OperationError('UPLOAD_LOST', `Glance confirmed the data of image ${id}, but has not staged them`, {
      id,
    });
  }
  const known = sent ?? readStagedMark(mark, image.size);
  if (known) {
    assertEqual(compareStaged(image, source, known), transfer);
    if (sent) await noteStaged(id, stagedMark(sent, source), run);
  }
  await importOnce(id, { name: 'glance-direct' }, 'the staged data', transfer);
}

async function noteStaged(id: string, value: string, { cloud, context }: DeployRun): Promise<void> {
  await changeImage(cloud, id, [{ op: 'add', attribute: markers.staged, value }], { signal: context.signal });
}

/** Asks for the import, and waits until it has succeeded or failed. */
async function importOnce(id: string, method: RequestedImport, subject: string, transfer: TransferJob): Promise<void> {
  const { source, run, job } = transfer;
  run.context.progress({ subject: job.planned.name, stage: 'import', totalBytes: source.object.bytes });
  await importImage(run.cloud, id, method, run.stores ? { stores: [run.stores.first] } : {});
  const image = await waitUntilSettled(id, transfer);
  if (image.status !== 'active') throw importFailed(id, subject, await failureReason(id, run));
}

function importFailed(id: string, subject: string, reason: string): OperationError {
  return new OperationError('IMPORT_FAILED', `Glance could not import ${subject}${reason ? `: ${reason}` : ''}`, {
    id,
  });
}

/** Glance writes the task's message shortly after the image's status. */
async function failureReason(id: string, run: DeployRun): Promise<string> {
  const read = async (): Promise<string | undefined> => (await importFailure(run.cloud, id)) || undefined;
  try {
    return await waitFor(read, {
      subject: 'the reason of a failed import',
      timeoutSeconds: 3,
      intervalSeconds: 0.2,
      signal: run.context.signal,
    });
  } catch (error) {
    if (hasCode(error, 'WAIT_TIMEOUT')) return '';
    throw error;
  }
}
