import { expect, it } from '@jest/globals';
import { pointer, TOPIC, TRADES, type CatalogBench } from './bench.ts';

/** Progress of the log moves from claim to claim, and of a later claim an earlier writer is fenced. */
export function claimCases(bench: CatalogBench): void {
  it('7 moves progress with the tables, from claim to claim', async () => {
    const claim = await bench.claimOne('w');
    expect(claim).toMatchObject({ ...TOPIC, partition: 0, nextOffset: 0 });
    await bench.catalog.apply(
      bench.change({ tables: [pointer(TRADES, null, 't1')], progress: [{ claim, nextOffset: 7 }] }),
    );
    expect(await bench.catalog.progress()).toEqual([{ ...TOPIC, partition: 0, nextOffset: 7 }]);
    await bench.catalog.apply(bench.change({ progress: [{ claim: { ...claim, nextOffset: 7 }, nextOffset: 9 }] }));
    expect(await bench.claimOne('w')).toMatchObject({ nextOffset: 9 });
  });

  it('8 never moves progress twice from the same place, nor backwards', async () => {
    const claim = await bench.claimOne('w');
    await bench.catalog.apply(bench.change({ progress: [{ claim, nextOffset: 7 }] }));
    const wrong = [
      { claim, nextOffset: 9 },
      { claim: { ...claim, nextOffset: 7 }, nextOffset: 6 },
      { claim: { ...claim, nextOffset: 8 }, nextOffset: 9 },
      { claim: { ...claim, nextOffset: 7, topicId: 'id-2' }, nextOffset: 9 },
    ];
    for (const move of wrong) {
      await expect(bench.catalog.apply(bench.change({ progress: [move] }))).rejects.toMatchObject({
        kind: 'progress-mismatch',
      });
    }
    expect(await bench.catalog.progress()).toEqual([{ ...TOPIC, partition: 0, nextOffset: 7 }]);
  });

  it('9 fences a writer whose partition was claimed later, even where its pointers are stale too', async () => {
    const zombie = await bench.claimOne('zombie');
    const successor = await bench.claimOne('successor');
    expect(successor.epoch).toBeGreaterThan(zombie.epoch);
    await bench.catalog.apply(
      bench.change({ tables: [pointer(TRADES, null, 't1')], progress: [{ claim: successor, nextOffset: 4 }] }),
    );
    const late = bench.change({ tables: [pointer(TRADES, null, 'z1')], progress: [{ claim: zombie, nextOffset: 2 }] });
    await expect(bench.catalog.apply(late)).rejects.toMatchObject({ kind: 'fenced', retryable: false });
    expect(await bench.catalog.metadataLocation(TRADES)).toBe('t1');
    expect(await bench.catalog.progress()).toEqual([{ ...TOPIC, partition: 0, nextOffset: 4 }]);
  });

  it('10 fences by partition: a claim of one leaves the others', async () => {
    const [first, second] = await bench.catalog.claim('a', [
      { ...TOPIC, partition: 0 },
      { ...TOPIC, partition: 1 },
    ]);
    await bench.claimOne('b', 1);
    await bench.catalog.apply(bench.change({ progress: [{ claim: first, nextOffset: 1 }] }));
    await expect(
      bench.catalog.apply(bench.change({ progress: [{ claim: second, nextOffset: 1 }] })),
    ).rejects.toMatchObject({
      kind: 'fenced',
    });
  });

  it('11 never takes a recreated topic for the one whose offsets it has', async () => {
    const claim = await bench.claimOne('w');
    await bench.catalog.apply(bench.change({ progress: [{ claim, nextOffset: 500 }] }));
    const recreated = { topic: TOPIC.topic, partition: 0, topicId: 'id-2' };
    await expect(bench.catalog.claim('w', [recreated])).rejects.toMatchObject({
      kind: 'progress-mismatch',
      message: expect.stringMatching(/id-1.*id-2|id-2.*id-1/),
    });
    // The refused claim has not fenced the writer of the old topic.
    await bench.catalog.apply(bench.change({ progress: [{ claim: { ...claim, nextOffset: 500 }, nextOffset: 501 }] }));
  });

  it('12 takes a recreated topic of which nothing was committed', async () => {
    await bench.claimOne('w');
    const [claim] = await bench.catalog.claim('w', [{ topic: TOPIC.topic, partition: 0, topicId: 'id-2' }]);
    expect(claim).toMatchObject({ topicId: 'id-2', nextOffset: 0 });
    await bench.catalog.apply(bench.change({ progress: [{ claim, nextOffset: 1 }] }));
  });
}
