import { expect, it } from '@jest/globals';
import { placed, plannedRows, tickRows, tradeBatch } from '../../builders/index.ts';
import { expectRows, TOPIC, TOPIC_ID, TRADES, type TickStoreBenches } from './bench.ts';

const trades = (offset: number) => placed(tradeBatch({ firstSequence: 1 + offset * 100 }), offset);
const MISMATCH = { kind: 'progress-mismatch' };
const FENCED = { kind: 'fenced' };

/** Who may move a partition's progress, and from where. */
export function fencingCases(benches: TickStoreBenches): void {
  it('2.1 a partition never seen starts at offset 0', async () => {
    const bench = await benches.open();
    const partitions = [0, 1].map((partition) => ({ topic: TOPIC, partition, topicId: TOPIC_ID }));
    const claims = await bench.store.claim('writer', partitions);
    expect(claims.map(({ epoch: _epoch, ...rest }) => rest)).toEqual(
      partitions.map((entry) => ({ ...entry, nextOffset: 0 })),
    );
  });

  it('2.2 an expected offset that is not the stored one refuses the whole commit, also its state', async () => {
    const bench = await benches.open();
    const { claims } = await bench.commit(await bench.claim(), 5);
    const ahead = { ...claims[0], nextOffset: 6 };
    await expect(bench.commit(ahead, 9, { ticks: [trades(6)] }, new Map([['a', '1']]))).rejects.toMatchObject(MISMATCH);
    const behind = { ...claims[0], nextOffset: 4 };
    await expect(bench.commit(behind, 9, { ticks: [trades(4)] }, new Map([['a', '1']]))).rejects.toMatchObject(
      MISMATCH,
    );
    expect(await bench.rows(TRADES)).toEqual([]);
    expect(await bench.store.snapshots(TRADES, 10)).toEqual([]);
    expect(await bench.states(['a'])).toEqual(new Map());
    expect(await bench.nextOffset()).toBe(5);
  });

  it('2.2a a state that another partition has taken over refuses the whole commit of the one before', async () => {
    const bench = await benches.open();
    const old = (await bench.commit(await bench.claim(0), 1, {}, new Map([['a', '1']]))).claims[0];
    const grown = await bench.claim(1);
    const was = (await bench.store.state(['a'])).get('a')!;
    expect(was).toEqual({ value: '1', owner: { topic: TOPIC, partition: 0 } });
    const takenOver = {
      partitions: [{ claim: grown, nextOffset: 1 }],
      state: new Map([['a', { value: '2', owner: { topic: TOPIC, partition: 1 }, was }]]),
    };
    await bench.store.commit(await bench.store.stage(plannedRows({ ticks: [trades(0)] })), takenOver);
    await expect(bench.commit(old, 2, { ticks: [trades(1)] }, new Map([['a', '9']]))).rejects.toMatchObject(MISMATCH);
    expectRows(await bench.rows(TRADES), tickRows(trades(0)));
    expect(await bench.states(['a'])).toEqual(new Map([['a', '2']]));
    expect(await bench.nextOffset(0)).toBe(1);
  });

  it('2.3 rows of a refused commit stay staged: with the right claim they commit, once', async () => {
    const bench = await benches.open();
    const claim = await bench.claim();
    const staged = await bench.store.stage(plannedRows({ ticks: [trades(0)] }));
    const wrong = { ...claim, nextOffset: 3 };
    await expect(
      bench.store.commit(staged, { partitions: [{ claim: wrong, nextOffset: 4 }], state: new Map() }),
    ).rejects.toMatchObject(MISMATCH);
    await bench.store.commit(staged, { partitions: [{ claim, nextOffset: 1 }], state: new Map() });
    expectRows(await bench.rows(TRADES), tickRows(trades(0)));
  });

  it('2.4 progress never goes backwards', async () => {
    const bench = await benches.open();
    const { claims } = await bench.commit(await bench.claim(), 5, { ticks: [trades(0)] });
    await expect(bench.commit(claims[0], 4, { ticks: [trades(1)] })).rejects.toMatchObject(MISMATCH);
    expect(await bench.nextOffset()).toBe(5);
    expectRows(await bench.rows(TRADES), tickRows(trades(0)));
  });

  it('2.5 a later claim fences the earlier writer and carries on from its progress', async () => {
    const bench = await benches.open();
    const first = await bench.claim(0, 'first');
    const { claims } = await bench.commit(first, 5, { ticks: [trades(0)] });
    const second = await bench.claim(0, 'second');
    expect(second.nextOffset).toBe(5);
    expect(second.epoch).toBeGreaterThan(first.epoch);
    await expect(bench.commit(claims[0], 6, { ticks: [trades(5)] })).rejects.toMatchObject(FENCED);
    expectRows(await bench.rows(TRADES), tickRows(trades(0)));
    await bench.commit(second, 6, { ticks: [trades(5)] });
    expect(await bench.nextOffset()).toBe(6);
  });

  it('2.6 a zombie whose partition has moved on is fenced, not told to read the progress again', async () => {
    const bench = await benches.open();
    const zombie = await bench.claim(0, 'zombie');
    await bench.commit(await bench.claim(0, 'successor'), 5, { ticks: [trades(0)] });
    await expect(bench.commit(zombie, 3, { ticks: [trades(0)] })).rejects.toMatchObject(FENCED);
    expectRows(await bench.rows(TRADES), tickRows(trades(0)));
  });

  it('2.7 the same writer claiming again fences its former self', async () => {
    const bench = await benches.open();
    const before = await bench.claim(0, 'writer');
    await bench.claim(0, 'writer');
    await expect(bench.commit(before, 1, { ticks: [trades(0)] })).rejects.toMatchObject(FENCED);
  });

  it('2.8 losing one partition refuses a commit of several, and leaves the others usable', async () => {
    const bench = await benches.open();
    const [kept, lost] = await bench.store.claim('first', [
      { topic: TOPIC, partition: 0, topicId: TOPIC_ID },
      { topic: TOPIC, partition: 1, topicId: TOPIC_ID },
    ]);
    await bench.claim(1, 'second');
    const staged = await bench.store.stage(plannedRows({ ticks: [trades(0)] }));
    const both = [
      { claim: kept, nextOffset: 1 },
      { claim: lost, nextOffset: 1 },
    ];
    await expect(bench.store.commit(staged, { partitions: both, state: new Map() })).rejects.toMatchObject(FENCED);
    expect([await bench.nextOffset(0), await bench.nextOffset(1)]).toEqual([0, 0]);
    expect(await bench.rows(TRADES)).toEqual([]);
    await bench.store.commit(staged, { partitions: [{ claim: kept, nextOffset: 1 }], state: new Map() });
    expectRows(await bench.rows(TRADES), tickRows(trades(0)));
  });

  it('2.9 two commits on one claim at once: one wins, the rows of the other stay invisible', async () => {
    const bench = await benches.open();
    const claim = await bench.claim();
    const outcomes = await Promise.allSettled([
      bench.commit(claim, 1, { ticks: [trades(0)] }),
      bench.commit(claim, 1, { ticks: [trades(0)] }),
    ]);
    expect(outcomes.map((outcome) => outcome.status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(outcomes.find((outcome) => outcome.status === 'rejected')).toMatchObject({ reason: MISMATCH });
    expectRows(await bench.rows(TRADES), tickRows(trades(0)));
  });

  it('2.10 a topic created again under its name is refused, and fences nobody', async () => {
    const bench = await benches.open();
    const { claims } = await bench.commit(await bench.claim(), 1, { ticks: [trades(0)] });
    const recreated = [{ topic: TOPIC, partition: 0, topicId: 'topic-2' }];
    await expect(bench.store.claim('second', recreated)).rejects.toMatchObject(MISMATCH);
    await bench.commit(claims[0], 2, { ticks: [trades(1)] });
    const foreign = { ...(await bench.claim()), topicId: 'topic-2' };
    await expect(bench.commit(foreign, 3, { ticks: [trades(2)] })).rejects.toMatchObject(MISMATCH);
    expect(await bench.nextOffset()).toBe(2);
    expectRows(await bench.rows(TRADES), [...tickRows(trades(0)), ...tickRows(trades(1))]);
  });

  it('2.11 a topic created again before anything of it was committed is taken, and fences the writer of the old one', async () => {
    const bench = await benches.open();
    const before = await bench.claim();
    const [claim] = await bench.store.claim('second', [{ topic: TOPIC, partition: 0, topicId: 'topic-2' }]);
    expect(claim).toMatchObject({ topicId: 'topic-2', nextOffset: 0 });
    await expect(bench.commit(before, 1, { ticks: [trades(0)] })).rejects.toMatchObject(FENCED);
    await bench.commit(claim, 1, { ticks: [trades(0)] });
    expectRows(await bench.rows(TRADES), tickRows(trades(0)));
  });
}
