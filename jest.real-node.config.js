// The tests on nodes that really boot, on the cloud of `test/cloud/up swift web real_node_nova`. They run when all others
// are over: a boot takes a minute of a processor.
import unit from './jest.config.js';

export default {
  ...unit,
  roots: ['<rootDir>/build/test/real-node'],
  testPathIgnorePatterns: [],
  // Ironic gives each boot a quarter of an hour, and a test has up to three of them. Each takes a minute on a machine that
  // has nothing else to do.
  testTimeout: 3_000_000,
  testSequencer: './jest.longest-first.js',
};
