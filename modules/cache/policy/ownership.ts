// Owner, group and permissions of a copy: what it should have, and what differs.

export interface FileOwnership {
  readonly mode?: number | undefined;
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
}

/** As `fs.stat` returns it. */
export interface OwnedFile {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

export interface OwnershipChange {
  readonly before: Readonly<Record<string, string | number>>;
  readonly after: Readonly<Record<string, string | number>>;
}

const defaultMode = 0o644;

/** The ownership of a new copy: as requested, or else that of the previous copy. */
export function ownershipFor(requested: FileOwnership, previous: OwnedFile | undefined): FileOwnership {
  return {
    mode: requested.mode ?? (previous ? previous.mode & 0o7777 : defaultMode),
    uid: requested.uid ?? previous?.uid,
    gid: requested.gid ?? previous?.gid,
  };
}

/** What differs, as it is and as it should be; empty if nothing does. */
export function ownershipChange({ mode, uid, gid }: FileOwnership, file: OwnedFile): OwnershipChange {
  const before: Record<string, string | number> = {};
  const after: Record<string, string | number> = {};
  const compare = (name: string, found: string | number, desired: string | number | undefined): void => {
    if (desired === undefined || desired === found) return;
    before[name] = found;
    after[name] = desired;
  };
  compare('mode', modeText(file.mode), mode === undefined ? undefined : modeText(mode));
  compare('owner', file.uid, uid);
  compare('group', file.gid, gid);
  return { before, after };
}

export function isOwnershipChanged({ after }: OwnershipChange): boolean {
  return Object.keys(after).length > 0;
}

function modeText(mode: number): string {
  return (mode & 0o7777).toString(8).padStart(4, '0');
}
