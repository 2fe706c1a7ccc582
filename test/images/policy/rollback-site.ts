// A site in memory: deployments, rollbacks and renames by hand, write by write, as the operations and an operator
// make them.
import { archiveEdits } from '../../../modules/images/policy/holds.js';
import { withEdits, type ImageEdit } from '../../../modules/images/policy/image-edits.js';
import { planDeployment } from '../../../modules/images/policy/deployment.js';
import { settleProduction } from '../../../modules/images/policy/production.js';
import { subscriptionOf } from '../../../modules/images/policy/releases.js';
import { planRelease, planRollback, type RollbackRequest } from '../../../modules/images/policy/rollback.js';
import { archiveName } from '../../../modules/images/policy/archive-names.js';
import { isProduction, markers, type SiteImage } from '../../../modules/images/policy/site-image.js';
import { lock, owner, prefix, siteImage, sourcePrefix } from './image-fixtures.js';

export const name = 'CC-Ubuntu22.04';
export const releases = ['20250101-v1-amd', '20250201-v1-amd', '20250301-v1-amd', '20250401-v1-amd'] as const;
const metadataField = 'chameleon-supported';

export interface ModelSite {
  images: SiteImage[];
  /** The place in `releases` of the one in the catalogue. */
  newest: number;
  minute: number;
  created: number;
}

/** One write; run after run they are made in order, until the run is killed. */
type Write = (site: ModelSite) => void;

export const emptyModel = (): ModelSite => ({ images: [], newest: 0, minute: 0, created: 0 });

const nowOf = ({ minute }: ModelSite): Date => new Date(Date.UTC(2026, 0, 1, 0, minute));

export function inProduction({ images }: ModelSite): SiteImage[] {
  return images.filter((image) => isProduction(image, name, owner));
}

export function edit(site: ModelSite, id: string, edits: readonly ImageEdit[]): void {
  site.images = site.images.map((image) => (image.id === id ? withEdits(image, edits) : image));
}

/** Makes the writes, and checks after each that the production name is not missing. */
export function makeWrites(site: ModelSite, writes: readonly Write[], killedAfter = Number.POSITIVE_INFINITY): void {
  for (const write of writes.slice(0, killedAfter)) {
    const before = inProduction(site).length;
    write(site);
    if (before > 0 && inProduction(site).length === 0) throw new Error('the production name is missing');
  }
  site.minute += 1;
}

/** Archives what another image has replaced, as the markers tell at that moment. */
const archiveReplaced: Write = (site) => {
  const own = inProduction(site);
  for (const image of settleProduction(own, site.images)?.replaced ?? []) {
    const taken = new Set(site.images.map((each) => each.name));
    const edits = archiveEdits(image, {
      name: archiveName(image, taken),
      metadataField,
      managerTag: 'managed_by_osism',
      now: nowOf(site),
    });
    edit(site, image.id, edits);
  }
};

export function planOf(site: ModelSite, force = false) {
  return planDeployment({
    subscriptions: [subscriptionOf({ name, release: releases[site.newest] as string })],
    isInScope: () => true,
    sourcePrefixes: [sourcePrefix],
    images: site.images,
    owner,
    prefix,
    force,
    metadataField,
    recovery: { now: nowOf(site), uploadTimeoutSeconds: 14400, lock },
  });
}

export function deployWrites(site: ModelSite, force = false): Write[] {
  const { putBacks, images } = planOf(site, force);
  const marks = putBacks.map(
    ({ image, edits }): Write =>
      (each) =>
        edit(each, image.id, edits),
  );
  const [planned] = images;
  if (planned?.action === 'resume') return [...marks, archiveReplaced];
  if (planned?.action !== 'deploy') return marks;
  const finish = planned.unarchived ? [archiveReplaced] : [];
  return [...marks, ...finish, publish(planned.production?.id), archiveReplaced];
}

function publish(replaced: string | undefined): Write {
  return (site) => {
    site.created += 1;
    const id = `00000000-0000-4000-8000-${String(site.created).padStart(12, '0')}`;
    const release = releases[site.newest] as string;
    const created_at = nowOf(site).toISOString();
    site.images.push(
      siteImage({
        ...{ id, name, created_at, updated_at: created_at },
        properties: {
          current: release,
          'build-timestamp': `${release.slice(0, 4)}-${release.slice(4, 6)}-${release.slice(6, 8)} 10:00:00`,
          [markers.id]: id,
          [markers.name]: name,
          [markers.promoted]: id,
          ...(replaced ? { [markers.replaces]: replaced } : {}),
        },
      }),
    );
  };
}

export function requestOf(site: ModelSite, to?: string): RollbackRequest {
  return { name, to, images: site.images, owner, prefix, metadataField, now: nowOf(site) };
}

export function rollbackWrites(site: ModelSite, to?: string): Write[] {
  const steps = planRollback(requestOf(site, to));
  const back = steps.map(
    ({ image, edits }): Write =>
      (each) =>
        edit(each, image.id, edits),
  );
  return steps.some(({ action }) => action !== 'up_to_date') ? [...back, archiveReplaced] : [];
}

export function releaseWrites(site: ModelSite): Write[] {
  const steps = planRelease(requestOf(site));
  return [
    archiveReplaced,
    ...steps.map(
      ({ image, edits }): Write =>
        (each) =>
          edit(each, image.id, edits),
    ),
  ];
}

/**
 * Renames the production image away, if `both`, and another one into its place; nothing else
 * changes.
 */
export function renameByHand(site: ModelSite, id: string, both: boolean): void {
  if (both)
    for (const image of inProduction(site))
      edit(site, image.id, [{ op: 'replace', attribute: 'name', value: `set-aside-${image.id}` }]);
  edit(site, id, [
    { op: 'replace', attribute: 'name', value: name },
    { op: 'replace', attribute: 'visibility', value: 'public' },
  ]);
  site.minute += 1;
}
