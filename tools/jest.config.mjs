import preset from '../jest.preset.mjs';

export default {
  ...preset,
  displayName: 'tools',
  // Projects of their own.
  testPathIgnorePatterns: [...preset.testPathIgnorePatterns, '<rootDir>/examples/'],
  // The end-to-end specs wait for processes more than they work: two at a time, also on two cores.
  maxWorkers: 2,
};
