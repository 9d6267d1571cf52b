import { expect, it } from '@jest/globals';
import { pointer, QUOTES, TRADES, type CatalogBench } from './bench.ts';

/** Pointers of tables: created, moved, refused where they are not as expected. */
export function pointerCases(bench: CatalogBench): void {
  it('1 starts empty', async () => {
    expect(await bench.everything()).toEqual({ tables: new Map(), progress: [], state: new Map() });
    expect(await bench.catalog.metadataLocation(TRADES)).toBeNull();
    expect(await bench.catalog.committed('never')).toBe(false);
  });

  it('2 creates tables and moves their pointers', async () => {
    await bench.catalog.apply(
      bench.change({ tables: [pointer(TRADES, null, 'file:///t/1.json'), pointer(QUOTES, null, 'q1')] }),
    );
    await bench.catalog.apply(bench.change({ tables: [pointer(TRADES, 'file:///t/1.json', 'file:///t/2.json')] }));
    expect(await bench.catalog.metadataLocation(TRADES)).toBe('file:///t/2.json');
    expect(await bench.catalog.tables()).toEqual(
      new Map([
        [QUOTES, 'q1'],
        [TRADES, 'file:///t/2.json'],
      ]),
    );
  });

  it('3 refuses a pointer that is not the expected one, and names both', async () => {
    await bench.catalog.apply(bench.change({ tables: [pointer(TRADES, null, 't1')] }));
    const wrong = [pointer(TRADES, null, 't2'), pointer(TRADES, 't0', 't2'), pointer(QUOTES, 'q0', 'q1')];
    for (const move of wrong) {
      await expect(bench.catalog.apply(bench.change({ tables: [move] }))).rejects.toMatchObject({
        kind: 'commit-conflict',
        retryable: true,
        context: { table: move.table, expected: move.expected },
      });
    }
    expect(await bench.catalog.tables()).toEqual(new Map([[TRADES, 't1']]));
  });

  it('4 lets one of twenty racing commits win', async () => {
    await bench.catalog.apply(bench.change({ tables: [pointer(TRADES, null, 't0')] }));
    const other = await bench.another();
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, (_, i) =>
        (i % 2 === 0 ? bench.catalog : other).apply(bench.change({ tables: [pointer(TRADES, 't0', `t-${i}`)] })),
      ),
    );
    const winners = outcomes.flatMap(({ status }, i) => (status === 'fulfilled' ? [i] : []));
    expect(winners).toHaveLength(1);
    expect(await bench.catalog.metadataLocation(TRADES)).toBe(`t-${winners[0]}`);
    const losses = outcomes.filter((outcome) => outcome.status === 'rejected').map(({ reason }) => reason as unknown);
    for (const loss of losses) expect(loss).toMatchObject({ kind: 'commit-conflict' });
  });
}
