// The journal: what a run is about to do, on disk before it does it. One file per test or roll-out,
// removed when everything is restored.
import fs from 'node:fs/promises';
import { join } from 'node:path';
import { syncPath, writeDurably } from '../clients/files/durable.js';
import { withFolders, type OpenOptions } from '../clients/files/folders.js';
import { isTrustedUser } from '../clients/files/accounts.js';
import { openOwn } from '../clients/files/own-files.js';
import { unsafePath, shownPath } from '../clients/files/paths.js';
import { hasCode, InputError, messageOf, OperationError } from '../core/errors.js';
import { isMapping } from '../core/mapping.js';
import type { ImageSettings, NodeImageSettings } from './policy/image-settings.js';

interface EntryHeader {
  /** The name of the server, the lease and the file. */
  readonly name: string;
  /** Identifies the cloud; not a secret. */
  readonly cloud: string;
  readonly startedAt: string;
  /** The last step that was started, for people. */
  readonly step: string;
}

export interface TestEntry extends EntryHeader {
  readonly kind: 'test';
  readonly node?: { readonly uuid: string; readonly name: string };
  /** The images that the node had before the test. */
  readonly former?: NodeImageSettings;
  readonly wanted?: ImageSettings;
  /** The id is unknown until the service has answered. */
  readonly lease?: { readonly id?: string };
  readonly server?: { readonly id?: string };
  /** Keys of instance_info that were set for a deployment by Ironic itself. */
  readonly instanceKeys?: readonly string[];
}

export interface RolloutEntry extends EntryHeader {
  readonly kind: 'rollout';
  readonly nodeType: string;
  readonly wanted: ImageSettings;
  readonly isRollingBack: boolean;
  /** The images that nodes had before they were changed, by UUID. */
  readonly nodes: Readonly<Record<string, { readonly name: string; readonly former: NodeImageSettings }>>;
}

export type JournalEntry = TestEntry | RolloutEntry;

export interface Journal {
  readonly folder: string;
  /** The entries that earlier runs on this cloud have left, oldest first. */
  read(): Promise<JournalEntry[]>;
  /** Replaces the entry of the same name; it is on disk when this returns. */
  write(entry: JournalEntry): Promise<void>;
  remove(entry: JournalEntry): Promise<void>;
  pathOf(entry: JournalEntry): string;
}

const version = 1;

/**
 * Without the folder there is nothing to read. Writes throw INVALID_INPUT if the folder is not
 * writable. Entries that cannot be read throw JOURNAL_UNREADABLE, and those that other users may
 * have put there UNSAFE_PATH, because nodes get images by the journal.
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

/** Calls `use` with the opened folder; does nothing if it does not exist. */
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
      if (!isTrustedUser(uid)) throw unsafePath(opened, `belongs to user ${uid}`, 'choose another journal_dir');
      return use(opened);
    });
  } catch (error) {
    if (error instanceof OperationError && !(error instanceof InputError)) throw error;
    throw new InputError(
      `journal_dir: ${path} cannot be ${purpose} (${shownPath(messageOf(error))}); ` +
        'choose a folder that this user may write to',
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

/**
 * An unreadable entry is not ignored: it may be all that is known of a node with the wrong images.
 */
async function readEntry(path: string): Promise<JournalEntry> {
  try {
    const file = await openOwn(path, fs.constants.O_RDONLY);
    return parseEntry(JSON.parse(await file.readFile('utf8').finally(() => file.close())));
  } catch (error) {
    if (hasCode(error, 'UNSAFE_PATH')) throw error;
    const shown = shownPath(path);
    throw new OperationError(
      'JOURNAL_UNREADABLE',
      `${shown} cannot be read: ${shownPath(messageOf(error))}; restore by hand what it names, then delete it`,
      { path: shown },
      error,
    );
  }
}

/** Checks what JSON.parse has read. Throws an Error that names the fault. */
function parseEntry(value: unknown): JournalEntry {
  if (!isMapping(value)) throw new Error('it is not a mapping');
  if (value.version !== version)
    throw new Error(`it has version ${String(value.version)}, and this program supports version ${version}`);
  const header = {
    name: text(value, 'name'),
    cloud: text(value, 'cloud'),
    startedAt: text(value, 'startedAt'),
    step: text(value, 'step'),
  };
  if (value.kind === 'test') return { kind: 'test', ...header, ...parseTest(value) };
  if (value.kind === 'rollout') return { kind: 'rollout', ...header, ...parseRollout(value) };
  throw new Error('its kind is neither test nor rollout');
}

type Mapping = Readonly<Record<string, unknown>>;

function parseTest(value: Mapping): Omit<TestEntry, 'kind' | keyof EntryHeader> {
  const { node, former, wanted, lease, server, instanceKeys: keys } = value;
  if (keys !== undefined && !isTexts(keys)) throw new Error('instanceKeys is not a list of names');
  return {
    ...(node === undefined ? {} : { node: { uuid: text(node, 'uuid'), name: text(node, 'name') } }),
    ...(former === undefined ? {} : { former: parseImages(former) }),
    ...(wanted === undefined ? {} : { wanted: parseSettings(wanted) }),
    ...(lease === undefined ? {} : { lease: parseReference(lease) }),
    ...(server === undefined ? {} : { server: parseReference(server) }),
    ...(keys === undefined ? {} : { instanceKeys: keys }),
  };
}

function parseRollout(value: Mapping): Omit<RolloutEntry, 'kind' | keyof EntryHeader> {
  if (!isMapping(value.nodes)) throw new Error('it has no nodes');
  return {
    nodeType: text(value, 'nodeType'),
    wanted: parseSettings(value.wanted),
    isRollingBack: value.isRollingBack === true,
    nodes: Object.fromEntries(
      Object.entries(value.nodes).map(([uuid, node]) => [
        uuid,
        { name: text(node, 'name'), former: parseImages(isMapping(node) ? node.former : undefined) },
      ]),
    ),
  };
}

function parseImages(value: unknown): NodeImageSettings {
  if (!isMapping(value)) throw new Error('the former images of a node are missing');
  const node = parseSettings(value.node);
  if (value.doni === undefined) return { node };
  const { deployKernel = null, deployRamdisk = null } = parseSettings(value.doni);
  return { node, doni: { deployKernel, deployRamdisk } };
}

function parseSettings(value: unknown): ImageSettings {
  if (!isMapping(value) || !isSettings(value)) throw new Error('images are neither texts nor null');
  return value;
}

function parseReference(value: unknown): { readonly id?: string } {
  return isMapping(value) && value.id === undefined ? {} : { id: text(value, 'id') };
}

function text(value: unknown, key: string): string {
  const found = isMapping(value) ? value[key] : undefined;
  if (typeof found !== 'string') throw new Error(`it has no ${key}`);
  return found;
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string');
}

function isSettings(value: Mapping): value is ImageSettings {
  return Object.values(value).every((one) => one === null || typeof one === 'string');
}
