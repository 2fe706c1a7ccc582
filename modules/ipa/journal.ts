// What a run is about to do, on disk before it does it: one file a test or roll-out, removed when everything is back in order.
import fs from 'node:fs/promises';
import { join } from 'node:path';
import { syncPath, writeDurably } from '../clients/files/durable.js';
import { openOwn, unsafe, withFolders, type OpenOptions } from '../clients/files/folders.js';
import { isTrustedUser } from '../clients/files/accounts.js';
import { shownPath } from '../clients/files/paths.js';
import { hasCode, InputError, messageOf, OperationError } from '../core/errors.js';
import type { ImageSettings } from './policy/image-settings.js';

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

/**
 * Reads need no folder. Writes throw INVALID_INPUT where the folder cannot be written to; what cannot be read is JOURNAL_UNREADABLE, and what
 * other users may have put there UNSAFE_PATH: by the journal nodes are given images.
 */
export function openJournal(folder: string, cloud: string): Journal {
  const nameOf = ({ name }: JournalEntry): string => `ipa-${name.replace(/[^\w.-]/g, '_')}.json`;
  return {
    folder,
    pathOf: (entry) => join(folder, nameOf(entry)),
    read: async () =>
      (await readEntries(folder))
        .filter((entry) => entry.cloud === cloud)
        .sort((one, other) => (one.startedAt < other.startedAt ? -1 : 1)),
    write: async (entry) => {
      const text = `${JSON.stringify({ version, ...entry }, null, 2)}\n`;
      await withFolder(folder, 'written to', async (opened) => writeDurably(join(opened, nameOf(entry)), text, 0o600), {
        create: true,
        mode: 0o700,
      });
    },
    remove: async (entry) => {
      await withFolder(folder, 'written to', async (opened) => {
        await fs.rm(join(opened, nameOf(entry)), { force: true });
        await syncPath(opened);
      });
    },
  };
}

/** Lends the opened folder; does nothing where there is none. */
async function withFolder<T>(
  path: string,
  purpose: string,
  use: (opened: string) => Promise<T>,
  options: OpenOptions = {},
): Promise<T | undefined> {
  try {
    return await withFolders(async (folders) => {
      const opened = await folders.open(path, options);
      if (opened === undefined) return undefined;
      const { uid } = await fs.stat(opened);
      if (!isTrustedUser(uid)) throw unsafe(opened, `belongs to user ${uid}`, 'name another journal_dir');
      return use(opened);
    });
  } catch (error) {
    if (error instanceof OperationError && !(error instanceof InputError)) throw error;
    throw new InputError(
      `journal_dir: ${path} cannot be ${purpose} (${shownPath(messageOf(error))}); name a folder where this user may write`,
      'journal_dir',
    );
  }
}

async function readEntries(folder: string): Promise<JournalEntry[]> {
  const entries = await withFolder(folder, 'read', async (opened) => {
    const names = (await fs.readdir(opened)).filter((name) => /^ipa-.+\.json$/.test(name));
    return Promise.all(names.map((name) => readEntry(join(opened, name))));
  });
  return entries ?? [];
}

/** An entry that cannot be read is not passed over: it may be all that is known of a node with the wrong images. */
async function readEntry(path: string): Promise<JournalEntry> {
  try {
    const file = await openOwn(path, fs.constants.O_RDONLY);
    const entry = JSON.parse(await file.readFile('utf8').finally(() => file.close())) as JournalEntry & {
      readonly version: number;
    };
    if (entry.version !== version)
      throw new Error(`it is of version ${entry.version}, and this program knows version ${version}`);
    return entry;
  } catch (error) {
    if (hasCode(error, 'UNSAFE_PATH')) throw error;
    const shown = shownPath(path);
    throw new OperationError(
      'JOURNAL_UNREADABLE',
      `${shown} cannot be read: ${shownPath(messageOf(error))}; see what it names, put it right by hand, then delete it`,
      { path: shown },
      error,
    );
  }
}
