// site_check: looks at everything that the next runs need, and changes nothing. Each part reports
// what it found, whatever became of the others.
import validate from '#validators/site_check';
import { watchClock } from '../../clients/keystone/clock.js';
import type { Context, Operation, Outcome } from '../../core/operation.js';
import { openHttp, openWatchedCloud } from '../../runtime/connect.js';
import { checkedRuns, judgeObservations, runsToCheck, type Observation } from '../policy/check-findings.js';
import { readSiteImages } from '../site-images.js';
import { checkCatalogues } from './catalogues.js';
import { checkCleanUp } from './clean-up.js';
import { siteCheckDeclaration } from './declaration.js';
import { checkGlance } from './glance.js';
import { checkCertificates, checkClock, checkJournal, checkLock, watchAllCertificates } from './host.js';
import { checkLogin, checkServices } from './login.js';
import { checkPermissions } from './permissions.js';
import { checkOutcome } from './report.js';
import { attempt, type CheckArguments, type CheckedSite, type CheckRun } from './run.js';

export const siteCheck: Operation<(typeof siteCheckDeclaration)['fields']> = {
  ...siteCheckDeclaration,
  validate,
  run: checkSite,
};

async function checkSite(args: CheckArguments, context: Context): Promise<Outcome> {
  const runs = runsToCheck(args.runs);
  const certificates = watchAllCertificates();
  const store = watchClock(openHttp(args, context, { onCertificate: certificates.watcher(['deploy', 'clean']) }), () =>
    context.now(),
  );
  const run: CheckRun = { args, context, runs, http: store.http };
  const login = { check: 'login', fails: checkedRuns };
  const { value: opened, failure } = await attempt(run, login, () =>
    openWatchedCloud(args, context, { onCertificate: certificates.watcher(checkedRuns) }),
  );
  const looked = opened ? await checkCloud({ ...run, ...opened }) : [failure, ...(await checkStores(run))];
  const observations = [
    ...looked,
    ...(await checkLock(run, opened?.cloud.identity)),
    ...(opened && !opened.cloud.hasService('baremetal') ? [] : await checkJournal(run)),
    ...(await checkClock(run, opened?.clock, store)),
    ...checkCertificates(run, certificates),
  ];
  return checkOutcome(judgeObservations(observations, runs));
}

/** Everything for which the login is needed. */
async function checkCloud(run: Omit<CheckedSite, 'images'>): Promise<readonly Observation[]> {
  const { cloud, runs } = run;
  const part = { check: 'images', fails: ['deploy', 'clean'] } as const;
  const [login, services, images] = await Promise.all([
    checkLogin(run, cloud),
    checkServices(run, cloud),
    attempt(run, part, () => readSiteImages(cloud, { community: true })),
  ]);
  const site: CheckedSite = { ...run, images: images.value };
  const [catalogues, cleanUp] = await Promise.all([
    runs.all.has('deploy') ? checkCatalogues(site, site) : { observations: [], jobs: [] },
    runs.all.has('clean') ? checkCleanUp(site) : [],
  ]);
  const { jobs } = catalogues;
  const permissions = await checkPermissions({ site, jobs, ironicMinor: services.ironicMinor });
  const glance = await checkGlance(site, jobs);
  return [
    ...login,
    ...permissions,
    ...services.observations,
    ...(images.failure ? [images.failure] : []),
    ...glance,
    ...catalogues.observations,
    ...cleanUp,
  ];
}

/** What can be looked at without a login. */
async function checkStores(run: CheckRun): Promise<readonly Observation[]> {
  return run.runs.all.has('deploy') ? (await checkCatalogues(run, undefined)).observations : [];
}
