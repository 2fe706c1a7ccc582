// image_report: reads the site and the plans of the other operations, and writes one page about
// them.
import validate from '#validators/image_report';
import { counted } from '../../core/counts.js';
import type { Context, Difference, Operation, Outcome } from '../../core/operation.js';
import { openWatchedCloud } from '../../runtime/connect.js';
import { assertAges } from '../policy/retention-schedule.js';
import { readSiteImages } from '../site-images.js';
import { imageReportDeclaration } from './declaration.js';
import { pageModel, presentable, type PageModel } from './model.js';
import { renderPage } from './page.js';
import { readPageFile, writePageFile, type PageFile } from './page-file.js';
import { readForReport, type ReportArguments, type Unknown } from './read.js';

export const imageReport: Operation<(typeof imageReportDeclaration)['fields']> = {
  ...imageReportDeclaration,
  validate,
  run: reportImages,
};

async function reportImages(args: ReportArguments, context: Context): Promise<Outcome> {
  assertAges({ hideMonths: args.hide_image_age_in_month, deleteMonths: args.delete_image_age_in_month });
  const file = await readPageFile(args.html, context.environment);
  const { cloud, clock } = await openWatchedCloud(args, context);
  const images = await readSiteImages(cloud, { community: true });
  const run = { args, context, cloud, clock, images };
  const reading = await readForReport(run);
  const model = presentable(pageModel(run, reading), context.redact ?? ((text) => text));
  const text = renderPage(model, context.now());
  if (!context.checkMode) await writePageFile(file.path, text);
  return reportOutcome({ file, text, model, unknown: reading.unknown });
}

interface Report {
  readonly file: PageFile;
  readonly text: string;
  readonly model: PageModel;
  readonly unknown: readonly Unknown[];
}

function reportOutcome({ file: { path, previous }, text, model, unknown }: Report): Outcome {
  // The time on the page changes with every run, and by itself is no change.
  const changed = previous === undefined || renderPage(model, previous.time) !== previous.text;
  return {
    changed,
    message: `${path}: ${counted(model.images.length, 'image')}`,
    values: { html: path, image_count: model.images.length, unknown },
    failures: unknown.map(({ what, reason }) => `${what} is unknown: ${reason}`),
    warnings: [],
    differences: changed ? [differenceOf(path, previous?.text ?? '', text)] : [],
    table: { columns: [], rows: [] },
  };
}

/** The rows that are not the same, as a reader sees them. */
function differenceOf(path: string, before: string, after: string): Difference {
  const [old, now] = [new Set(rowsOf(before)), new Set(rowsOf(after))];
  return {
    header: `page ${path}`,
    before: { rows: [...old].filter((row) => !now.has(row)) },
    after: { rows: [...now].filter((row) => !old.has(row)) },
  };
}

const entities: Readonly<Record<string, string>> = { lt: '<', gt: '>', quot: '"', '#39': "'", amp: '&' };

/** Whole rows of tables, with the lists in their cells, and what is elsewhere. */
function rowsOf(page: string): string[] {
  return [...page.matchAll(/<tr>.*?<\/tr>|<li>.*?<\/li>|<dd>.*?<\/dd>/gs)].map(([row]) =>
    row
      .replace(/<svg class="life".*?<\/svg>/gs, ' ')
      .replace(/<[^>]*>/g, ' ')
      .replace(/&(lt|gt|quot|#39|amp);/g, (_, name: string) => entities[name] ?? '')
      .replace(/\s+/g, ' ')
      .trim(),
  );
}
