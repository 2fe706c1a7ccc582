// One upload: streams the store's object through this process into Glance and computes its digests,
// without keeping any data.
import { Readable } from 'node:stream';
import { uploadImage } from '../../clients/glance/images.js';
import { watchReceiver, type ReceiverWatch } from '../../clients/http/receiver-watch.js';
import { readSource } from '../../clients/store/source.js';
import { mebibyte } from '../../core/sizes.js';
import { canDigest, startDigests } from '../digests.js';
import { contentGuard } from '../policy/disk-inspection.js';
import { digestsNeeded, type DigestValues } from '../policy/verification.js';
import type { TransferJob } from './run.js';

/**
 * Maximum wait for Glance's response after the last byte. A later one is recognised by the image's
 * status.
 */
const answerSeconds = 600;
/**
 * How long an upload may wait for its source to recover: most servers abort a silent upload after a
 * minute.
 */
const sourceBudgetSeconds = 40;

/**
 * Sends the object once, and calls `onSent` with the digests as soon as all data are handed over,
 * even if Glance's response is then lost. Throws the source's error if the source was at fault,
 * otherwise that of the upload; FORMAT_MISMATCH or FORMAT_UNSAFE, before the last byte is sent, if
 * the data are not what they are said to be.
 */
export async function streamOnce(
  id: string,
  transfer: TransferJob,
  onSent: (digests: DigestValues) => void,
): Promise<void> {
  const { source, run } = transfer;
  await run.cloud.renewToken();
  const controller = new AbortController();
  const abort = (): void => controller.abort(run.context.signal.reason);
  run.context.signal.addEventListener('abort', abort, { once: true });
  const watch = watchReceiver(controller, { receiver: 'Glance', stallSeconds: run.args.stall_timeout });
  let sourceFailure: unknown;
  async function* bytes(): AsyncGenerator<Buffer, void, void> {
    try {
      yield* digested(transfer, watch, onSent);
    } catch (error) {
      // If the body is already destroyed, the upload was aborted: its error is thrown into this
      // generator and is not the source's.
      if (!body.destroyed) sourceFailure = error;
      throw error;
    }
  }
  const body = Readable.from(bytes(), { objectMode: false, highWaterMark: mebibyte });
  try {
    await uploadImage(run.cloud, id, {
      body,
      bytes: source.object.bytes,
      answerSeconds: run.args.upload_timeout,
      signal: controller.signal,
    });
  } catch (error) {
    throw sourceFailure ?? error;
  } finally {
    watch.stop();
    run.context.signal.removeEventListener('abort', abort);
  }
}

async function* digested(
  { job, source, run }: TransferJob,
  watch: ReceiverWatch,
  onSent: (digests: DigestValues) => void,
): AsyncGenerator<Buffer, void, void> {
  const digests = startDigests(digestsNeeded(source.object, run.glanceDigests, canDigest));
  const inspect = contentGuard(source.object, source.diskFormat);
  const totalBytes = source.object.bytes;
  let doneBytes = 0;
  const chunks = readSource(source.object, {
    http: run.http,
    signal: run.context.signal,
    stallSeconds: run.args.stall_timeout,
    budgetSeconds: sourceBudgetSeconds,
    onInterruption: (reason, offset) =>
      run.context.log('info', `${job.planned.name}: ${reason}; continuing at byte ${offset}`),
  });
  for await (const chunk of chunks) {
    // Glance activates an image only when it has all data, so an image that is refused here never
    // becomes active.
    inspect(chunk);
    digests.update(chunk);
    doneBytes += chunk.length;
    run.context.progress({ subject: job.planned.name, stage: 'transfer', doneBytes, totalBytes });
    watch.start();
    yield chunk;
    watch.stop();
  }
  onSent(digests.finish());
  watch.start(answerSeconds);
}
