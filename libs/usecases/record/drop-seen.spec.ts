import { ManualClock, MemoryDedupStore, MemoryTelemetry } from '@k2/adapter-memory';
import { messageId, type TickBatch } from '@k2/domain/market';
import { PortError, type DedupStore } from '@k2/ports';
import { arbitraryTickBatch, placed, quoteBatch, series, tickRows, tradeBatch } from '@k2/testing/builders';
import fc from 'fast-check';
import { DropSeen } from './drop-seen.ts';

const WINDOW_MS = 60_000;
const LOG = 'topic-id';

function world() {
  const clock = new ManualClock();
  const store = new MemoryDedupStore({ clock, windowMs: WINDOW_MS });
  const telemetry = new MemoryTelemetry();
  return { clock, store, telemetry, line: () => lineOver(store, telemetry) };
}

/** One of several processes that record into the same log. */
function lineOver(store: DedupStore, telemetry: MemoryTelemetry) {
  const line = new DropSeen(store, telemetry);
  return { dropSeen: (batch: TickBatch, log = LOG) => line.dropSeen(batch, log) };
}

const sequencesOf = (batch: TickBatch | null) => (batch === null ? [] : [...batch.venueSequence]);
const rowsOf = (batch: TickBatch | null) => (batch === null ? [] : tickRows(placed(batch)));

/** A store that fails what it is told to. */
function failing(store: DedupStore, fails: readonly ('seen' | 'remember')[], kind = 'unavailable'): DedupStore {
  const unless = <Result>(name: 'seen' | 'remember', act: () => Promise<Result>) =>
    fails.includes(name) ? Promise.reject(new PortError(kind, 'away', {}, { retryable: true })) : act();
  return {
    seen: (ids) => unless('seen', () => store.seen(ids)),
    remember: (ids) => unless('remember', () => store.remember(ids)),
    close: () => store.close(),
  };
}

describe('DropSeen', () => {
  it('drops what the other line has recorded, and keeps the rest in its order', async () => {
    const { line, telemetry } = world();
    const [a, b] = [line(), line()];
    await (await a.dropSeen(tradeBatch({ firstSequence: 3, count: 4 }))).remember();
    const unseen = await b.dropSeen(tradeBatch({ firstSequence: 1, count: 9 }));
    expect(sequencesOf(unseen.batch)).toEqual([1, 2, 7, 8, 9]);
    expect(unseen.droppedTicks).toBe(4);
    expect(telemetry.count('k2_dedup_dropped_ticks')).toBe(4);
    await unseen.remember();
    expect((await a.dropSeen(tradeBatch({ firstSequence: 1, count: 9 }))).batch).toBeNull();
  });

  it('has nothing seen that the log has not acknowledged', async () => {
    const { line } = world();
    const batch = tradeBatch({ count: 5 });
    await line().dropSeen(batch);
    expect((await line().dropSeen(batch)).batch).toBe(batch);
  });

  it('takes trades and quotes, sessions and instruments of equal numbers for different ticks', async () => {
    const { line } = world();
    await (await line().dropSeen(tradeBatch({ count: 3 }))).remember();
    const others = [
      quoteBatch({ count: 3 }),
      tradeBatch({ count: 3, series: { session: '2014-03-11' } }),
      tradeBatch({ count: 3, series: { symbol: 'RIO' } }),
      tradeBatch({ count: 3, series: { exchange: 'NZX' } }),
    ];
    for (const batch of others) expect((await line().dropSeen(batch)).batch).toBe(batch);
  });

  it('takes nothing for seen that another log has', async () => {
    const { line } = world();
    const batch = tradeBatch({ count: 3 });
    await (await line().dropSeen(batch, 'the log before')).remember();
    expect((await line().dropSeen(batch)).batch).toBe(batch);
  });

  it('never drops ticks that each line numbers by itself', async () => {
    const { line, store } = world();
    const batch = tradeBatch({ count: 3, series: { sequenceOrigin: 'arrival' } });
    await (await line().dropSeen(batch)).remember();
    expect((await line().dropSeen(batch)).batch).toBe(batch);
    expect(store.size).toBe(0);
    const mixed = tradeBatch({
      rows: [
        { series: series(), venueSequence: 1 },
        { series: series({ symbol: 'X', sequenceOrigin: 'arrival' }), venueSequence: 1 },
        { series: series(), venueSequence: 2 },
      ],
    });
    await (await line().dropSeen(tradeBatch({ count: 2 }))).remember();
    expect((await line().dropSeen(mixed)).droppedTicks).toBe(2);
  });

  it('remembers by the printed identity of a tick', async () => {
    const { line, store } = world();
    await (await line().dropSeen(tradeBatch({ count: 1, series: { symbol: 'A/B%' } }))).remember();
    const id = `${LOG}/trades/${messageId(series({ symbol: 'A/B%' }), 1)}`;
    expect([...(await store.seen([id]))]).toEqual([1]);
  });

  it('takes everything for unseen while the store is away, and counts that', async () => {
    const { store, telemetry } = world();
    const batch = tradeBatch({ count: 3 });
    await (await lineOver(store, telemetry).dropSeen(batch)).remember();
    for (const kind of ['unavailable', 'closed']) {
      const line = lineOver(failing(store, ['seen', 'remember'], kind), telemetry);
      for (let i = 0; i < 3; i++) {
        const unseen = await line.dropSeen(batch);
        expect(unseen.batch).toBe(batch);
        await unseen.remember();
      }
    }
    expect(telemetry.count('k2_dedup_unavailable')).toBe(12);
    expect(telemetry.messages('warn')).toHaveLength(2);
  });

  it('remembers what it recorded as soon as the store is back', async () => {
    const { store, telemetry, line } = world();
    const batch = tradeBatch({ count: 3 });
    const unseen = await lineOver(failing(store, ['seen']), telemetry).dropSeen(batch);
    await unseen.remember();
    expect((await line().dropSeen(batch)).batch).toBeNull();
  });

  it('does not hide an error of its own', async () => {
    const { telemetry } = world();
    const broken: DedupStore = {
      seen: () => Promise.reject(new TypeError('bug')),
      remember: () => Promise.resolve(),
      close: () => Promise.resolve(),
    };
    await expect(lineOver(broken, telemetry).dropSeen(tradeBatch())).rejects.toThrow('bug');
  });

  it('keeps every column of the ticks that it keeps, whatever the batch', async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryTickBatch(), fc.infiniteStream(fc.boolean()), async (batch, coin) => {
        const drawn = Array.from({ length: batch.rowCount }, () => coin.next().value as boolean);
        const seen = new Set<string>();
        const idOf = (row: number) =>
          `${LOG}/${batch.recordType}/${messageId(batch.series[batch.seriesCode[row]], batch.venueSequence[row])}`;
        drawn.forEach((isSeen, row) => isSeen && seen.add(idOf(row)));
        const { store, line } = world();
        await store.remember([...seen]);
        const { batch: left, droppedTicks } = await line().dropSeen(batch);
        const isKept = (_: unknown, row: number) =>
          batch.series[batch.seriesCode[row]].sequenceOrigin === 'arrival' || !seen.has(idOf(row));
        const withoutPlace = (rows: ReturnType<typeof rowsOf>) => rows.map((row) => ({ ...row, platform_sequence: 0 }));
        expect(withoutPlace(rowsOf(left))).toEqual(withoutPlace(rowsOf(batch).filter(isKept)));
        expect(droppedTicks).toBe(batch.rowCount - (left?.rowCount ?? 0));
      }),
      { numRuns: 200 },
    );
  });
});
