import type { TableName } from '@k2/domain/market';
import { differences, type Facts, type Filter, type Question, type Reading } from './facts.ts';
import type { Reader } from './readers/reader.ts';
import type { Verdicts } from './verdicts.ts';

/** A table at a moment: where to find it again, and what was in it by the account of what was sent. */
export interface Remembered {
  readonly table: TableName;
  /** `the newest`, or which of the older ones. */
  readonly name: string;
  /** Null: whichever is the newest. */
  readonly snapshotId: bigint | null;
  readonly sums: readonly string[];
  readonly expected: Facts;
}

/** Lets every reader read every remembered state, and holds what it finds against what was sent. */
export async function readAll(
  readers: readonly Reader[],
  states: readonly Remembered[],
  { stage, filter, verdicts }: { readonly stage: string; readonly filter: Filter; readonly verdicts: Verdicts },
): Promise<void> {
  const questions = states.map(({ table, snapshotId, sums }): Question => ({ table, snapshotId, sums, filter }));
  for (const reader of readers) {
    try {
      const readings = await reader.read(questions);
      states.forEach((state, index) => judge(reader.name, stage, state, readings[index], verdicts));
    } catch (error) {
      verdicts.add({ judge: reader.name, stage, check: 'reads the tables' }, '', [String(error)]);
    }
  }
}

function judge(name: string, stage: string, state: Remembered, reading: Reading, verdicts: Verdicts): void {
  const { facts, pruning, fileFaults } = reading;
  const of = { judge: name, stage };
  const what = `${state.table} at ${state.name}`;
  const { rows, groups, filteredRows } = facts;
  const summary = `${rows} rows, ${Object.keys(groups).length} series, ${state.sums.join(', ')} to the last digit, ${filteredRows} by the filter`;
  verdicts.add({ ...of, check: what }, summary, differences(facts, state.expected));
  if (pruning !== null) {
    const { read, all, unit } = pruning;
    const less = `${read} of ${all} ${unit} read`;
    verdicts.add({ ...of, check: `${what}, filtered` }, less, read < all ? [] : [`${less}: nothing was left out`]);
  }
  if (fileFaults !== undefined && state.snapshotId === null)
    verdicts.add({ ...of, check: `${what}, counts and bounds of its files` }, 'hold', fileFaults);
}
