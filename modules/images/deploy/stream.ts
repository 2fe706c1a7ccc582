// One upload: the store's bytes through this process into Glance, digested on the way, nothing kept.
import { Readable } from 'node:stream';
import { uploadImage } from '../../clients/glance/images.js';
import { ConnectionError } from '../../clients/http/errors.js';
import { readSource } from '../../clients/store/source.js';
import { startDigests } from '../digests.js';
import { formatGuard } from './format.js';
import type { Work } from './job.js';
import { digestsNeeded } from './verify.js';

/** Longest wait for Glance's answer after the last byte. What comes later is found by the image's status. */
const answerSeconds = 600;
/** How long an upload may wait for its source to come back: most servers end a silent upload after a minute. */
const sourceBudgetSeconds = 40;

/**
 * Sends the object once, and calls `onSent` with the digests as soon as all bytes were handed over, even if Glance's answer is then lost.
 * Throws the source's error where the source was at fault, else the upload's; FORMAT_MISMATCH or FORMAT_UNSAFE, before the
 * last byte is sent, where the bytes are not what they are said to be.
 */
export async function streamOnce(
  id: string,
  work: Work,
  onSent: (digests: ReadonlyMap<string, string>) => void,
): Promise<void> {
  const { source, run } = work;
  await run.cloud.renewToken();
  const controller = new AbortController();
  const abort = (): void => controller.abort(run.context.signal.reason);
  run.context.signal.addEventListener('abort', abort, { once: true });
  const watch = watchReceiver(controller, run.args.stall_timeout);
  let sourceFailure: unknown;
  async function* bytes(): AsyncGenerator<Buffer, void, void> {
    try {
      yield* digested(work, watch, onSent);
    } catch (error) {
      // A body that is destroyed already was broken off by the upload: its failure is thrown into this generator, and is not the source's.
      if (!body.destroyed) sourceFailure = error;
      throw error;
    }
  }
  const body = Readable.from(bytes(), { objectMode: false, highWaterMark: 1024 * 1024 });
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
  { job, source, run }: Work,
  watch: ReceiverWatch,
  onSent: (digests: ReadonlyMap<string, string>) => void,
): AsyncGenerator<Buffer, void, void> {
  const digests = startDigests(digestsNeeded(source, run.glanceDigests));
  const assertContent = formatGuard(source);
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
    // Glance makes an image active only when it has all bytes, so one that is refused here never becomes so.
    assertContent(chunk);
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

interface ReceiverWatch {
  start(seconds?: number): void;
  stop(): void;
}

/** Breaks an upload off when Glance takes no byte for too long. The time that the source needs does not count. */
function watchReceiver(controller: AbortController, stallSeconds: number): ReceiverWatch {
  let timer: NodeJS.Timeout | undefined;
  const stop = (): void => clearTimeout(timer);
  const start = (seconds = stallSeconds): void => {
    stop();
    timer = setTimeout(
      () =>
        controller.abort(new ConnectionError('STALLED', `Glance took nothing, and answered nothing, for ${seconds} s`)),
      seconds * 1000,
    );
  };
  return { start, stop };
}
