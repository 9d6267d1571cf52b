import { ManualClock, MemoryQueryEngine, MemoryTickStore, SeededRandom } from '@k2/adapter-memory';
import { RECORD_SCHEMAS } from '@k2/domain/market';
import { PortError, type PartitionClaim, type PlannedRows, type QueryEngine, type TickStore } from '@k2/ports';
import { gapRecord, placed, plannedRows, series, sessionRecord, tradeBatch } from '@k2/testing/builders';
import { answerRow, answerRows } from './answer-rows.ts';
import { AnswerTicks, type TicksPage, type TicksRequest } from './answer-ticks.ts';
import { parseCursor, printCursor } from './tick-cursor.ts';
import { tickFields } from './tick-fields.ts';

const OPTIONS = { timeoutMs: 10_000 };
const BHP = { exchange: 'ASX', symbols: ['BHP'] };
const ALL: TicksRequest = {
  recordType: 'trades',
  filter: BHP,
  asOf: { kind: 'latest' },
  order: 'oldest-first',
  limit: 7,
};

class Lake {
  readonly clock = new ManualClock(1_767_225_600_000_000);
  readonly store = new MemoryTickStore({ clock: this.clock, random: new SeededRandom(1, this.clock) });
  readonly engine = new MemoryQueryEngine({ store: this.store, clock: this.clock });
  readonly answers = new AnswerTicks(this.store, this.engine, this.clock);
  private claims: readonly PartitionClaim[] = [];

  static async create(): Promise<Lake> {
    const lake = new Lake();
    await lake.store.ensureTables(RECORD_SCHEMAS);
    lake.claims = await lake.store.claim('test', [{ topic: 't', partition: 0, topicId: 'id' }]);
    return lake;
  }

  async commit(rows: Partial<PlannedRows>) {
    this.clock.advanceUs(1_000_000);
    const staged = await this.store.stage(plannedRows(rows));
    const [claim] = this.claims;
    const partitions = [{ claim, nextOffset: claim.nextOffset + 1 }];
    const receipt = await this.store.commit(staged, { partitions, state: new Map() });
    this.claims = receipt.claims;
    return receipt;
  }

  trades(firstSequence: number, count: number) {
    return { ticks: [placed(tradeBatch({ firstSequence, count, startUs: firstSequence * 1_000 }))] };
  }
}

async function lakeOf(count: number): Promise<Lake> {
  const lake = await Lake.create();
  await lake.commit({ ...lake.trades(1, count), sessions: [sessionRecord({ eventTimeUs: 1_000 })] });
  return lake;
}

function rowsOf({ columns, batches, rowCount }: TicksPage) {
  const rows = batches.flatMap((batch) =>
    Array.from({ length: batch.rowCount }, (_, row) => answerRow(columns, batch, row)),
  );
  return rows.slice(0, rowCount);
}

