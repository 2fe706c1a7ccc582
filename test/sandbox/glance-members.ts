// Members of shared images of the Glance double, and whether the data of an image can be used.

import { instant, mutableImage, refusal, visibleImage } from './glance-image.js';
import type { GlanceState, MemberStatus, StoredImage } from './glance-image.js';
import type { Answer, Call } from './http-double.js';
import type { Identity } from './keystone.js';

const statuses: readonly string[] = ['pending', 'accepted', 'rejected'] satisfies MemberStatus[];

/** Everything below /v2/images/{id}/members. */
export function onMembers(state: GlanceState, identity: Identity, call: Call): Answer | Promise<Answer> {
  const [, , id = '', , member] = call.segments;
  const image = visibleImage(state, identity, id);
  if (member === undefined && call.method === 'GET') return listMembers(state, identity, image);
  if (member === undefined && call.method === 'POST') return addMember(state, identity, image, call);
  if (member !== undefined && call.method === 'PUT') return answerMember(state, identity, image, call);
  if (member !== undefined && call.method === 'DELETE') return removeMember(state, identity, image, member);
  throw refusal(405, `The method ${call.method} is not allowed for this resource.`);
}

function refuseUnshared({ visibility }: StoredImage, why: string): void {
  if (visibility !== 'shared') throw refusal(403, why);
}

function listMembers(state: GlanceState, identity: Identity, image: StoredImage): Answer {
  refuseUnshared(image, `Not allowed to list members for image ${image.id}: Only shared images have members.`);
  const isOwner = identity.isAdmin || image.owner === identity.project?.id;
  const members = [...membersOf(state, image)].filter(([member]) => isOwner || member === identity.project?.id);
  return {
    status: 200,
    body: { members: members.map((each) => viewOfMember(image, each)), schema: '/v2/schemas/members' },
  };
}

async function addMember(state: GlanceState, identity: Identity, image: StoredImage, call: Call): Promise<Answer> {
  const body = (await call.json()) as { member?: unknown } | undefined;
  if (typeof body?.member !== 'string' || body.member === '') throw refusal(400, 'Member to be added not specified');
  const why = `Not allowed to create members for image ${image.id}.`;
  refuseUnshared(image, why);
  if (!identity.isAdmin && image.owner !== identity.project?.id) throw refusal(403, why);
  const members = membersOf(state, image);
  if (members.has(body.member)) throw refusal(409, `Member ${body.member} is duplicated for image ${image.id}`);
  state.members.set(image.id, members.set(body.member, 'pending'));
  return { status: 200, body: viewOfMember(image, [body.member, 'pending']) };
}

/** Only the member itself may accept or reject. */
async function answerMember(state: GlanceState, identity: Identity, image: StoredImage, call: Call): Promise<Answer> {
  const member = call.segments[4] ?? '';
  const body = (await call.json()) as { status?: unknown } | undefined;
  const members = membersOf(state, image);
  if (!members.has(member)) throw refusal(404, `${member} not found in the member list of the image ${image.id}.`);
  if (!identity.isAdmin && member !== identity.project?.id)
    throw refusal(403, `Not allowed to update members for image ${image.id}.`);
  if (!statuses.includes(String(body?.status))) throw refusal(400, 'Incorrect request');
  members.set(member, body?.status as MemberStatus);
  return { status: 200, body: viewOfMember(image, [member, body?.status as MemberStatus]) };
}

function removeMember(state: GlanceState, identity: Identity, image: StoredImage, member: string): Answer {
  const why = `Not allowed to delete members for image ${image.id}.`;
  refuseUnshared(image, why);
  if (!identity.isAdmin && image.owner !== identity.project?.id) throw refusal(403, why);
  if (!membersOf(state, image).delete(member))
    throw refusal(404, `${member} not found in the member list of the image ${image.id}.`);
  return { status: 204 };
}

function membersOf(state: GlanceState, { id }: StoredImage): Map<string, MemberStatus> {
  return state.members.get(id) ?? new Map();
}

function viewOfMember(image: StoredImage, [member, status]: readonly [string, MemberStatus]): object {
  const { id, created_at, updated_at } = image;
  return { image_id: id, member_id: member, status, created_at, updated_at, schema: '/v2/schemas/member' };
}

/** POST /v2/images/{id}/actions/deactivate and reactivate; both may be repeated. */
export function onActions(state: GlanceState, identity: Identity, { method, segments }: Call): Answer {
  const [, , id = '', , action] = segments;
  if (method !== 'POST' || (action !== 'deactivate' && action !== 'reactivate'))
    throw refusal(404, 'The resource could not be found.');
  const image = mutableImage(state, identity, id);
  if (image.status !== 'active' && image.status !== 'deactivated')
    throw refusal(403, `Not allowed to ${action} image in status '${image.status}'`);
  const status = action === 'deactivate' ? 'deactivated' : 'active';
  if (image.status !== status) Object.assign(image, { status, updated_at: instant(state.now()) });
  return { status: 204 };
}
