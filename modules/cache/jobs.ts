// The arguments as jobs. Every fault is collected, so that all are told together and nothing is changed.
import { isAbsolute, normalize } from 'node:path';
import { accountNumber } from '../clients/files/accounts.js';
import { withHome } from '../clients/files/paths.js';
import { InputError } from '../core/errors.js';
import type { Context } from '../core/operation.js';
import { parseChecksumField, algorithmRefusal } from '../images/policy/checksums.js';
import { parseImageReference } from '../images/policy/image-urls.js';
import { canDigest } from '../images/digests.js';
import {
  partNames,
  type CacheArguments,
  type FileJob,
  type Jobs,
  type Origin,
  type Ownership,
  type SetJob,
  type Wanted,
  type WantedChecksum,
} from './run.js';

type Told = (field: string, fault: string) => undefined;
type FileArguments = NonNullable<CacheArguments['files']>[number];
type SetArguments = NonNullable<CacheArguments['sets']>[number];

/** Reads all of them. Throws INVALID_INPUT with a sentence for each fault. */
export async function readJobs(args: CacheArguments, context: Pick<Context, 'environment'>): Promise<Jobs> {
  const faults: string[] = [];
  const tell: Told = (field, fault) => void faults.push(`${field}: ${fault}`);
  if (!args.files?.length && !args.sets?.length)
    tell('files, sets', 'nothing is asked for: name at least one file or set');
  if (!canDigest(args.checksum_algorithm))
    tell('checksum_algorithm', `this Node.js cannot compute ${args.checksum_algorithm}`);
  const isPresent = args.state === 'present';
  const pathOf = (path: string, field: string): string =>
    folderOrFile(withHome(path, context.environment), field, tell);
  const files = (args.files ?? []).map((file, index) =>
    fileJob(file, { label: `files[${index}]`, isPresent, pathOf, tell }),
  );
  const sets = (args.sets ?? []).map((set, index) => setJob(set, { label: `sets[${index}]`, isPresent, pathOf, tell }));
  tellTwice([...files.map(({ dest }) => dest), ...sets.map(({ folder, name }) => `${folder}/${name}`)], tell);
  const jobs = {
    files: await Promise.all(
      files.map(
        async (job, index): Promise<FileJob> => ({
          ...job,
          ownership: await ownershipOf(args.files?.[index], job.label, tell),
        }),
      ),
    ),
    sets: await Promise.all(
      sets.map(
        async (job, index): Promise<SetJob> => ({
          ...job,
          ownership: await ownershipOf(args.sets?.[index], job.label, tell),
        }),
      ),
    ),
  };
  if (faults.length > 0) throw new InputError(faults.join('; '));
  return jobs;
}

interface Reading {
  readonly label: string;
  readonly isPresent: boolean;
  readonly pathOf: (path: string, field: string) => string;
  readonly tell: Told;
}

function fileJob(file: FileArguments, { label, isPresent, pathOf, tell }: Reading): Omit<FileJob, 'ownership'> {
  const dest = pathOf(file.dest, `${label}.dest`);
  if (file.dest.endsWith('/')) tell(`${label}.dest`, `${file.dest} names a folder: name the file`);
  return { label, dest, wanted: isPresent ? wantedFrom(file, label, dest, tell) : undefined };
}

function setJob(set: SetArguments, { label, isPresent, pathOf, tell }: Reading): Omit<SetJob, 'ownership'> {
  const job = { label, name: set.name, folder: pathOf(set.dest, `${label}.dest`) };
  if (!isPresent) return { ...job, wanted: undefined };
  const given = [set.kernel && 'kernel', set.ramdisk && 'ramdisk', set.glance && 'glance'].filter(Boolean).join(', ');
  if (given !== 'kernel, ramdisk' && given !== 'glance') {
    tell(label, `the set ${set.name} has ${given || 'nothing'}: give kernel and ramdisk, or glance`);
    return { ...job, wanted: undefined };
  }
  const wanted = (name: 'kernel' | 'ramdisk'): Wanted | undefined => {
    const shown = `${set.name}/${name}`;
    if (set.glance) return { label: shown, origin: { kind: 'glance', nameOrId: set.glance[name] } };
    return wantedFrom(set[name] ?? {}, `${label}.${name}`, shown, tell);
  };
  const [kernel, ramdisk] = [wanted(partNames[0]), wanted(partNames[1])];
  return { ...job, wanted: kernel && ramdisk ? { kernel, ramdisk } : undefined };
}

function wantedFrom(
  given: { url?: string; checksum?: string },
  field: string,
  label: string,
  tell: Told,
): Wanted | undefined {
  if (given.url === undefined) return tell(field, 'url is required');
  const origin = originOf(given.url, `${field}.url`, tell);
  const checksum = given.checksum === undefined ? undefined : checksumOf(given.checksum, `${field}.checksum`, tell);
  return origin && { label, origin, checksum };
}

function originOf(text: string, field: string, tell: Told): Exclude<Origin, { kind: 'glance' }> | undefined {
  const reference = parseImageReference(text);
  if ('refusal' in reference) return tell(field, reference.refusal);
  if (reference.kind === 'glance')
    return tell(field, `${text} is an image of Glance: a set may come from there, by glance`);
  return reference.kind === 'file' ? { ...reference, url: text } : reference;
}

function checksumOf(text: string, field: string, tell: Told): WantedChecksum | undefined {
  const parsed = parseChecksumField(text);
  if (parsed.kind === 'refused') return tell(field, `${JSON.stringify(text)} is not allowed: ${parsed.why}`);
  const algorithm = parsed.kind === 'url' ? parsed.algorithm : parsed.checksum.algorithm;
  if (algorithm !== undefined && !canDigest(algorithm))
    return tell(field, `this Node.js cannot compute ${algorithm}; ${algorithmRefusal(algorithm)}`);
  if (parsed.kind === 'checksum') return parsed;
  const origin = originOf(parsed.url, field, tell);
  return origin && { kind: 'url', origin, algorithm };
}

function folderOrFile(path: string, field: string, tell: Told): string {
  if (!isAbsolute(path)) tell(field, `${JSON.stringify(path)} is not an absolute path`);
  return normalize(path).replace(/(?<=.)\/+$/, '');
}

function tellTwice(paths: readonly string[], tell: Told): void {
  const twice = new Set(paths.filter((path, index) => paths.indexOf(path) !== index));
  for (const path of twice) tell('dest', `${path} is named twice`);
}

async function ownershipOf(
  given: FileArguments | SetArguments | undefined,
  label: string,
  tell: Told,
): Promise<Ownership> {
  const number = async (
    database: 'passwd' | 'group',
    name: string | undefined,
    field: string,
  ): Promise<number | undefined> => {
    if (name === undefined) return undefined;
    const found = await accountNumber(database, name);
    return (
      found ??
      tell(field, `there is no ${database === 'passwd' ? 'user' : 'group'} ${JSON.stringify(name)} on this host`)
    );
  };
  return {
    mode: given?.mode === undefined ? undefined : Number.parseInt(given.mode, 8),
    uid: await number('passwd', given?.owner, `${label}.owner`),
    gid: await number('group', given?.group, `${label}.group`),
  };
}
