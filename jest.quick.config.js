// What `npm test` runs: unit tests that need neither the executables nor root, and take less than a minute together.
import unit from './jest.config.js';

export default { ...unit, testPathIgnorePatterns: [...unit.testPathIgnorePatterns, '/front-ends/'] };
