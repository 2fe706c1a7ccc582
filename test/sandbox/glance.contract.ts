// What we rely on in Glance, asked of the real service and of the double alike.

import { randomUUID } from 'node:crypto';

import { afterAll, beforeAll, describe, expect } from '@jest/globals';

import { send } from './contract-requests.js';
import type { Reply, Sending } from './contract-requests.js';
import { describeChange } from './glance-contract-change.js';
import { describeData, describeImport } from './glance-contract-data.js';
import { describeStage, describeStores } from './glance-contract-import.js';
import { describeCreation, describeDeletion, describeErrors } from './glance-contract-images.js';
import { describeList } from './glance-contract-list.js';
import { describeActivation, describeMembers } from './glance-contract-members.js';

export interface GlanceTarget {
  readonly url: string;
  readonly admin: { readonly token: string; readonly projectId: string };
  readonly demo: { readonly token: string; readonly projectId: string };
  /** Makes the content available where Glance can download it, and gives its URL. */
  publish(content: string): Promise<string>;
  /** A URL that Glance may ask, and that answers 404. */
  readonly missingSource: string;
  /** A URL that Glance refuses to ask. */
  readonly refusedSource: string;
  close(): Promise<void>;
}

/** What the parts of the contract share. */
export interface GlanceContract {
  /** Begins the names of this run's images. */
  readonly run: string;
  /** Ids of images to delete at the end. */
  readonly created: Set<string>;
  target(): GlanceTarget;
  /** Sends to a path below /v2/images, as admin unless a token is given. */
  ask(method: string, path: string, sending?: Sending): Promise<Reply>;
  create(image?: object, token?: string): Promise<string>;
  createActive(image?: object): Promise<string>;
  show(id: string): Promise<Record<string, unknown>>;
  patch(id: string, changes: object[], token?: string): Promise<Reply>;
  listIds(query: string, token?: string): Promise<string[]>;
}

/** Runs the contract against what `connect` gives. */
export function describeGlance(name: string, connect: () => Promise<GlanceTarget>): void {
  describe(`Glance: ${name}`, () => {
    let target: GlanceTarget | undefined;
    const contract = contractOf(() => target!);

    beforeAll(async () => {
      target = await connect();
    });

    afterAll(async () => {
      // Without a target there is nothing to clean up, and the reason was reported already.
      if (target === undefined) return;
      await removeImages(contract);
      await target.close();
    });

    describeCreation(contract);
    describeErrors(contract);
    describeChange(contract);
    describeData(contract);
    describeDeletion(contract);
    describeList(contract);
    describeMembers(contract);
    describeActivation(contract);
    describeImport(contract);
    describeStage(contract);
    describeStores(contract);
  });
}

function contractOf(target: () => GlanceTarget): GlanceContract {
  const run = `contract-${randomUUID().slice(0, 8)}`;
  const created = new Set<string>();

  function ask(method: string, path: string, sending: Sending = {}): Promise<Reply> {
    return send(method, `${target().url}/v2/images${path}`, { token: target().admin.token, ...sending });
  }

  async function create(image: object = {}, token = target().admin.token): Promise<string> {
    const id = randomUUID();
    created.add(id);
    const base = { id, name: `${run}-${id}`, disk_format: 'raw', container_format: 'bare', visibility: 'private' };
    const reply = await ask('POST', '', { token, json: { ...base, ...image } });
    expect(reply.status).toBe(201);
    return id;
  }

  async function createActive(image: object = {}): Promise<string> {
    const id = await create(image);
    expect((await ask('PUT', `/${id}/file`, { data: 'chameleon' })).status).toBe(204);
    return id;
  }

  async function show(id: string): Promise<Record<string, unknown>> {
    return (await ask('GET', `/${id}`)).json as Record<string, unknown>;
  }

  function patch(id: string, changes: object[], token = target().admin.token): Promise<Reply> {
    return ask('PATCH', `/${id}`, { token, patch: changes });
  }

  async function listIds(query: string, token = target().admin.token): Promise<string[]> {
    const reply = await ask('GET', `?limit=1000&${query}`, { token });
    expect(reply.status).toBe(200);
    return (reply.json.images as { id: string }[]).map(({ id }) => id);
  }

  return { run, created, target, ask, create, createActive, show, patch, listIds };
}

async function removeImages({ created, ask, patch }: GlanceContract): Promise<void> {
  for (const id of created) {
    await patch(id, [{ op: 'replace', path: '/protected', value: false }]);
    await ask('DELETE', `/${id}`);
  }
}
