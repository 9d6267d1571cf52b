import preset from '../../../jest.services.preset.mjs';

export default { ...preset, displayName: 'adapter-kafka (services)' };
