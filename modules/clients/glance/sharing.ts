// Whom an image is shared with, and whether its data can be used.
import { isMapping } from '../../core/mapping.js';
import type { Cloud } from '../keystone/cloud.js';
import { imagePath } from './images.js';

/** The ids of the projects that a shared image is shared with. Glance refuses this for any other image. */
export async function listMembers(cloud: Cloud, id: string): Promise<readonly string[]> {
  const answer = await cloud.request('image', { method: 'GET', path: `${imagePath(id)}/members` });
  const body = await answer.json();
  const members = isMapping(body) && Array.isArray(body.members) ? body.members.filter(isMapping) : [];
  return members.map(({ member_id: member }) => String(member));
}

/** Shares an image with a project, which has to accept it; it is not an error if it was shared before. */
export async function addMember(cloud: Cloud, id: string, project: string): Promise<void> {
  const answer = await cloud.request('image', {
    method: 'POST',
    path: `${imagePath(id)}/members`,
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ member: project }),
    expect: [200, 409],
    repeatable: true,
  });
  await answer.text();
}

/** Ends the sharing with a project; it is not an error if it was ended before. */
export async function removeMember(cloud: Cloud, id: string, project: string): Promise<void> {
  const answer = await cloud.request('image', {
    method: 'DELETE',
    path: `${imagePath(id)}/members/${encodeURIComponent(project)}`,
    expect: [204, 404],
  });
  await answer.text();
}

/** Keeps the data of an image from use, or ends that. Glance accepts both at any time. */
export async function setActivation(cloud: Cloud, id: string, action: 'deactivate' | 'reactivate'): Promise<void> {
  const answer = await cloud.request('image', {
    method: 'POST',
    path: `${imagePath(id)}/actions/${action}`,
    expect: [204],
    repeatable: true,
  });
  await answer.text();
}
