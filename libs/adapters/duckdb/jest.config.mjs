import preset from '../../../jest.preset.mjs';

// The first question of an engine waits for its process to start.
export default { ...preset, displayName: 'adapter-duckdb' };
