import preset from './jest.preset.mjs';

/** Specs that need real servers: `npm run test:services` starts those, and they fail where none are. */
export default {
  ...preset,
  testMatch: ['<rootDir>/**/*.services.spec.ts'],
  testPathIgnorePatterns: preset.testPathIgnorePatterns.filter((pattern) => !pattern.includes('services')),
  testTimeout: 60_000,
};
