// Who uses an image, in words: collected with the memory of a few names, however many there are.

export interface ImageUser {
  /** Such as `server web-3`. */
  readonly what: string;
  readonly projectId?: string | undefined;
}

export interface ImageUse {
  /** Those that are named; the others are only counted. */
  readonly named: readonly ImageUser[];
  readonly count: number;
}

/** How many users of an image are named unless more are asked for. */
const usualMost = 2;

export function addUser(uses: Map<string, ImageUse>, imageId: string, user: ImageUser, most = usualMost): void {
  const use = uses.get(imageId) ?? { named: [], count: 0 };
  if (use.named.some(({ what, projectId }) => what === user.what && projectId === user.projectId)) return;
  uses.set(imageId, { named: use.named.length < most ? [...use.named, user] : use.named, count: use.count + 1 });
}

/** `server web-3 of project climate`. A project whose name is not known is called by its id. */
export function describeUser({ what, projectId }: ImageUser, projectNames: ReadonlyMap<string, string>): string {
  return projectId ? `${what} of project ${projectNames.get(projectId) ?? projectId}` : what;
}

/** `server web-3 of project climate and 41 more`. */
export function describeUse(use: ImageUse, projectNames: ReadonlyMap<string, string>): string {
  const users = use.named.map((user) => describeUser(user, projectNames));
  const more = use.count - use.named.length;
  return [users.join(', '), ...(more > 0 ? [`${more} more`] : [])].join(' and ');
}
