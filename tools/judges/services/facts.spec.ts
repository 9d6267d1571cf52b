import { differences, groupKey, shortest, type Facts } from './facts.ts';
import { Tally } from './tally.ts';
import { tapeOf } from './tape.ts';

const filter = { exchange: 'XASX', symbol: 'BHP', fromUs: 0 };

function factsWithout(row: number | null, twice: number | null): Facts {
  const tally = new Tally(filter);
  const ticks = tapeOf(0, 'XASX', 3).flatMap((slice) => slice.ticks);
  ticks.forEach(({ batch, row: at }, index) => {
    if (index !== row) tally.add(batch, at);
    if (index === twice) tally.add(batch, at);
  });
  return tally.facts('market_data.trades');
}

describe('what differs from what was sent', () => {
  const sent = factsWithout(null, null);

  it('is nothing where all is there once', () => {
    expect(differences(factsWithout(null, null), sent)).toEqual([]);
  });

  it('tells of a row that is missing and of one that is there twice', () => {
    expect(differences(factsWithout(5, null), sent)).not.toEqual([]);
    expect(differences(factsWithout(null, 5), sent)).not.toEqual([]);
  });

  it('tells of a missing row that another one, there twice, makes up for in the count', () => {
    const found = factsWithout(5, 9);
    expect(found.rows).toBe(sent.rows);
    expect(differences(found, sent)).not.toEqual([]);
  });

  it('tells of series that are missing, and of some that nobody sent', () => {
    const [first, ...others] = Object.entries(sent.groups);
    const strange = { ...Object.fromEntries(others), [groupKey('XASX', 'NEW')]: first[1] };
    expect(differences({ ...sent, groups: strange }, sent)).toEqual([
      `${first[0]} is missing`,
      'XASX/NEW was never written',
    ]);
  });
});

it('the tape has holes, late ticks and repeated ones, and counts each tick once', () => {
  const slices = tapeOf(0, 'XASX', 3);
  const sent = slices.flatMap((slice) => slice.sent).reduce((sum, batch) => sum + batch.rowCount, 0);
  const ticks = slices.flatMap((slice) => slice.ticks);
  const sequences = new Map<string, number[]>();
  for (const { batch, row } of ticks) {
    const key = `${batch.recordType} ${batch.series[batch.seriesCode[row]].symbol}`;
    sequences.set(key, [...(sequences.get(key) ?? []), batch.venueSequence[row]]);
  }
  expect(sent).toBeGreaterThan(ticks.length);
  for (const of of sequences.values()) {
    expect(new Set(of).size).toBe(of.length);
    expect(of.length).toBeLessThan(Math.max(...of));
    expect(of).not.toEqual(of.toSorted((a, b) => a - b));
  }
});

it.each([
  ['1.50000000', '1.5'],
  ['100.00000000', '100'],
  ['100', '100'],
  ['-0.00000010', '-0.0000001'],
])('%s is %s', (long, short) => {
  expect(shortest(long)).toBe(short);
});
