// Watches whether the service that an upload goes to still takes data.
import { ConnectionError } from './errors.js';

export interface ReceiverWatch {
  /** While the receiver has data to take; by default for `stallSeconds`. */
  start(seconds?: number): void;
  stop(): void;
}

/**
 * Aborts an upload when the receiver accepts no data for too long. The time that the source needs
 * does not count.
 */
export function watchReceiver(
  controller: AbortController,
  { receiver, stallSeconds }: { readonly receiver: string; readonly stallSeconds: number },
): ReceiverWatch {
  let timer: NodeJS.Timeout | undefined;
  const stop = (): void => clearTimeout(timer);
  const start = (seconds = stallSeconds): void => {
    stop();
    timer = setTimeout(
      () =>
        controller.abort(
          new ConnectionError('STALLED', `${receiver} accepted no data and sent no response for ${seconds} s`),
        ),
      seconds * 1000,
    );
  };
  return { start, stop };
}