describe('AnswerTicks', () => {
  it('pages through every row exactly once, in order, from the snapshot of the first page', async () => {
    const lake = await lakeOf(20);
    const sequences: unknown[] = [];
    const snapshots = new Set<unknown>();
    for (let cursor: string | null | undefined; cursor !== null;) {
      const page = await lake.answers.page({ ...ALL, ...(cursor !== undefined && { cursor }) }, OPTIONS);
      sequences.push(...rowsOf(page).map((row) => row['source_sequence']));
      snapshots.add(page.snapshotId);
      cursor = page.nextCursor;
      await lake.commit(lake.trades(sequences.length + 100, 3));
    }
    expect(sequences).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
    expect(snapshots.size).toBe(1);
  });

  it('asks for rows once they are judged, within what planning and judging left of one deadline: an unread answer keeps no judgement waiting', async () => {
    const lake = await lakeOf(14);
    const asked: unknown[] = [];
    let held = 0;
    const counting: QueryEngine = {
      ask: async (question, plans, options) => {
        if (held > 0) throw new PortError('overloaded', 'the only process is held by an answer');
        const answer = await lake.engine.ask(question, plans, options);
        lake.clock.advanceUs(1_000_000);
        asked.push([question.kind, options.timeoutMs, options.spentMs]);
        held++;
        let isFreed = false;
        const free = async () => {
          if (!isFreed) held--;
          isFreed = true;
        };
        const batches = (async function* () {
          yield* answer.batches;
          await free();
        })();
        return { columns: answer.columns, batches, [Symbol.asyncDispose]: free };
      },
      sqlReads: () => Promise.reject(new PortError('unsupported', 'none here')),
      exportParquet: () => Promise.reject(new PortError('unsupported', 'none here')),
      close: () => Promise.resolve(),
    };
    const plan: TickStore['plan'] = async (request) => {
      if (request.table === 'market_data.trades') lake.clock.advanceUs(500_000);
      return lake.store.plan(request);
    };
    const store: Partial<TickStore> = { plan };
    const answers = new AnswerTicks(store as TickStore, counting, lake.clock);
    const { answer, completeness } = await answers.stream(ALL, OPTIONS);
    expect(completeness.status).toBe('complete');
    expect(asked).toEqual([
      ['audit', 10_000, 500],
      ['ticks', 10_000, 1_500],
    ]);
    await answer[Symbol.asyncDispose]();
    expect(held).toBe(0);
  });

  it('has no next page after the last row, also where the last page is full', async () => {
    const lake = await lakeOf(14);
    const first = await lake.answers.page(ALL, OPTIONS);
    const second = await lake.answers.page({ ...ALL, cursor: first.nextCursor! }, OPTIONS);
    expect([first.rowCount, second.rowCount, second.nextCursor]).toEqual([7, 7, null]);
  });

  it('has exactly the fields asked for, whatever the paging needs', async () => {
    const lake = await lakeOf(10);
    const page = await lake.answers.page({ ...ALL, fields: ['price', 'message_id'], limit: 2 }, OPTIONS);
    expect(page.columns.map(({ name }) => name)).toEqual(['price', 'message_id']);
    expect(rowsOf(page)).toEqual([
      { price: '36', message_id: 'ASX/BHP/2014-03-10/1' },
      { price: '36.01', message_id: 'ASX/BHP/2014-03-10/2' },
    ]);
    expect(page.nextCursor).not.toBeNull();
    const all = await lake.answers.page(ALL, OPTIONS);
    expect(all.columns.map(({ name }) => name)).toEqual(tickFields('trades'));
  });

  it('is complete until a gap is known, and again once it is filled; the past keeps its answer', async () => {
    const lake = await lakeOf(3);
    const gap = gapRecord({ sequenceFrom: 4, sequenceTo: 4, fromTimeUs: 3_000, toTimeUs: 5_000 });
    const broken = await lake.commit({ ...lake.trades(5, 1), gaps: [gap] });
    await lake.commit({ ...lake.trades(4, 1), gaps: [{ ...gap, status: 'filled' }] });
    const judged = async (asOf: TicksRequest['asOf']) => {
      const { completeness } = await lake.answers.page({ ...ALL, asOf }, OPTIONS);
      return completeness.status;
    };
    expect(await judged({ kind: 'latest' })).toBe('complete');
    const snapshotId = broken.snapshots.get('market_data.trades')!;
    expect(await judged({ kind: 'snapshot', snapshotId })).toBe('gaps');
    expect(await judged({ kind: 'time', timeUs: broken.committedUs - 1 })).toBe('complete');
  });

  it('does not let a gap of another instrument, record type or time touch the answer', async () => {
    const lake = await lakeOf(3);
    const elsewhere = [{ symbol: 'RIO' }, { recordType: 'quotes' as const }, { fromTimeUs: 9e15, toTimeUs: 9e15 }];
    await lake.commit({ ...lake.trades(4, 1), gaps: elsewhere.map((changes) => gapRecord(changes)) });
    const page = await lake.answers.page({ ...ALL, filter: { ...BHP, fromUs: 0, toUs: 10_000 } }, OPTIONS);
    expect(page.completeness).toEqual({ status: 'complete' });
  });

  it('is unverifiable where the venue does not number its ticks, and where nothing was recorded', async () => {
    const lake = await Lake.create();
    const empty = await lake.answers.page(ALL, OPTIONS);
    expect(empty).toMatchObject({ rowCount: 0, snapshotId: null, completeness: { status: 'unverifiable' } });
    await lake.commit({
      ...lake.trades(1, 3),
      sessions: [sessionRecord({ sequenceOrigin: 'arrival', eventTimeUs: 1_000 })],
    });
    const page = await lake.answers.page(ALL, OPTIONS);
    expect(page).toMatchObject({ completeness: { status: 'unverifiable', reason: expect.stringContaining('ASX') } });
    const rio = await lake.answers.page({ ...ALL, filter: { exchange: 'ASX', symbols: ['RIO'] } }, OPTIONS);
    expect(rio).toMatchObject({ rowCount: 0, completeness: { status: 'unverifiable' } });
  });

  it('judges bars by the trades that they are made of', async () => {
    const lake = await lakeOf(3);
    // A gap can be committed without a row of its table: where the tick that showed it was refused.
    await lake.commit({ gaps: [gapRecord({ fromTimeUs: 2_000, toTimeUs: 3_000 })] });
    const request = { filter: BHP, asOf: { kind: 'latest' as const }, intervalUs: 60_000_000, limit: 10 };
    expect((await lake.answers.bars(request, OPTIONS)).completeness.status).toBe('gaps');
  });

  it('streams all rows, newest first where asked', async () => {
    const lake = await lakeOf(5);
    const stream = await lake.answers.stream(
      { ...ALL, order: 'newest-first', fields: ['source_sequence'], limit: 3 },
      OPTIONS,
    );
    const rows = await answerRows(stream.answer);
    expect(rows.map((row) => row['source_sequence'])).toEqual([5, 4, 3]);
  });
});

