import { expect, it } from '@jest/globals';
import { own, pointer, QUOTES, TOPIC, TRADES, type CatalogBench } from './bench.ts';

/** A change takes effect whole or not at all, once, and everybody sees it. */
export function atomicityCases(bench: CatalogBench): void {
  it('5 applies all of a change or nothing: one wrong pointer among many', async () => {
    const claim = await bench.claimOne('w');
    await bench.catalog.apply(
      bench.change({
        tables: [pointer(TRADES, null, 't1')],
        progress: [{ claim, nextOffset: 1 }],
        state: new Map([['a', own('before')]]),
      }),
    );
    const before = await bench.everything();
    const bad = bench.change({
      tables: [pointer(TRADES, 't1', 't2'), pointer('audit.sessions', null, 's1'), pointer(QUOTES, 'q0', 'q1')],
      progress: [{ claim: { ...claim, nextOffset: 1 }, nextOffset: 5 }],
      state: new Map([
        ['a', own('after', 'own')],
        ['b', own('new')],
      ]),
    });
    await expect(bench.catalog.apply(bad)).rejects.toMatchObject({ kind: 'commit-conflict' });
    expect(await bench.everything()).toEqual(before);
    expect(await bench.catalog.committed(bad.changeId)).toBe(false);
  });

  it('6 applies all of a change or nothing: one wrong claim among many', async () => {
    const claims = await bench.catalog.claim('w', [
      { ...TOPIC, partition: 0 },
      { ...TOPIC, partition: 1 },
    ]);
    const before = await bench.everything();
    const bad = bench.change({
      tables: [pointer(TRADES, null, 't1')],
      progress: [
        { claim: claims[0], nextOffset: 5 },
        { claim: { ...claims[1], nextOffset: 3 }, nextOffset: 5 },
      ],
      state: new Map([['a', own('after')]]),
    });
    await expect(bench.catalog.apply(bad)).rejects.toMatchObject({ kind: 'progress-mismatch' });
    expect(await bench.everything()).toEqual(before);
  });

  it('14 says whether a change took effect, and takes it once', async () => {
    const applied = bench.change({ tables: [pointer(TRADES, null, 't1')] });
    expect(await bench.catalog.committed(applied.changeId)).toBe(false);
    await bench.catalog.apply(applied);
    expect(await bench.catalog.committed(applied.changeId)).toBe(true);
    await bench.catalog.apply(bench.change({ tables: [pointer(TRADES, 't1', 't2')] }));
    await bench.catalog.apply(applied);
    expect(await bench.catalog.metadataLocation(TRADES)).toBe('t2');
  });

  it('15 remembers the last 1,000 changes', async () => {
    const first = bench.change({});
    await bench.catalog.apply(first);
    for (let i = 0; i < 999; i++) await bench.catalog.apply(bench.change({}));
    expect(await bench.catalog.committed(first.changeId)).toBe(true);
  }, 60_000);

  it('16 shows everything to another catalog over the same database', async () => {
    const claim = await bench.claimOne('w');
    const applied = bench.change({
      tables: [pointer(TRADES, null, 't1')],
      progress: [{ claim, nextOffset: 3 }],
      state: new Map([['a', own('1')]]),
    });
    await bench.catalog.apply(applied);
    const other = await bench.another();
    expect(await other.tables()).toEqual(new Map([[TRADES, 't1']]));
    expect(await other.progress()).toEqual([{ ...TOPIC, partition: 0, nextOffset: 3 }]);
    expect(await other.state(['a'])).toEqual(
      new Map([['a', { value: '1', owner: { topic: TOPIC.topic, partition: 0 } }]]),
    );
    expect(await other.committed(applied.changeId)).toBe(true);
  });
}
