// Reads what people and Ansible give as a path: a file, or the pipe of a shell's `<(…)` or
// /dev/stdin. A thread that waits for a pipe cannot be stopped and would keep the process from
// exiting, so nothing here ever blocks a thread.
import fs from 'node:fs';
import net from 'node:net';
import tty from 'node:tty';
import { promisify } from 'node:util';
import { OperationError } from '../../core/errors.js';

const { O_NOCTTY, O_NONBLOCK, O_RDONLY } = fs.constants;
const open = promisify(fs.open);

export interface Input {
  readonly stats: fs.Stats;
  readonly chunks: AsyncIterable<Buffer>;
}

/**
 * Opens it for reading. Reading to the end or leaving the loop closes it. Throws the system's
 * error.
 */
export async function openInput(path: string, signal?: AbortSignal): Promise<Input> {
  signal?.throwIfAborted();
  // A pipe without a writer opens immediately, and waiting for it needs no thread.
  const descriptor = await open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  const stats = fs.fstatSync(descriptor);
  if (stats.isFIFO())
    return {
      stats,
      chunks: stoppable(new net.Socket({ fd: descriptor, readable: true, writable: false }), path, signal),
    };
  if (tty.isatty(descriptor)) return { stats, chunks: stoppable(new tty.ReadStream(descriptor), path, signal) };
  return { stats, chunks: stoppable(fs.createReadStream('', { fd: descriptor }), path, signal) };
}

const longestSilenceSeconds = 300;

/** The chunks of the stream. Throws the signal's reason, and STALLED if nobody writes to a pipe. */
async function* stoppable(
  stream: NodeJS.ReadableStream & { destroy(error?: Error): unknown },
  path: string,
  signal?: AbortSignal,
): AsyncGenerator<Buffer> {
  const stop = (): void => void stream.destroy(signal?.reason);
  const giveUp = (): void =>
    void stream.destroy(
      new OperationError('STALLED', `${path}: nothing was received within ${longestSilenceSeconds} s`, { path }),
    );
  let timer = setTimeout(giveUp, longestSilenceSeconds * 1000);
  signal?.addEventListener('abort', stop, { once: true });
  try {
    signal?.throwIfAborted();
    for await (const chunk of stream) {
      clearTimeout(timer);
      yield typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
      timer = setTimeout(giveUp, longestSilenceSeconds * 1000);
    }
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', stop);
    stream.destroy();
  }
}