describe('a page after a cursor', () => {
  const planned = (lake: Lake) => {
    const requests: unknown[] = [];
    const { store } = lake;
    const plan = store.plan.bind(store);
    store.plan = (request) => {
      if (request.table === 'market_data.trades') requests.push([request.fromUs, request.toUs]);
      return plan(request);
    };
    return requests;
  };

  it.each(['oldest-first', 'newest-first'] as const)('of ticks plans only files from there on, %s', async (order) => {
    const lake = await lakeOf(20);
    const asked = { ...ALL, order, filter: { ...BHP, fromUs: 0, toUs: 30_000 } };
    const cursor = (await lake.answers.page(asked, OPTIONS)).nextCursor!;
    const requests = planned(lake);
    await lake.answers.page({ ...asked, cursor }, OPTIONS);
    expect(requests[0]).toEqual(order === 'oldest-first' ? [7_000, 30_000] : [0, 14_001]);
  });

  it('of bars reads from the start of its last bar on, and the pages joined are the whole', async () => {
    const lake = await lakeOf(20);
    const bars = { filter: BHP, asOf: { kind: 'latest' as const }, intervalUs: 3_000, limit: 2 };
    const whole = rowsOf(await lake.answers.barsPage({ ...bars, limit: 100 }, OPTIONS));
    const requests = planned(lake);
    const joined: unknown[] = [];
    for (let cursor: string | null | undefined; cursor !== null;) {
      const page = await lake.answers.barsPage({ ...bars, ...(cursor !== undefined && { cursor }) }, OPTIONS);
      joined.push(...rowsOf(page));
      cursor = page.nextCursor;
    }
    expect(joined).toEqual(whole);
    expect(whole.map((bar) => bar['bar_start'])).toEqual([0, 3_000, 6_000, 9_000, 12_000, 15_000, 18_000]);
    expect(requests).toEqual([undefined, 3_000, 9_000, 15_000].map((fromUs) => [fromUs, undefined]));
  });

  it('of bars is refused to another question, and as a cursor of ticks', async () => {
    const lake = await lakeOf(20);
    const bars = { filter: BHP, asOf: { kind: 'latest' as const }, intervalUs: 3_000, limit: 2 };
    const cursor = (await lake.answers.barsPage(bars, OPTIONS)).nextCursor!;
    const refusal = { name: 'CursorError' };
    for (const other of [{ intervalUs: 6_000 }, { filter: { exchange: 'ASX' } }])
      await expect(lake.answers.barsPage({ ...bars, ...other, cursor }, OPTIONS)).rejects.toMatchObject(refusal);
    await expect(lake.answers.page({ ...ALL, cursor }, OPTIONS)).rejects.toMatchObject(refusal);
    const ofTicks = (await lake.answers.page(ALL, OPTIONS)).nextCursor!;
    await expect(lake.answers.barsPage({ ...bars, cursor: ofTicks }, OPTIONS)).rejects.toMatchObject(refusal);
  });
});

