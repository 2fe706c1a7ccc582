// What a check makes of what it has read: clocks, certificates, ages, permissions and room.
import { counted } from '../../core/counts.js';
import { optionText } from '../../core/option-text.js';
import { describeLack, isGranted, type Permission, type Rights } from '../../core/rights.js';
import { formatBytes, mebibyte } from '../../core/sizes.js';
import type { CheckedRun, Observation } from './check-findings.js';
import { momentOfRelease } from './holds.js';
import type { ClockDifference } from './retention-schedule.js';

const dayMs = 86_400_000;
/** A difference that does no harm yet, and that NTP would not leave. */
const noticeableSeconds = 60;

/** `fault`: why image_clean would refuse the clock. */
export function judgeClock(furthest: ClockDifference | undefined, fault: string | undefined): Observation {
  const check = 'clock';
  if (fault !== undefined) return { check, text: fault, fault: { fails: ['clean'] } };
  if (!furthest)
    return { check, text: 'no service sends its time', fault: { fails: [], advice: 'let them send Date' } };
  const seconds = Math.round(Math.abs(furthest.aheadSeconds));
  const direction = furthest.aheadSeconds < 0 ? 'behind' : 'ahead of';
  const text = `this host is ${counted(seconds, 'second')} ${direction} ${furthest.origin}`;
  return seconds < noticeableSeconds
    ? { check, text }
    : { check, text, fault: { fails: [], advice: 'synchronize the clocks, such as by NTP' } };
}

export interface CertificateEnd {
  /** Scheme, host and port of the server. */
  readonly origin: string;
  readonly validTo: Date;
  /** Whether it is refused once it has expired. */
  readonly isValidated: boolean;
}

export interface CertificateRules {
  readonly now: Date;
  readonly noticeDays: number;
  /** The runs that use the server. */
  readonly fails: readonly CheckedRun[];
}

/** One that ends within a day will be refused tonight. */
export function judgeCertificate(
  { origin, validTo, isValidated }: CertificateEnd,
  rules: CertificateRules,
): Observation {
  const days = (validTo.getTime() - rules.now.getTime()) / dayMs;
  const date = validTo.toISOString().slice(0, 10);
  const observed = { check: 'certificate', subject: origin };
  if (days < 0)
    return {
      ...observed,
      text: `it expired on ${date}, which only ${optionText('validate_certs', 'false')} tolerates`,
      fault: { fails: [], advice: 'renew it' },
    };
  const text = `it expires on ${date}, in ${days < 1 ? 'less than a day' : counted(Math.floor(days), 'day')}`;
  if (days > rules.noticeDays) return { ...observed, text };
  return { ...observed, text, fault: { fails: days < 1 && isValidated ? rules.fails : [], advice: 'renew it' } };
}

/** The day that the label of a release tells, such as `20250422-v1-amd`, or a build timestamp. */
export function dayOfRelease(label: string): Date | undefined {
  const [, ...parts] = /(?:^|\D)(20\d\d)-?(0[1-9]|1[0-2])-?(0[1-9]|[12]\d|3[01])(?!\d{1,3}(?!\d))/.exec(label) ?? [];
  return parts.length === 0 ? momentOfRelease(label) : new Date(`${parts.join('-')}T00:00:00Z`);
}

export interface ListedRelease {
  readonly name: string;
  readonly label: string;
}

/**
 * The age of the newest release of a catalogue. `staleDays`: 0 for no limit. Undefined if no release
 * tells its day.
 */
export function judgeReleases(
  kind: string,
  releases: readonly ListedRelease[],
  { now, staleDays }: { readonly now: Date; readonly staleDays: number },
): Observation | undefined {
  const dated = releases.flatMap((release) => {
    const day = dayOfRelease(release.label);
    return day ? [{ ...release, day }] : [];
  });
  const [newest] = dated.sort((one, other) => other.day.getTime() - one.day.getTime());
  if (!newest) return undefined;
  const days = Math.max(0, Math.floor((now.getTime() - newest.day.getTime()) / dayMs));
  const text = `the newest release, ${newest.label} of ${newest.name}, is ${counted(days, 'day')} old`;
  const observed = { check: 'age', subject: kind };
  if (staleDays === 0 || days <= staleDays) return { ...observed, text };
  return {
    ...observed,
    text: `${text}, more than ${optionText('stale_after')} (${staleDays})`,
    fault: {
      fails: [],
      advice: 'ask the publisher whether new releases are to come, and check that this is their store',
    },
  };
}

