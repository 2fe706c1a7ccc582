// Writes to a descriptor until the last byte is out: process.exit() after stdout.write() would cut off what a pipe has not taken yet.
import { writeSync } from 'node:fs';

const pauseMilliseconds = 5;

/** Writes the whole text, waiting for a pipe that is full. Throws the system's error where it cannot be written, EPIPE where the reader is gone. */
export function writeFully(descriptor: number, text: string): void {
  const bytes = Buffer.from(text);
  for (let done = 0; done < bytes.length; ) {
    try {
      done += writeSync(descriptor, bytes, done);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pauseMilliseconds);
    }
  }
}
