// This host: its clock, the folders of lock and journal, and the certificates of the servers that
// were asked.
import { isTrustedUser } from '../../clients/files/accounts.js';
import { unsafePath, withHome } from '../../clients/files/paths.js';
import { findWritable } from '../../clients/files/room.js';
import type { OnCertificate, SeenCertificate } from '../../clients/http/certificate-watch.js';
import type { WatchedClock } from '../../clients/keystone/clock.js';
import { InputError, messageOf } from '../../core/errors.js';
import { assertLockable } from '../../runtime/run-lock.js';
import type { CheckedRun, Observation } from '../policy/check-findings.js';
import { judgeCertificate, judgeClock, judgeRoom } from '../policy/check-rules.js';
import { assertClock } from '../policy/retention-schedule.js';
import { attempt, observe, type CheckRun } from './run.js';

const operations: Readonly<Record<CheckedRun, string>> = {
  deploy: 'image_deploy',
  clean: 'image_clean',
  ipa_test: 'ipa_test',
};

/** `cloud`: as lock files know it; undefined without a login. */
export async function checkLock(run: CheckRun, cloud: string | undefined): Promise<readonly Observation[]> {
  const { args, context, runs } = run;
  const looked: Observation[] = [];
  for (const each of runs.all) {
    const part = { check: 'lock folder', fails: [each] };
    const place = { directory: args.lock_dir, context, operation: operations[each], cloud };
    const { value, failure } = await attempt(run, part, () => assertLockable(place));
    const text = `${value?.folder} can be written to`;
    looked.push(failure ?? judgeRoom({ check: part.check, text, freeBytes: value.freeBytes }, part.fails));
  }
  return sameOnce(looked);
}

/** The runs share a folder, so one line is enough for what is the same for all. */
function sameOnce(observations: readonly Observation[]): Observation[] {
  const texts = [...new Set(observations.map(({ text }) => text))];
  return texts.flatMap((text) => {
    const same = observations.filter((each) => each.text === text);
    const [{ fault, ...observed } = { check: '', text }] = same;
    const fails = same.flatMap((each) => each.fault?.fails ?? []);
    return [{ ...observed, ...(fault ? { fault: { ...fault, fails } } : {}) }];
  });
}

export async function checkJournal(run: CheckRun): Promise<readonly Observation[]> {
  const { args, context, runs } = run;
  if (!runs.all.has('ipa_test')) return [];
  const part = { check: 'journal folder', fails: ['ipa_test'] } as const;
  return observe(run, part, async () => {
    const folder = withHome(args.journal_dir, context.environment);
    const { path, exists, uid, freeBytes } = await findWritable(folder).catch((error: unknown) => {
      throw error instanceof InputError ? new InputError(`journal_dir: ${messageOf(error)}`, 'journal_dir') : error;
    });
    if (exists && !isTrustedUser(uid)) throw unsafePath(path, `belongs to user ${uid}`, 'choose another journal_dir');
    const text = exists ? `${path} can be written to` : `${folder} can be created in ${path}`;
    return [judgeRoom({ check: part.check, text, freeBytes }, part.fails)];
  });
}

/** `clock`: what the services report as their time; undefined without a login. */
export async function checkClock(
  run: CheckRun,
  clock: WatchedClock | undefined,
  ofStore: WatchedClock,
): Promise<Observation[]> {
  const furthest = clock?.furthest();
  if (!clock) return ofStore.furthest() ? [judgeClock(ofStore.furthest(), undefined)] : [];
  const { failure } = await attempt(run, { check: 'clock', fails: ['clean'] }, () => assertClock(furthest));
  if (failure && run.runs.all.has('clean')) return [judgeClock(furthest, failure.text)];
  return [judgeClock(furthest, undefined)];
}

/** The certificates that were seen, each with the runs that use its server. */
export interface CertificateWatch {
  watcher(fails: readonly CheckedRun[]): OnCertificate;
  seen(): readonly { readonly certificate: SeenCertificate; readonly fails: readonly CheckedRun[] }[];
}

export function watchAllCertificates(): CertificateWatch {
  const seen = new Map<string, { certificate: SeenCertificate; fails: readonly CheckedRun[] }>();
  return {
    watcher: (fails) => (certificate) => {
      const before = seen.get(certificate.origin);
      // Several servers may answer under one name: the first to end counts.
      const first = before && before.certificate.validTo < certificate.validTo ? before.certificate : certificate;
      const isValidated = certificate.isValidated || before?.certificate.isValidated === true;
      seen.set(certificate.origin, {
        certificate: { ...first, isValidated },
        fails: [...new Set([...(before?.fails ?? []), ...fails])],
      });
    },
    seen: () => [...seen.values()],
  };
}

export function checkCertificates({ args, context }: CheckRun, watch: CertificateWatch): Observation[] {
  const rules = { now: context.now(), noticeDays: args.certificate_days };
  return watch.seen().map(({ certificate, fails }) => judgeCertificate(certificate, { ...rules, fails }));
}
