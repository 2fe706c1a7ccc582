// The data of an image on their way from the source: read, digested and inspected, without keeping
// them.
import { readSource, type SourceOptions, type SourceSwitch } from '../../clients/store/source.js';
import { unpack } from '../../clients/store/unpacking.js';
import { withoutCredentials } from '../../core/urls.js';
import { startDigests } from '../digests.js';
import { contentGuard } from '../policy/disk-inspection.js';
import type { DigestPlan, TransferredData } from '../policy/verification.js';
import type { ImageSource } from './run.js';

export interface DataOptions extends SourceOptions {
  readonly digests: DigestPlan;
  /** The most that the data may have when decompressed. */
  readonly maxBytes: number;
  /** Called for each chunk that is read, with all bytes of the source so far. */
  readonly onRead: (bytes: number) => void;
  /** Called when the last chunk has been taken. */
  readonly onEnd: (data: TransferredData) => void;
}

/**
 * The data as Glance gets them, decompressed. Throws FORMAT_MISMATCH or FORMAT_UNSAFE, before the
 * last chunk, if they are not what they are said to be, and what `readSource` and `unpack` throw.
 */
export async function* readImageData(source: ImageSource, options: DataOptions): AsyncGenerator<Buffer, void, void> {
  const { object, compression } = source;
  const read = startDigests(options.digests.read);
  const sent = compression === undefined ? undefined : startDigests(options.digests.sent);
  const guard = contentGuard(object, source.diskFormat);
  let readBytes = 0;
  let mirror: string | undefined;
  const onSwitch = (switched: SourceSwitch): void => {
    mirror = switched.to === withoutCredentials(object.url) ? undefined : switched.to;
    options.onSwitch?.(switched);
  };
  async function* sourceData(): AsyncGenerator<Buffer, void, void> {
    const { mirrors = [] } = source;
    for await (const chunk of readSource(object, { ...options, mirrors, onSwitch })) {
      read.update(chunk);
      options.onRead((readBytes += chunk.length));
      yield chunk;
    }
  }
  const { url, bytes: sourceBytes } = object;
  const unpacking = { url, bytes: sourceBytes, maxBytes: options.maxBytes };
  let bytes = 0;
  let held: Buffer | undefined;
  for await (const chunk of compression ? unpack(sourceData(), { ...unpacking, compression }) : sourceData()) {
    guard.update(chunk);
    sent?.update(chunk);
    bytes += chunk.length;
    if (held) yield held;
    held = chunk;
  }
  // Glance activates an image only when it has all data, so an image that is refused here never
  // becomes active.
  guard.finish();
  if (held) yield held;
  const digests = read.finish();
  options.onEnd({ bytes, read: digests, sent: sent?.finish() ?? digests, ...(mirror ? { mirror } : {}) });
}
