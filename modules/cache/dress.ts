// Owner, permissions and date of a copy.
import type { Stats } from 'node:fs';
import { openRegular, unsafe } from '../clients/files/folders.js';
import type { Ownership } from './run.js';

const usualMode = 0o644;

/** What a copy is to have: what was asked for, else what the copy before has. */
export function ownershipFor(wanted: Ownership, before: Stats | undefined): Ownership {
  return {
    mode: wanted.mode ?? (before ? before.mode & 0o7777 : usualMode),
    uid: wanted.uid ?? before?.uid,
    gid: wanted.gid ?? before?.gid,
  };
}

/** What differs, as it is and as it is wanted; empty where nothing does. */
export function ownershipDifferences(
  { mode, uid, gid }: Ownership,
  stats: Stats,
): { readonly before: Record<string, string | number>; readonly after: Record<string, string | number> } {
  const before: Record<string, string | number> = {};
  const after: Record<string, string | number> = {};
  const compare = (name: string, found: string | number, wanted: string | number | undefined): void => {
    if (wanted === undefined || wanted === found) return;
    before[name] = found;
    after[name] = wanted;
  };
  compare('mode', modeText(stats.mode), mode === undefined ? undefined : modeText(mode));
  compare('owner', stats.uid, uid);
  compare('group', stats.gid, gid);
  return { before, after };
}

/**
 * Gives a file its owner, permissions and, where its source tells one, its date. What is so already is left alone: only root may give files away.
 * `inspected`: what the file was when it was found good; another one in its place is refused.
 */
export async function dress(
  path: string,
  wanted: Ownership,
  modifiedMs: number | undefined,
  inspected?: Stats,
): Promise<void> {
  const file = await openRegular(path);
  try {
    const stats = await file.stat();
    if (inspected && (stats.ino !== inspected.ino || stats.dev !== inspected.dev))
      throw unsafe(path, 'was replaced by somebody meanwhile');
    const { after } = ownershipDifferences(wanted, stats);
    if (after.owner !== undefined || after.group !== undefined)
      await file.chown(wanted.uid ?? stats.uid, wanted.gid ?? stats.gid);
    // After chown, which takes some of the bits away.
    if (wanted.mode !== undefined) await file.chmod(wanted.mode);
    if (modifiedMs !== undefined) await file.utimes(stats.atime, new Date(modifiedMs));
  } finally {
    await file.close();
  }
}

function modeText(mode: number): string {
  return (mode & 0o7777).toString(8).padStart(4, '0');
}
