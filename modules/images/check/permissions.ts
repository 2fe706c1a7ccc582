// What the login may do: by the default policies of the services, and where Glance can be asked, by
// its own answer.
import { refusalOfChanges, publishingRefusal } from '../../clients/glance/publishing.js';
import type { Image } from '../../clients/glance/images.js';
import type { Permission } from '../../core/rights.js';
import type { DeployJob } from '../deploy/run.js';
import { checkedRuns, type CheckedRun, type Observation } from '../policy/check-findings.js';
import {
  judgeProtections,
  probeImage,
  probesOf,
  protectedName,
  type PropertyProbe,
} from '../policy/check-properties.js';
import { judgePermissions, type NeededPermission } from '../policy/check-rules.js';
import { imagePermissions } from '../policy/image-permissions.js';
import { choosesStores } from '../policy/image-stores.js';
import { changeNodes, changeNodesByFormerRules, hasFormerRules, testPermissions } from '../policy/test-permissions.js';
import { observe, type CheckedSite } from './run.js';

export interface PermissionSubject {
  readonly site: CheckedSite;
  /** What the next deployment would do; empty if that is not known. */
  readonly jobs: readonly DeployJob[];
  readonly ironicMinor: number | undefined;
}

export async function checkPermissions(subject: PermissionSubject): Promise<readonly Observation[]> {
  const { site } = subject;
  const { images, cloud } = site;
  const asked = images && probeImage(images, cloud.projectId, propertyNames(subject));
  const known = await observe(site, { check: 'permission', fails: checkedRuns }, async () => {
    const answers = asked ? await askGlance(subject, asked) : {};
    const lacking = judgePermissions(await neededPermissions(subject, answers));
    const runs = [...site.runs.all].join(', ');
    return lacking.length > 0
      ? lacking
      : [{ check: 'permission', text: `the login has the roles for ${runs}, by the default policies` }];
  });
  return [...known, ...(await checkProtections(subject, asked))];
}

interface GlanceAnswers {
  readonly change?: boolean;
  readonly publish?: boolean;
}

async function askGlance({ site, jobs }: PermissionSubject, { id }: Image): Promise<GlanceAnswers> {
  const mayChange = (await refusalOfChanges(site.cloud, id, [])) === undefined;
  if (!mayChange || !site.runs.all.has('deploy') || !publishes(jobs)) return { change: mayChange };
  return { change: true, publish: (await publishingRefusal(site.cloud, id)) === undefined };
}

/** Whether any image is to be public, which is the usual case. */
function publishes(jobs: readonly DeployJob[]): boolean {
  return jobs.length === 0 || jobs.some(({ desired }) => (desired.wanted.visibility ?? 'public') === 'public');
}

async function neededPermissions(
  { site, jobs, ironicMinor }: PermissionSubject,
  answers: GlanceAnswers,
): Promise<NeededPermission[]> {
  const { cloud, args } = site;
  const { create, change, publish, copy, delete: remove } = imagePermissions;
  const image = await cloud.rights('image');
  const need = (permission: Permission, fails: readonly CheckedRun[], isPermitted?: boolean): NeededPermission => ({
    permission,
    fails,
    rights: image,
    ...(isPermitted === undefined ? {} : { isPermitted }),
  });
  const ofImages = [
    need(create, ['deploy']),
    need(change, ['deploy', 'clean'], answers.change),
    ...(publishes(jobs) ? [need(publish, ['deploy'], answers.publish)] : []),
    ...(choosesStores(args) ? [need(copy, ['deploy'])] : []),
    need(remove, ['clean']),
  ].filter(({ fails }) => fails.some((run) => site.runs.all.has(run)));
  if (!site.runs.all.has('ipa_test') || !cloud.hasService('baremetal')) return ofImages;
  return [...ofImages, ...(await neededForTests(site, ironicMinor))];
}

async function neededForTests({ cloud }: CheckedSite, ironicMinor = 1): Promise<NeededPermission[]> {
  const { createServer, chooseNode, lease } = testPermissions;
  const nodes = hasFormerRules(ironicMinor) ? changeNodesByFormerRules : changeNodes;
  const project = await cloud.rights('image');
  const byNova = cloud.hasService('reservation') ? [lease, createServer] : [createServer, chooseNode];
  return [
    { permission: nodes, fails: ['ipa_test'], rights: await cloud.rights('baremetal') },
    ...(cloud.hasService('compute') ? byNova : []).map(
      (permission): NeededPermission => ({ permission, fails: ['ipa_test'], rights: project }),
    ),
  ];
}

/** The properties that the next deployment sets, or that the present images have. */
function propertyNames({ site, jobs }: PermissionSubject): string[] {
  const found = jobs.flatMap(({ source, planned }) =>
    Object.keys(source?.properties ?? planned.production?.properties ?? {}),
  );
  return [...new Set([site.args.image_metadata_field, ...found, ...reconciledProperties(jobs)])];
}

/** The properties that the next deployment changes of images that are up to date. */
function reconciledProperties(jobs: readonly DeployJob[]): ReadonlySet<string> {
  const attributes = jobs.flatMap(({ reconciliation, desired }) => {
    const edited = new Set(reconciliation?.edits.map(({ attribute }) => attribute));
    return [...desired.properties.keys()].filter((name) => edited.has(name));
  });
  return new Set(attributes);
}

/** No API tells which properties are protected, so Glance is asked to set each. */
async function checkProtections(subject: PermissionSubject, image: Image | undefined): Promise<readonly Observation[]> {
  const { site } = subject;
  const check = 'protections';
  if (!site.runs.all.has('deploy')) return [];
  if (!image) return [{ check, text: 'not known before the project has an image that Glance can be asked with' }];
  return observe(site, { check, fails: ['deploy'] }, async () => {
    const refused: PropertyProbe[] = [];
    let probes = probesOf(image, propertyNames(subject));
    while (probes.length > 0) {
      const refusal = await refusalOfChanges(site.cloud, image.id, probes);
      if (!refusal) break;
      const name = protectedName(refusal.message);
      const found = probes.find(({ attribute }) => attribute === name);
      // It is not about a property: the permission to change images is missing altogether.
      if (!found) return [];
      refused.push(found);
      probes = probes.filter((probe) => probe !== found);
    }
    return judgeProtections(refused, {
      metadataField: site.args.image_metadata_field,
      reconciled: reconciledProperties(subject.jobs),
    });
  });
}
