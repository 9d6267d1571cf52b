import { describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');

function sim(...options: string[]) {
  const flags = ['--conditions=k2-source', '--disable-warning=ExperimentalWarning'];
  const { status, stdout, stderr } = spawnSync(process.execPath, [...flags, 'tools/sim/main.ts', ...options], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  return { status, stdout, stderr };
}

describe('npm run sim', () => {
  it('is the same world for the same seed in every process, step by step', () => {
    const trace = () => sim('--seed', '227', '--world', 'sink', '--trace').stdout.replace(/, in \d+ s\n$/, '');
    const first = trace();
    expect(first).toMatch(/^sink: [0-9a-f]{16} after \d{3,} steps/m);
    expect(trace()).toBe(first);
  }, 120_000);

  it('names an option that is wrong, its value, and what was expected', () => {
    expect(sim('--seeds', 'many')).toMatchObject({
      status: 1,
      stderr: '--seeds is many: expected a whole number from 1 on\n',
    });
    expect(sim('--only', 'rain').stderr).toMatch(/^--only names rain: expected some of crashes, freezes/);
    expect(sim('--sedes', '1')).toMatchObject({ status: 1, stderr: expect.stringContaining("'--sedes'") });
  }, 60_000);
});
