import preset from '../../../jest.preset.mjs';

// The first file that a writer writes, or a maintainer rewrites, waits for a thread or process to start.
export default { ...preset, displayName: 'adapter-iceberg' };
