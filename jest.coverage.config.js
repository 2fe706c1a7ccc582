// The unit tests with the lines of the product and of the doubles that they reach. Files that no test loads are listed
// too, which is why build/modules is searched.
import unit from './jest.config.js';

export default {
  ...unit,
  roots: [...unit.roots, '<rootDir>/build/modules'],
  collectCoverage: true,
  collectCoverageFrom: ['build/modules/**/*.js', 'build/test/sandbox/**/*.js', '!**/*.test.js', '!**/*contract*.js'],
  coverageDirectory: 'build/coverage',
  coverageReporters: ['text', 'json-summary'],
};
