// A site with the double of Ironic, and inventories as files that are enrolled there.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import { root } from '../source-files.js';
import { startNodeSite, type NodeSite } from './baremetal-site.js';

export interface InventorySite extends NodeSite {
  /** Where the inventories are, and whatever else a test puts beside them. */
  readonly folder: string;
  /** Enrolls an inventory of this name and text, with fake hardware unless it says otherwise. */
  enrollText(name: string, text: string, given?: Readonly<Record<string, unknown>>): ReturnType<NodeSite['enroll']>;
  /** The message with which it is refused, before anything is written to Ironic. */
  refusalOf(name: string, text: string): Promise<string>;
}

/** The text of docs/enrolling-nodes.md, with single spaces, which quotes messages. */
export const enrollingGuide = (): string =>
  readFileSync(join(root, 'docs/enrolling-nodes.md'), 'utf8').replace(/\s+/g, ' ');

export async function startInventorySite(): Promise<InventorySite> {
  const base = await startNodeSite();
  const folder = mkdtempSync(join(tmpdir(), 'inventory-'));
  const site: InventorySite = {
    ...base,
    folder,
    enrollText: (name, text, given = {}) => {
      const inventory = join(folder, name);
      writeFileSync(inventory, text);
      return base.enroll({
        inventory,
        defaults: { driver: 'fake-hardware' },
        state: 'enroll',
        check_images: false,
        ...given,
      });
    },
    refusalOf: async (name, text) => {
      const fault = await site.enrollText(name, text).catch((error: unknown) => error);
      expect(fault).toMatchObject({ code: 'INVALID_INPUT' });
      expect(base.nodeWrites()).toEqual([]);
      return (fault as Error).message.replaceAll(folder, '');
    },
    close: async () => {
      rmSync(folder, { recursive: true });
      await base.close();
    },
  };
  return site;
}
