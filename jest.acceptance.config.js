// The tests that need the real cloud of test/cloud/up.
import unit from './jest.config.js';

export default {
  ...unit,
  roots: ['<rootDir>/build/test/acceptance'],
  testPathIgnorePatterns: [],
  // Most take seconds; a busy machine must not fail a test.
  testTimeout: 300_000,
  testSequencer: './jest.longest-first.js',
};
