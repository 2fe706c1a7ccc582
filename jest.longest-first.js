// Begins with the acceptance tests that take longest, so that none of them is left to run alone at the end. On a fresh
// machine jest knows no durations, and would begin with the largest files.
import { basename } from 'node:path';
import TestSequencer from '@jest/test-sequencer';

const longest = [
  'role-switching',
  'role',
  'collection',
  'container',
  'handbook',
  'baremetal-enroll',
  'baremetal-node',
  'ipa-test-kills',
  'image-deploy-recovery',
  'image-clean',
  'baremetal-states',
  'image-deploy-faults-glance',
  'image-deploy-refusals',
  'role-refusals',
];

export default class LongestFirst extends TestSequencer {
  sort(tests) {
    const rank = ({ path }) => {
      const index = longest.indexOf(basename(path, '.test.js'));
      return index === -1 ? longest.length : index;
    };
    return super.sort(tests).sort((one, other) => rank(one) - rank(other));
  }
}