describe('a cursor of an instant that is no longer kept', () => {
  it('is refused, and told from a cursor that is none', async () => {
    const lake = await lakeOf(5);
    const { nextCursor } = await lake.answers.page({ ...ALL, limit: 2 }, OPTIONS);
    const bars = { filter: BHP, asOf: { kind: 'latest' as const }, intervalUs: 1_000, limit: 2 };
    const { nextCursor: nextBars } = await lake.answers.barsPage(bars, OPTIONS);
    lake.store.plan = () => Promise.reject(new PortError('unknown-snapshot', 'it is no longer kept'));
    const refusal = { name: 'CursorExpiredError', message: expect.stringContaining('2026-01-01T00:00:01') };
    await expect(lake.answers.page({ ...ALL, limit: 2, cursor: nextCursor! }, OPTIONS)).rejects.toMatchObject(refusal);
    await expect(lake.answers.barsPage({ ...bars, cursor: nextBars! }, OPTIONS)).rejects.toMatchObject(refusal);
    await expect(lake.answers.bars(bars, OPTIONS)).rejects.toMatchObject({ kind: 'unknown-snapshot' });
  });
});

describe('a cursor of another question', () => {
  it('is refused, whatever differs; the number of rows, the fields and the order of symbols may', async () => {
    const lake = await lakeOf(20);
    const asked = { ...ALL, limit: 2, filter: { ...BHP, symbols: ['BHP', 'RIO'], fromUs: 0, toUs: 1e15 } };
    const cursor = (await lake.answers.page(asked, OPTIONS)).nextCursor!;
    const others: TicksRequest[] = [
      { ...asked, recordType: 'quotes' },
      { ...asked, order: 'newest-first' },
      ...[{ exchange: 'XASX' }, { symbols: ['BHP'] }, { fromUs: 1 }, { toUs: 1e15 + 1 }].map((changed) => ({
        ...asked,
        filter: { ...asked.filter, ...changed },
      })),
    ];
    for (const other of others) {
      await expect(lake.answers.page({ ...other, cursor }, OPTIONS)).rejects.toMatchObject({ name: 'CursorError' });
    }
    const same = { ...asked, limit: 3, fields: ['price'], filter: { ...asked.filter, symbols: ['RIO', 'BHP'] } };
    expect((await lake.answers.page({ ...same, cursor }, OPTIONS)).rowCount).toBe(3);
  });
});

describe('answers over many files', () => {
  it.each(['oldest-first', 'newest-first'] as const)(
    'are in order and whole, %s, however the files overlap',
    async (order) => {
      const lake = await Lake.create();
      const expected: number[] = [];
      for (let commit = 0; commit < 30; commit++) {
        const first = 1 + commit * 10;
        // Every third file reaches into the ones after it.
        const startUs = first * 1_000 + (commit % 3 === 0 ? 15_000 : 0);
        await lake.commit({ ticks: [placed(tradeBatch({ firstSequence: first, count: 10, startUs }))] });
        expected.push(...Array.from({ length: 10 }, (_, i) => startUs + i * 1_000));
      }
      expected.sort((a, b) => (order === 'oldest-first' ? a - b : b - a));
      for (const limit of [1, 10, 11, 77, 1_000]) {
        const { answer } = await lake.answers.stream({ ...ALL, order, limit }, OPTIONS);
        expect((await answerRows(answer)).map((row) => row['timestamp'])).toEqual(expected.slice(0, limit));
      }
    },
  );
});

describe('cursors', () => {
  it('are URL-safe text that reads back exactly', () => {
    const cursor = {
      asOfUs: 1_767_225_600_000_001,
      after: {
        eventTimeUs: 1_394_398_634_754_001,
        exchange: 'ASX',
        symbol: series({ symbol: '€/%"' }).symbol,
        session: '',
        venueSequence: Number.MAX_SAFE_INTEGER,
      },
    };
    expect(printCursor(cursor, 'question')).toMatch(/^[\w-]+$/);
    expect(parseCursor(printCursor(cursor, 'question'), 'question')).toEqual(cursor);
  });

  it.each(['', 'x', 'ff', '5b5d', '7b7d', '5b312c322c332c342c352c365d', '"'.repeat(500)])('refuse %j', (text) => {
    expect(() => parseCursor(text, 'question')).toThrow(expect.objectContaining({ name: 'CursorError' }));
  });
});
