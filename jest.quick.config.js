// What `npm test` runs: unit tests that need neither root nor the executables nor programs of an OpenStack client, in
// less than a minute together. `make test` runs all.
import unit from './jest.config.js';

export default {
  ...unit,
  testPathIgnorePatterns: [
    ...unit.testPathIgnorePatterns,
    '/test/front-ends/',
    // Whole operations against the doubles, case by case: seconds each.
    '/test/cache/image-cache-',
    '/test/images/(image|objects)-',
    '/test/nodes/baremetal-(node|images)',
    '/test/ipa/ipa-test',
    '/test/sandbox/',
    // Files of other users, which only root can make.
    '/test/runtime/run-lock',
    // Connections that are slow on purpose, and the programs gpg, gpgv, xz, zstd, bzip2 and tar.
    '/test/clients/(gpgv|store-(decompression|mirrors|ranges|tar))',
    // Compared with openstacksdk and PyYAML; thousands of elements; TLS in TLS.
    '/test/clients/(openstacksdk-login|yaml-numbers|paging|http-proxy-tls)',
  ],
};
