import type { Outcome } from './outcome.ts';

// Acknowledged when it was last asked for: the tables may hold more.
const HEAD = 'scenario           kills    acked  in tables  quarantined   lost  twice   recovery ms (median, max)';
const WIDTHS = [5, 8, 10, 12, 6, 6];
const VIOLATIONS_SHOWN = 10;

/** What the scenarios came to: a line each, what there is to note, and why one of them does not count as passed. */
export function report(outcomes: readonly Outcome[]): string {
  const lines = [HEAD];
  for (const outcome of outcomes) {
    const { scenario, kills, verdict, recoveriesMs, notes } = outcome;
    const { acknowledged, inTables, inQuarantine, lost, duplicated } = verdict;
    const cells = [kills, acknowledged, inTables, inQuarantine, lost, duplicated].map((value, index) =>
      String(value).padStart(WIDTHS[index]),
    );
    lines.push(`${scenario.padEnd(18)} ${cells.join(' ')}   ${describeRecoveries(recoveriesMs)}`);
    lines.push(...notes.map((note) => `  ${note}`));
    lines.push(
      ...failuresOf(outcome)
        .slice(0, VIOLATIONS_SHOWN)
        .map((failure) => `  violation: ${failure}`),
    );
  }
  return lines.join('\n');
}

/** Empty: it passed. A scenario in which nothing happened has shown nothing. */
export function failuresOf({ verdict, recoveriesMs }: Outcome): readonly string[] {
  const failures = [...verdict.violations];
  if (verdict.acknowledged === 0) failures.push('nothing was acknowledged: there was nothing to lose');
  if (recoveriesMs.includes(Infinity)) failures.push('nothing was committed any more after a kill');
  return failures;
}

export function describeRecoveries(recoveriesMs: readonly number[]): string {
  if (recoveriesMs.length === 0) return 'not measured';
  const sorted = recoveriesMs.toSorted((a, b) => a - b);
  return `${Math.round(sorted[sorted.length >> 1])}, ${Math.round(sorted.at(-1)!)}`;
}
