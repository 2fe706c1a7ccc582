// Begins with the tests on the cloud that take longest, so that none of them is left to run alone at the end. On a fresh
// machine jest knows no durations, and would begin with the largest files.
import { basename } from 'node:path';
import TestSequencer from '@jest/test-sequencer';

const longest = [
  'bad-pairs',
  'good-pair',
  'role',
  'role-switching',
  'container-role',
  'role-refusals',
  'handbook',
  'baremetal-node',
  'container',
  'image-deploy-recovery',
  'baremetal-states',
  'image-cache-kill',
  'collection',
  'image-clean',
  'ipa-test-kills',
  'image-deploy-race',
  'ipa-test-push',
  'image-rollback',
  'baremetal-enroll',
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
