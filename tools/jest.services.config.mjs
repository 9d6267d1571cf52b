import preset from '../jest.services.preset.mjs';

export default { ...preset, displayName: 'tools (services)', maxWorkers: 1 };
