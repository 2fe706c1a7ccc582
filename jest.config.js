// jest runs what tsc emitted: the same JavaScript that ncc bundles, with nothing transformed in between.
export default {
  testEnvironment: 'node',
  transform: {},
  roots: ['<rootDir>/build/test'],
  testPathIgnorePatterns: ['/acceptance/', '/real-node/'],
  coverageProvider: 'v8',
  maxWorkers: 2,
  // Most take milliseconds; a busy machine must not fail a test.
  testTimeout: 30_000,
};
