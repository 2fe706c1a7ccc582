import { describe, expect, test } from '@jest/globals';
import { textFor } from '../../modules/core/option-text.js';
import {
  describeLack,
  isGranted,
  permissionWarnings,
  type Grant,
  type Permission,
  type Rights,
} from '../../modules/core/rights.js';

const publish: Permission = {
  service: 'Glance',
  policies: ['publicize_image'],
  action: 'make an image public',
  project: ['admin'],
};
const create: Permission = {
  service: 'Ironic',
  policies: ['baremetal:node:create', 'baremetal:node:create:self_owned_node'],
  action: 'create nodes',
  project: ['admin'],
  system: ['admin', 'service'],
};

const inProject = (...roles: string[]): Grant => ({ scope: 'project', projectId: 'p1', roles });
const onSystem = (...roles: string[]): Grant => ({ scope: 'system', projectId: '', roles });
const withGrants = (...grants: Grant[]): Rights => ({ grants, source: 'site.yaml' });

describe('a permission', () => {
  test.each<[string, Permission, Rights, boolean]>([
    ['by a role in the project', publish, withGrants(inProject('reader', 'admin')), true],
    ['by a role in other letters', publish, withGrants(inProject('Admin')), true],
    ['not by another role', publish, withGrants(inProject('member', 'reader')), false],
    ['not by the system where the service knows none', publish, withGrants(onSystem('admin')), false],
    ['by a role on the system', create, withGrants(onSystem('service'), inProject('member')), true],
    ['by the project if the system is not enough', create, withGrants(onSystem('reader'), inProject('admin')), true],
    ['not by less on both', create, withGrants(onSystem('reader'), inProject('member')), false],
    ['not without any role', create, withGrants(), false],
    ['always without Keystone', create, { grants: undefined, source: 'OS_*' }, true],
  ])('is granted %s', (_, permission, rights, expected) => {
    expect(isGranted(permission, rights)).toBe(expected);
  });

  test('that is lacking is told with policy, role, project and login', () => {
    expect(describeLack(publish, withGrants(inProject('reader', 'member')))).toBe(
      'by default, Glance lets a login make an image public only with the role admin in the project ' +
        '(policy publicize_image); the login from site.yaml has member, reader in project p1',
    );
    expect(textFor('ansible', describeLack(create, withGrants(onSystem('reader'), inProject())))).toBe(
      'by default, Ironic lets a login create nodes only with the role admin in the project or admin on the system ' +
        '(system_scope: all) (policies baremetal:node:create, baremetal:node:create:self_owned_node); ' +
        'the login from site.yaml has reader on the system, and no role in project p1',
    );
  });
});

describe('warnings', () => {
  const use = (permission: Permission, subject: string) => ({ permission, subject });

  test('are one for each permission that is lacking, with the first few that need it', () => {
    const uses = ['a', 'b', 'b', 'c', 'd', 'e', 'f', 'g'].map((subject) => use(publish, subject));

    const found = permissionWarnings([...uses, use(create, 'node n1')], withGrants(inProject('member')));

    expect(found).toEqual([
      expect.stringMatching(/^a, b, c, d, e and 2 more: a run will probably be refused: by default, Glance lets/),
      expect.stringMatching(/^node n1: a run will probably be refused: .*; a site may have rules of its own$/),
    ]);
  });

  test('are none for what is granted', () => {
    expect(permissionWarnings([use(publish, 'a')], withGrants(inProject('admin')))).toEqual([]);
  });
});
