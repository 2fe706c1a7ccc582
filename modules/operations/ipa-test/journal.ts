// What a run is about to do, on disk before it does it: one file a test or roll-out, removed when everything is back in order.
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { statOf, syncPath, writeDurably } from '../../clients/files/durable.js';
import { InputError, messageOf, OperationError } from '../../core/errors.js';
import type { ImageSettings } from '../../policy/image-settings.js';

export interface FormerImages {
  /** Of driver_info, by key. */
  readonly node: ImageSettings;
  /** What Doni had; absent where Doni does not have the node. */
  readonly doni?: { readonly deployKernel: string | null; readonly deployRamdisk: string | null };
}

interface Entry {
  /** Of the server, the lease and the file. */
  readonly name: string;
  /** Names the cloud. No secret. */
  readonly cloud: string;
  readonly startedAt: string;
  /** What was begun last, for people. */
  readonly step: string;
}

export interface TestEntry extends Entry {
  readonly kind: 'test';
  readonly node?: { readonly uuid: string; readonly name: string };
  readonly former?: FormerImages;
  readonly wanted?: ImageSettings;
  /** The id is known only once the service has answered. */
  readonly lease?: { readonly id?: string };
  readonly server?: { readonly id?: string };
  /** Keys of instance_info that were set for a deployment by Ironic itself. */
  readonly instanceKeys?: readonly string[];
}

export interface RolloutEntry extends Entry {
  readonly kind: 'rollout';
  readonly nodeType: string;
  readonly wanted: ImageSettings;
  readonly isRollingBack: boolean;
  /** What nodes had before they were changed, by UUID. */
  readonly nodes: Readonly<Record<string, { readonly name: string; readonly former: FormerImages }>>;
}

export type JournalEntry = TestEntry | RolloutEntry;

export interface Journal {
  readonly folder: string;
  /** What earlier runs on this cloud have left, the oldest first. */
  read(): Promise<JournalEntry[]>;
  /** Replaces the entry of that name; on disk when it returns. */
  write(entry: JournalEntry): Promise<void>;
  remove(entry: JournalEntry): Promise<void>;
  pathOf(entry: JournalEntry): string;
}

const version = 1;

/** Reads need no folder. Writes throw INVALID_INPUT where the folder cannot be written to; what cannot be read is JOURNAL_UNREADABLE. */
export function openJournal(folder: string, cloud: string): Journal {
  const pathOf = ({ name }: JournalEntry): string => join(folder, `ipa-${name.replace(/[^\w.-]/g, '_')}.json`);
  return {
    folder,
    pathOf,
    read: async () => (await readEntries(folder)).filter((entry) => entry.cloud === cloud).sort((one, other) => (one.startedAt < other.startedAt ? -1 : 1)),
    write: async (entry) => {
      try {
        await mkdir(folder, { recursive: true, mode: 0o700 });
        await writeDurably(pathOf(entry), `${JSON.stringify({ version, ...entry }, null, 2)}\n`, 0o600);
      } catch (error) {
        throw new InputError(`journal_dir: ${folder} cannot be written to (${messageOf(error)}); name a folder where this user may write`, 'journal_dir');
      }
    },
    remove: async (entry) => {
      await rm(pathOf(entry), { force: true });
      if (await statOf(folder)) await syncPath(folder);
    },
  };
}

async function readEntries(folder: string): Promise<JournalEntry[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw new InputError(`journal_dir: ${folder} cannot be read (${messageOf(error)})`, 'journal_dir');
  });
  return Promise.all(names.filter((name) => /^ipa-.+\.json$/.test(name)).map((name) => readEntry(join(folder, name))));
}

/** An entry that cannot be read is not passed over: it may be all that is known of a node with the wrong images. */
async function readEntry(path: string): Promise<JournalEntry> {
  try {
    const entry = JSON.parse(await readFile(path, 'utf8')) as JournalEntry & { readonly version: number };
    if (entry.version !== version) throw new Error(`it is of version ${entry.version}, and this program knows version ${version}`);
    return entry;
  } catch (error) {
    throw new OperationError('JOURNAL_UNREADABLE', `${path} cannot be read: ${messageOf(error)}; see what it names, put it right by hand, then delete it`, { path }, error);
  }
}