/** A permission, and the runs that need it. */
export interface NeededPermission {
  readonly permission: Permission;
  readonly fails: readonly CheckedRun[];
  readonly rights: Rights;
  /** What the service itself answered when it was asked; undefined if it was not. */
  readonly isPermitted?: boolean;
}

/**
 * What a login may not do, by the service's own answer or else by its default policies. Where the
 * service permits what it does not by default, the site has rules of its own, so that the defaults
 * tell nothing certain of the rest.
 */
export function judgePermissions(needed: readonly NeededPermission[]): Observation[] {
  const hasOwnRules = needed.some(
    ({ permission, rights, isPermitted }) => isPermitted === true && !isGranted(permission, rights),
  );
  const lacking = needed.filter(({ permission, rights, isPermitted }) =>
    isPermitted === undefined ? !isGranted(permission, rights) : !isPermitted,
  );
  return lacking.map(({ permission, rights, fails, isPermitted }) => {
    const observed = { check: 'permission', subject: permission.action };
    if (isPermitted === false && isGranted(permission, rights))
      return {
        ...observed,
        text: `${permission.service} refuses it, although the login has the role: the site has a rule of its own`,
        fault: {
          fails,
          advice: `check the ${permission.policies.join(', ')} in its policy file`,
          code: 'NOT_PERMITTED',
        },
      };
    const isCertain = isPermitted === false || !hasOwnRules;
    return {
      ...observed,
      text: describeLack(permission, rights),
      fault: {
        fails: isCertain ? fails : [],
        advice: isCertain ? 'give it this role' : 'the site has rules of its own, which may permit it',
        code: 'NOT_PERMITTED',
      },
    };
  });
}

/** What little a lock or a journal takes. */
const leastBytes = mebibyte;

/** A folder in which files of a few bytes will be created. */
export function judgeRoom(
  folder: { readonly check: string; readonly text: string; readonly freeBytes: number | undefined },
  fails: readonly CheckedRun[],
): Observation {
  const { check, text, freeBytes } = folder;
  if (freeBytes === undefined) return { check, text };
  const free = `${text}, ${formatBytes(freeBytes)} free`;
  if (freeBytes >= leastBytes) return { check, text: free };
  return { check, text: free, fault: { fails, advice: 'free some space' } };
}

interface Quota {
  readonly of: 'bytes' | 'images';
  readonly limit: number;
  readonly used: number;
}

export interface WantedRoom {
  readonly images: number;
  /** In all stores. */
  readonly bytes: number;
  /** Of them, the largest part that a single request of Glance adds. */
  readonly largestBytes: number;
}

/**
 * `wanted`: what the next deployment adds. Glance counts an image before it creates it. Bytes are
 * counted only when they are there: it takes data of any size as long as the limit is not exceeded
 * already, so that the last image may exceed it.
 */
export function judgeQuota({ of, limit, used }: Quota, wanted: WantedRoom): Observation {
  const shown = (amount: number): string => (of === 'bytes' ? formatBytes(amount) : counted(amount, 'image'));
  const needed = wanted[of];
  const text =
    `the project has ${shown(used)} of at most ${shown(limit)} in Glance` +
    (needed > 0 ? `, and the next deployment adds ${shown(needed)}` : '');
  const observed = { check: 'room', subject: of };
  if (used + needed <= limit) return { ...observed, text };
  const beforeLast = used + needed - (of === 'bytes' ? wanted.largestBytes : 0);
  const isRefused = needed > 0 && beforeLast > limit;
  return {
    ...observed,
    text,
    fault: {
      fails: isRefused ? ['deploy'] : [],
      advice: 'raise the limit of the project (openstack limit set), or delete images',
    },
  };
}
