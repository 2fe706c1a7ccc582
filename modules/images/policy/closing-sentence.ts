// The sentence that ends a deployment or a cleaning, complete in itself, so that an operator can forward it.
import { counted, listSome } from '../../core/counts.js';
import { formatBytes } from '../../core/sizes.js';

/** What happened to some images, such as `2 images deployed (1.3 GiB)`. */
interface Part {
  readonly count: number;
  /** What follows the count; in the first part, the word image stands between the two. */
  readonly verb: string;
  /** What follows in check mode, if other words are needed. */
  readonly planned?: string;
  readonly bytes?: number;
}

interface Sentence {
  readonly parts: readonly Part[];
  /** Said if no image is counted. */
  readonly nothing: string;
  /** The names of the images that failed. */
  readonly failed: readonly string[];
  /** All failures of the run, those of the images included. */
  readonly failures: readonly string[];
  readonly siteName: string;
  /** Said last. */
  readonly remark?: string;
  readonly checkMode: boolean;
}

/** An image that a run dealt with. */
export interface TreatedImage {
  readonly name: string;
  readonly action: string;
  readonly bytes?: number | undefined;
}

/** What a sentence says besides its images. */
export type ClosingFacts = Pick<Sentence, 'failures' | 'siteName' | 'remark' | 'checkMode'>;

const mostNames = 3;

/** Such as `3 images deployed (12.4 GiB), 1 held, 14 up to date at chi.tacc; nothing failed.` */
export function deploySentence(images: readonly TreatedImage[], facts: ClosingFacts): string {
  const counting = counterOf(images);
  return closingSentence({
    ...facts,
    parts: [
      { ...counting('deploy', 'resume'), verb: 'deployed', planned: 'to deploy' },
      { count: counting('update').count, verb: 'updated', planned: 'to update' },
      { count: counting('copy').count, verb: 'copied to more stores', planned: 'to copy to more stores' },
      { count: counting('delete').count, verb: 'left over and deleted', planned: 'left over and to delete' },
      { count: counting('held').count, verb: 'held' },
      { count: counting('in_progress').count, verb: 'being deployed by another run' },
      { count: counting('up_to_date').count, verb: 'up to date' },
    ],
    nothing: images.length === 0 ? 'No images selected' : 'No image deployed',
    failed: failedNames(images),
  });
}

/** Such as `2 images deleted (3.1 GiB), 1 hidden, 9 kept at chi.tacc; nothing failed.` */
export function cleanSentence(images: readonly TreatedImage[], facts: ClosingFacts): string {
  const counting = counterOf(images);
  return closingSentence({
    ...facts,
    parts: [
      { ...counting('delete'), verb: 'deleted', planned: 'to delete' },
      { count: counting('hide').count, verb: 'hidden', planned: 'to hide' },
      { count: counting('skip').count, verb: 'due but left alone' },
      { count: counting('keep').count, verb: 'kept' },
    ],
    nothing: images.length === 0 ? 'No images to manage' : 'No image hidden or deleted',
    failed: failedNames(images),
  });
}

type Counter = (...actions: readonly string[]) => { readonly count: number; readonly bytes: number };

function counterOf(images: readonly TreatedImage[]): Counter {
  return (...actions) => {
    const found = images.filter(({ action }) => actions.includes(action));
    return { count: found.length, bytes: found.reduce((sum, { bytes = 0 }) => sum + bytes, 0) };
  };
}

function failedNames(images: readonly TreatedImage[]): string[] {
  return images.filter(({ action }) => action === 'failed' || action === 'conflict').map(({ name }) => name);
}

function closingSentence({ parts, nothing, failed, failures, siteName, remark, checkMode }: Sentence): string {
  const counts = parts
    .filter(({ count }) => count > 0)
    .map(({ count, verb, planned = verb, bytes = 0 }, index) => {
      const amount = index === 0 ? counted(count, 'image') : String(count);
      return `${amount} ${checkMode ? planned : verb}${bytes > 0 ? ` (${formatBytes(bytes)})` : ''}`;
    });
  const done = counts.length > 0 ? counts.join(', ') : nothing;
  const ending = `${endingOf(failed, failures)}${remark === undefined ? '' : ` (${remark})`}`;
  return `${checkMode ? `Planned: ${lowerFirst(done)}` : done} at ${siteName}; ${ending}.`;
}

/** Names the images that failed; a failure of the run as a whole is quoted. */
function endingOf(failed: readonly string[], failures: readonly string[]): string {
  const [first] = failures;
  if (first === undefined) return 'nothing failed';
  const others = failures.length - failed.length;
  if (failed.length === 0)
    return `the run failed: ${first}${others > 1 ? ` (and ${counted(others - 1, 'other failure')})` : ''}`;
  const named = `${failed.length} failed: ${listSome(failed, mostNames)}`;
  return others > 0 ? `${named}; ${counted(others, 'other failure')}` : named;
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
