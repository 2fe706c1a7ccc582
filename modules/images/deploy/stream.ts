// One upload: streams the data of an image through this process into Glance.
import { setMaxListeners } from 'node:events';
import { Readable } from 'node:stream';
import type { ImageData } from '../../clients/glance/data.js';
import type { Cloud } from '../../clients/keystone/cloud.js';
import { watchReceiver, type ReceiverWatch } from '../../clients/http/receiver-watch.js';
import { mebibyte, sizeInBytes } from '../../core/sizes.js';
import { canDigest } from '../digests.js';
import { digestsNeeded, type TransferredData } from '../policy/verification.js';
import { readImageData } from './data.js';
import { switchMessage, type TransferJob } from './run.js';

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

/** The request that takes the data of an image: an upload, or a stage for an import. */
export type SendImage = (cloud: Cloud, id: string, data: ImageData) => Promise<void>;

/**
 * Sends the object once, and calls `onSent` as soon as all data are handed over, even if Glance's
 * response is then lost. Throws the source's error if the source was at fault,
 * otherwise that of the upload; FORMAT_MISMATCH or FORMAT_UNSAFE, before the last byte is sent, if
 * the data are not what they are said to be.
 */
export async function streamOnce(
  send: SendImage,
  id: string,
  transfer: TransferJob,
  onSent: (data: TransferredData) => void,
): Promise<void> {
  const { source, run } = transfer;
  await run.cloud.renewToken();
  run.context.signal.throwIfAborted();
  const controller = new AbortController();
  // Each part of the source that is read at once adds some.
  setMaxListeners(0, controller.signal);
  const abort = (): void => controller.abort(run.context.signal.reason);
  run.context.signal.addEventListener('abort', abort, { once: true });
  const watch = watchReceiver(controller, { receiver: 'Glance', stallSeconds: run.args.stall_timeout });
  let sourceFailure: unknown;
  // If the body is already destroyed, the upload was aborted: its error is thrown into the generator
  // and is not the source's.
  const onFailure = (error: unknown): void => {
    if (!body.destroyed) sourceFailure = error;
  };
  const bytes = watchedData(transfer, { watch, signal: controller.signal, onSent, onFailure });
  const body = Readable.from(bytes, { objectMode: false, highWaterMark: mebibyte });
  try {
    await send(run.cloud, id, {
      body,
      // How much a compressed source contains is known when it has been read.
      ...(source.compression === undefined ? { bytes: source.object.bytes } : {}),
      answerSeconds: run.args.upload_timeout,
      signal: controller.signal,
      ...(run.stores ? { store: run.stores.first } : {}),
    });
  } catch (error) {
    throw sourceFailure ?? error;
  } finally {
    watch.stop();
    run.context.signal.removeEventListener('abort', abort);
    // An upload that has failed leaves its source open.
    body.destroy();
    controller.abort();
  }
}

interface Watched {
  readonly watch: ReceiverWatch;
  readonly signal: AbortSignal;
  readonly onSent: (data: TransferredData) => void;
  readonly onFailure: (error: unknown) => void;
}

async function* watchedData(
  { job, source, run }: TransferJob,
  { watch, signal, onSent, onFailure }: Watched,
): AsyncGenerator<Buffer, void, void> {
  const totalBytes = source.object.bytes;
  const chunks = readImageData(source, {
    http: run.http,
    signal,
    stallSeconds: run.args.stall_timeout,
    budgetSeconds: sourceBudgetSeconds,
    onInterruption: (reason, offset) =>
      run.context.log('info', `${job.planned.name}: ${reason}; continuing at byte ${offset}`),
    onSwitch: (switched) => run.context.log('info', switchMessage(job.planned.name, switched)),
    connections: run.args.connections,
    digests: digestsNeeded(source, run.glanceDigests, canDigest),
    maxBytes: sizeInBytes(run.args.max_size),
    onRead: (doneBytes) =>
      run.context.progress({ subject: job.planned.name, stage: 'transfer', doneBytes, totalBytes }),
    onEnd: onSent,
  });
  try {
    for await (const chunk of chunks) {
      watch.start();
      yield chunk;
      watch.stop();
    }
  } catch (error) {
    onFailure(error);
    throw error;
  }
  watch.start(answerSeconds);
}
