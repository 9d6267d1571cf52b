import { describe, expect, it } from '@jest/globals';
import { readSettings } from '@k2/composition';
import { greeting } from './greeting.ts';

describe('the greeting of a server', () => {
  const url = 'http://127.0.0.1:7080';

  it('warns when others than this machine can reach it', () => {
    const said = (host: string) => greeting({ ...readSettings({}, {}), host }, url);
    for (const host of ['0.0.0.0', '::', '10.1.2.3']) expect(said(host)).toContain(`WARNING  it listens on ${host}`);
    for (const host of ['127.0.0.1', '127.0.0.2', 'localhost', '::1']) expect(said(host)).not.toContain('WARNING');
  });
});
