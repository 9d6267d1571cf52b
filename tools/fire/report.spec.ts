import { describe, expect, it } from '@jest/globals';
import type { Outcome } from './outcome.ts';
import { failuresOf, report } from './report.ts';

const PASSED: Outcome = {
  scenario: 'sinks',
  kills: 3,
  verdict: {
    acknowledged: 90_000,
    inTables: 90_120,
    inQuarantine: 4,
    lost: 0,
    duplicated: 0,
    foreign: 0,
    violations: [],
  },
  recoveriesMs: [900, 300, 1_200],
  notes: [],
};

describe('a run under fire', () => {
  it('is a line of what was sent, found and measured', () => {
    expect(failuresOf(PASSED)).toEqual([]);
    expect(report([PASSED]).split('\n')[1]).toBe(
      'sinks                  3    90000      90120            4      0      0   900, 1200',
    );
  });

  it('whose recovery was not measured says so, instead of naming a time', () => {
    const outcome = { ...PASSED, recoveriesMs: [] };
    expect(failuresOf(outcome)).toEqual([]);
    expect(report([outcome])).toContain('   not measured');
  });

  it('that acknowledged nothing fails and says so', () => {
    const outcome = { ...PASSED, verdict: { ...PASSED.verdict, acknowledged: 0 } };
    expect(failuresOf(outcome)).toHaveLength(1);
    expect(report([outcome])).toContain('violation: nothing was acknowledged');
  });

  it('after which nothing was committed any more fails and says so', () => {
    const outcome = { ...PASSED, recoveriesMs: [300, Infinity] };
    expect(report([outcome])).toContain('violation: nothing was committed any more');
  });
});
