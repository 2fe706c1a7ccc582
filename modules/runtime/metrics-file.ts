// The file with a run's metrics, such as one that node_exporter reads: replaced as a whole, in a
// directory that may be another user's.
import { basename, dirname, join } from 'node:path';
import { replaceAmongOthers } from '../clients/files/durable.js';
import { withFolders } from '../clients/files/folders.js';
import { openRegular } from '../clients/files/own-files.js';
import { shownPath } from '../clients/files/paths.js';
import { InputError, isSystemError, messageOf } from '../core/errors.js';
import { formatExposition, parseExposition } from '../core/exposition.js';
import { mebibyte } from '../core/sizes.js';
import { familiesOf, withEarlier, type RunMetrics } from './run-metrics.js';

/** A thousand images need a third of it. */
const largestFile = mebibyte;
/** What this tool writes, and what the role's wrapper of earlier versions wrote. */
const metricsLine = /^(?:# (?:HELP|TYPE) .*|# EOF|(?:periodic_task|image_tools)_\w+(?:\{.*\})? \S+|)$/s;

/**
 * Replaces the file atomically by the metrics of a run, and by those of earlier runs that it says
 * nothing about. `name`: that of the operation. Readable for everybody, whatever the umask. Throws,
 * and leaves alone, what is anything but such a file: it may be a slip of an operator, or hold a
 * last success that must not be lost.
 */
export async function writeMetricsFile(path: string, metrics: RunMetrics, name: string): Promise<void> {
  await withFolders(async (folders) => {
    const folder = await folders.open(dirname(path));
    if (folder === undefined) throw new InputError(`there is no directory ${dirname(path)}`);
    const place = join(folder, basename(path));
    const earlier = parseExposition(await readEarlier(place, path));
    const text = formatExposition(familiesOf(withEarlier(metrics, earlier, name)));
    await replaceAmongOthers(place, text, (handle) => handle.chmod(0o644)).catch((error: unknown) => {
      throw new InputError(shownPath(messageOf(error)));
    });
  });
}

/** Empty if there is no file. Whose it is does not matter, since it is replaced, and only gauges are taken over. */
async function readEarlier(place: string, path: string): Promise<string> {
  const handle = await openRegular(place).catch((error: unknown) => {
    if (isSystemError(error, 'ENOENT')) return undefined;
    throw error;
  });
  if (!handle) return '';
  try {
    const text = (await handle.stat()).size > largestFile ? undefined : await handle.readFile('utf8');
    if (text?.split('\n').every((line) => metricsLine.test(line))) return text;
  } finally {
    await handle.close();
  }
  throw new InputError(`${path} is not a file of these metrics, and was left alone; remove it, or give another path`);
}
