import preset from '../../../jest.preset.mjs';

export default { ...preset, displayName: 'example-sqlite-objects' };
