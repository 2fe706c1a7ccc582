// The arguments as jobs. All faults are collected, so that they are reported together before
// anything is changed.
import { isAbsolute, normalize } from 'node:path';
import { accountNumber } from '../clients/files/accounts.js';
import { withHome } from '../clients/files/paths.js';
import { InputError } from '../core/errors.js';
import type { Context } from '../core/operation.js';
import { canDigest } from '../images/digests.js';
import { algorithmRefusal, parseChecksumField } from '../images/policy/checksums.js';
import { parseImageReference } from '../images/policy/image-urls.js';
import type { FileOwnership } from './policy/ownership.js';
import {
  partNames,
  type CacheArguments,
  type CacheJobs,
  type FileJob,
  type Origin,
  type PartName,
  type RequestedChecksum,
  type RequestedFile,
  type SetJob,
} from './run.js';

type ReportFault = (field: string, fault: string) => undefined;
type FileArguments = NonNullable<CacheArguments['files']>[number];
type SetArguments = NonNullable<CacheArguments['sets']>[number];

/** Throws INVALID_INPUT with a sentence for each fault. */
export async function readJobs(args: CacheArguments, context: Pick<Context, 'environment'>): Promise<CacheJobs> {
  const faults: string[] = [];
  const report: ReportFault = (field, fault) => void faults.push(`${field}: ${fault}`);
  if (!args.files?.length && !args.sets?.length)
    report('files, sets', 'nothing is requested: give at least one file or set');
  if (!canDigest(args.checksum_algorithm))
    report('checksum_algorithm', `this Node.js cannot compute ${args.checksum_algorithm}`);
  const isPresent = args.state === 'present';
  const pathOf = (path: string, field: string): string => readPath(withHome(path, context.environment), field, report);
  const files = (args.files ?? []).map((file, index) =>
    fileJob(file, { label: `files[${index}]`, isPresent, pathOf, report }),
  );
  const sets = (args.sets ?? []).map((set, index) =>
    setJob(set, { label: `sets[${index}]`, isPresent, pathOf, report }),
  );
  reportDuplicates([...files.map(({ dest }) => dest), ...sets.map(({ folder, name }) => `${folder}/${name}`)], report);
  const jobs = {
    files: await withOwnership(files, args.files, report),
    sets: await withOwnership(sets, args.sets, report),
  };
  if (faults.length > 0) throw new InputError(faults.join('; '));
  return jobs;
}

interface JobContext {
  readonly label: string;
  readonly isPresent: boolean;
  readonly pathOf: (path: string, field: string) => string;
  readonly report: ReportFault;
}

function fileJob(file: FileArguments, { label, isPresent, pathOf, report }: JobContext): Omit<FileJob, 'ownership'> {
  const dest = pathOf(file.dest, `${label}.dest`);
  if (file.dest.endsWith('/')) report(`${label}.dest`, `${file.dest} is a folder: give the path of the file`);
  return { label, dest, file: isPresent ? readRequestedFile(file, label, dest, report) : undefined };
}

function setJob(set: SetArguments, { label, isPresent, pathOf, report }: JobContext): Omit<SetJob, 'ownership'> {
  const job = { label, name: set.name, folder: pathOf(set.dest, `${label}.dest`) };
  if (!isPresent) return { ...job, files: undefined };
  const given = [set.kernel && 'kernel', set.ramdisk && 'ramdisk', set.glance && 'glance'].filter(Boolean).join(', ');
  if (given !== 'kernel, ramdisk' && given !== 'glance') {
    report(label, `the set ${set.name} has ${given || 'nothing'}: give kernel and ramdisk, or glance`);
    return { ...job, files: undefined };
  }
  const fileOf = (name: PartName): RequestedFile | undefined => {
    const shown = `${set.name}/${name}`;
    if (set.glance) return { label: shown, origin: { kind: 'glance', nameOrId: set.glance[name] } };
    return readRequestedFile(set[name] ?? {}, `${label}.${name}`, shown, report);
  };
  const [kernel, ramdisk] = [fileOf(partNames[0]), fileOf(partNames[1])];
  return { ...job, files: kernel && ramdisk ? { kernel, ramdisk } : undefined };
}

function readRequestedFile(
  given: { url?: string; checksum?: string },
  field: string,
  label: string,
  report: ReportFault,
): RequestedFile | undefined {
  if (given.url === undefined) return report(field, 'url is required');
  const origin = readOrigin(given.url, `${field}.url`, report);
  const checksum = given.checksum === undefined ? undefined : readChecksum(given.checksum, `${field}.checksum`, report);
  return origin && { label, origin, checksum };
}

function readOrigin(text: string, field: string, report: ReportFault): Exclude<Origin, { kind: 'glance' }> | undefined {
  const reference = parseImageReference(text);
  if ('refusal' in reference) return report(field, reference.refusal);
  if (reference.kind === 'glance')
    return report(field, `${text} is an image in Glance, from which only sets can be cached: use glance`);
  return reference.kind === 'file' ? { ...reference, url: text } : reference;
}

function readChecksum(text: string, field: string, report: ReportFault): RequestedChecksum | undefined {
  const parsed = parseChecksumField(text);
  if (parsed.kind === 'refused') return report(field, `${JSON.stringify(text)} is not allowed: ${parsed.why}`);
  const algorithm = parsed.kind === 'url' ? parsed.algorithm : parsed.checksum.algorithm;
  if (algorithm !== undefined && !canDigest(algorithm))
    return report(field, `this Node.js cannot compute ${algorithm}; ${algorithmRefusal(algorithm)}`);
  if (parsed.kind === 'checksum') return parsed;
  const origin = readOrigin(parsed.url, field, report);
  return origin && { kind: 'url', origin, algorithm };
}

function readPath(path: string, field: string, report: ReportFault): string {
  if (!isAbsolute(path)) report(field, `${JSON.stringify(path)} is not an absolute path`);
  return normalize(path).replace(/(?<=.)\/+$/, '');
}

function reportDuplicates(paths: readonly string[], report: ReportFault): void {
  const duplicates = new Set(paths.filter((path, index) => paths.indexOf(path) !== index));
  for (const path of duplicates) report('dest', `${path} is given more than once`);
}

async function withOwnership<J extends { readonly label: string }>(
  jobs: readonly J[],
  given: readonly (FileArguments | SetArguments)[] | undefined,
  report: ReportFault,
): Promise<(J & { readonly ownership: FileOwnership })[]> {
  return Promise.all(
    jobs.map(async (job, index) => ({ ...job, ownership: await readOwnership(given?.[index], job.label, report) })),
  );
}

async function readOwnership(
  given: FileArguments | SetArguments | undefined,
  label: string,
  report: ReportFault,
): Promise<FileOwnership> {
  const number = async (
    database: 'passwd' | 'group',
    name: string | undefined,
    field: string,
  ): Promise<number | undefined> => {
    if (name === undefined) return undefined;
    const found = await accountNumber(database, name);
    return (
      found ??
      report(field, `there is no ${database === 'passwd' ? 'user' : 'group'} ${JSON.stringify(name)} on this host`)
    );
  };
  return {
    mode: given?.mode === undefined ? undefined : Number.parseInt(given.mode, 8),
    uid: await number('passwd', given?.owner, `${label}.owner`),
    gid: await number('group', given?.group, `${label}.group`),
  };
}
