// A site of which a page is written: images in each part of their lives, with users of each kind.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Outcome } from '../../modules/core/operation.js';
import { imageReport } from '../../modules/images/report/operation.js';
import { publishRelease } from '../sandbox/releases.js';
import { now, seedOld, startOldSite } from './image-clean-site.js';
import type { TestSite } from './site.js';

export interface ReportSite extends TestSite {
  /** Where the page is written. */
  readonly path: string;
  /** The page as it is now; empty if there is none. */
  page(): string;
  report(args?: Readonly<Record<string, unknown>>, options?: { checkMode?: boolean; now?: Date }): Promise<Outcome>;
}

export async function startReportSite(...options: Parameters<typeof startOldSite>): Promise<ReportSite> {
  const site = await startOldSite(...options);
  const folder = mkdtempSync(join(tmpdir(), 'report-'));
  const path = join(folder, 'index.html');
  return {
    ...site,
    path,
    page: () => (existsSync(path) ? readFileSync(path, 'utf8') : ''),
    report: (args = {}, given = {}) => site.run(imageReport, { html: path, ...args }, { now, ...given }),
    close: async () => {
      await site.close();
      rmSync(folder, { recursive: true });
    },
  };
}

const gibibyte = 2 ** 30;

/** A qcow2 header with something after it. */
function disk(): Buffer {
  const head = Buffer.alloc(1024);
  head.write('QFI\xfb', 0, 'latin1');
  head.writeUInt32BE(3, 4);
  return head;
}

/** Ids that are the same in every run, so that the page is. */
function idOf(number: number): string {
  return `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;
}

/** Fills the site as a busy one is. */
export function seedBusySite(site: ReportSite): void {
  let number = 0;
  const seed = (name: string, created: string, release: string, image: Parameters<typeof seedOld>[1] = {}) =>
    seedOld(site, {
      id: idOf(++number),
      name,
      created_at: `${created}T16:00:00Z`,
      size: 1.4 * gibibyte + number * 91_234_567,
      disk_format: 'qcow2',
      ...image,
      properties: { current: release, 'build-timestamp': `${created} 15:30:45.123456`, ...image.properties },
    });
  for (const name of ['CC-Ubuntu24.04', 'CC-Ubuntu24.04-CUDA'])
    publishRelease(site.store, { name, release: '20260520-v1-amd', content: disk() });
  publishRelease(site.store, { name: 'CC-Ubuntu22.04', release: '20260422-v1-amd', content: disk() });
  const jammy = seed('CC-Ubuntu22.04', '2026-04-22', '20260422-v1-amd');
  const noble = seed('CC-Ubuntu24.04', '2026-01-15', '20260115-v1-amd');
  const replaced = { image_tools_superseded_at: '2026-04-22T16:00:00Z', 'chameleon-supported': 'no' };
  seed('CC-Ubuntu22.04_2025-10-01 15:30:45.123456', '2025-10-01', '20251001-v1-amd', { properties: replaced });
  seed('CC-Ubuntu22.04_2025-05-01 15:30:45.123456', '2025-05-01', '20250501-v1-amd');
  const used = seed('CC-Ubuntu22.04_2024-09-10 15:30:45.123456', '2024-09-10', '20240910-v1-amd', {
    visibility: 'private',
  });
  seed('CC-Ubuntu22.04_2024-03-22 15:30:45.123456', '2024-03-22', '20240322-v1-amd', { visibility: 'private' });
  seed('CC-CentOS8-Stream', '2024-11-30', '20241130-v1-centos', { protected: true });
  const agent = (kind: string, created: string, version: string) =>
    site.glance.seed({
      id: idOf(++number),
      name: `CC-IPA-Debian12-AMD64.${kind}${version}`,
      created_at: `${created}T16:00:00Z`,
      size: kind === 'kernel' ? 8_300_000 : 412_000_000,
      disk_format: kind === 'kernel' ? 'aki' : 'ari',
      properties: { 'build-ipa': kind, 'build-tag': `ipa-${created}`, 'build-timestamp': `${created} 15:30:45.123456` },
    });
  const [kernel, initramfs] = [agent('kernel', '2026-02-10', ''), agent('initramfs', '2026-02-10', '')];
  const [oldKernel, oldInitramfs] = [
    agent('kernel', '2025-08-01', '_2025-08-01 15:30:45.123456'),
    agent('initramfs', '2025-08-01', '_2025-08-01 15:30:45.123456'),
  ];
  for (const name of ['web-1', 'web-2', 'db-1', 'db-2', 'build-7']) site.users.compute.seed({ name, image: jammy.id });
  site.users.compute.seed({ name: 'thesis', image: used.id });
  site.users.volumev3.seed({ name: 'root-of-mail', image: noble.id });
  for (const [index, pair] of [
    [kernel, initramfs],
    [kernel, initramfs],
    [oldKernel, oldInitramfs],
    [kernel, oldInitramfs],
  ].entries())
    site.users.baremetal.seed({
      uuid: idOf(900 + index),
      name: `rack3-0${index + 1}`,
      driver_info: { deploy_kernel: pair[0]?.id, deploy_ramdisk: `glance://${pair[1]?.id}` },
    });
}

/** Names that somebody chose in order to do harm, or to be taken for something else. */
export const hostileNames = [
  '<script>document.title = "broken"</script>',
  '"><img src="http://127.0.0.1:9/x.png" onerror="document.title = \'broken\'">',
  "'-alert(1)-' </td></table><style>*{display:none}</style>",
  'CC-Ubuntu22.04\u202egnp.exe\u0000\u001b[2J\u200b',
  `A\u0301${'\u0316'.repeat(40)} marks`,
  'W'.repeat(255),
] as const;

export function seedHostileNames(site: ReportSite): void {
  for (const [index, name] of hostileNames.entries()) {
    const image = seedOld(site, {
      id: idOf(700 + index),
      name,
      properties: { current: name, image_tools_superseded_at: name },
    });
    site.users.compute.seed({ name, image: image.id, project: 'project-6' });
    site.users.baremetal.seed({ uuid: idOf(800 + index), name: `${name}`, driver_info: { deploy_kernel: name } });
  }
  site.keystone.projects.push({ id: 'project-6', name: hostileNames[0] });
}
