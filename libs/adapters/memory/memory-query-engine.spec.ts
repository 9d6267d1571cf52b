import { describe, expect, it } from '@jest/globals';
import { parseDecimal, printDecimal, RECORD_SCHEMAS, type TableName, type TickBatch } from '@k2/domain/market';
import type { AskOptions, PlannedRows, Question, TickFilter } from '@k2/ports';
import {
  arbitraryTradeBatch,
  AWKWARD_SYMBOLS,
  byTickOrder,
  DAY_START_US,
  gapRecord,
  placed,
  plannedRows,
  positionOf,
  quarantineRecord,
  quoteBatch,
  series,
  sessionRecord,
  tickRows,
  tradeBatch,
  type Row,
} from '@k2/testing/builders';
import { answerRows } from '@k2/testing/contracts';
import fc from 'fast-check';
import { ManualClock } from './manual-time.ts';
import { MemoryQueryEngine } from './memory-query-engine.ts';
import { MemoryTickStore } from './memory-tick-store.ts';
import { SeededRandom } from './seeded-random.ts';

const TRADES = 'market_data.trades';
const DAY_US = 86_400_000_000;
const ALL = { filter: {}, limit: 1_000_000 } as const;
const TICKS = { kind: 'ticks', recordType: 'trades', order: 'oldest-first', ...ALL } as const;

describe('ticks', () => {
  it('come in order of time, exchange, symbol, session and sequence, filtered, for any ticks and filters', async () => {
    const batches = fc.array(arbitraryTradeBatch(15), { minLength: 1, maxLength: 3 });
    const filters = fc.record(
      {
        exchange: fc.constantFrom('ASX', 'BINANCE'),
        symbols: fc.subarray([...AWKWARD_SYMBOLS], { minLength: 3 }),
        fromUs: fc.constantFrom(DAY_START_US, DAY_START_US + DAY_US),
        toUs: fc.constantFrom(DAY_START_US + DAY_US + 1, DAY_START_US + 3 * DAY_US),
      },
      { requiredKeys: [] },
    );
    await fc.assert(
      fc.asyncProperty(batches, filters, async (all, filter) => {
        const bench = await open();
        const rows = all.flatMap((batch, offset) => tickRows(placed(batch, offset)));
        await bench.commit(all.map((batch) => structuredClone(batch)));
        const expected = rows.filter((row) => matches(row, filter)).sort(byTickOrder);
        expect(positions(await bench.ask({ ...TICKS, filter }))).toEqual(positions(expected));
        expect(positions(await bench.ask({ ...TICKS, filter, order: 'newest-first' }))).toEqual(
          positions(expected).reverse(),
        );
      }),
      { numRuns: 50 },
    );
  });

  it('come in pages that make up the whole, in both orders', async () => {
    const bench = await open();
    const ofSeries = ['A', 'B'].flatMap((symbol) => [series({ symbol }), series({ symbol, session: 'next' })]);
    const rows = Array.from({ length: 40 }, (_, row) => ({
      series: ofSeries[row % 4],
      eventTimeUs: DAY_START_US + Math.floor(row / 8),
      venueSequence: row,
    }));
    await bench.commit([tradeBatch({ rows: rows.slice(0, 20) }), tradeBatch({ rows: rows.slice(20) })]);
    for (const order of ['oldest-first', 'newest-first'] as const) {
      const whole = await bench.ask({ ...TICKS, order });
      const paged: Row[] = [];
      for (let page = whole.slice(0, 0); ;) {
        const after = page.length === 0 ? {} : { after: positionOf(page.at(-1)!) };
        page = await bench.ask({ ...TICKS, order, limit: 7, ...after });
        if (page.length === 0) break;
        paged.push(...page);
      }
      expect(paged).toEqual(whole);
      expect(whole).toHaveLength(40);
    }
  });

  it('have the fields asked for, in that order, or all and their message_id', async () => {
    const bench = await open();
    await bench.commit([tradeBatch({ count: 1, series: { symbol: 'A/B' } })]);
    const { columns } = await bench.answer({ ...TICKS, fields: ['price', 'message_id', 'timestamp'] });
    expect(columns).toEqual([
      { name: 'price', type: 'decimal', scale: 8 },
      { name: 'message_id', type: 'string' },
      { name: 'timestamp', type: 'timestamp' },
    ]);
    const [row] = await bench.ask(TICKS);
    expect(row).toEqual({
      message_id: 'ASX/A%2FB/2014-03-10/1',
      ...tickRows(placed(tradeBatch({ count: 1, series: { symbol: 'A/B' } })))[0],
    });
    await expect(bench.ask({ ...TICKS, fields: ['cost'] })).rejects.toMatchObject({
      kind: 'invalid-query',
      context: { field: 'cost' },
    });
  });

  it('more than one batch of an answer holds', async () => {
    const bench = await open();
    await bench.commit([tradeBatch({ count: 20_000 })]);
    const sequences = (await bench.ask({ ...TICKS, fields: ['source_sequence'] })).map((row) => row['source_sequence']);
    expect(sequences).toEqual(Array.from({ length: 20_000 }, (_, row) => row + 1));
  });
});

describe('bars', () => {
  it('open with the first trade of their window in tick order, and close with the last, whatever order they were committed in', async () => {
    const bench = await open();
    const trade = (us: number, price: string, quantity: string, venueSequence: number) => ({
      eventTimeUs: DAY_START_US + us,
      price: parseDecimal(price),
      quantity: parseDecimal(quantity),
      venueSequence,
    });
    await bench.commit([
      tradeBatch({ rows: [trade(999, '9', '1', 4), trade(1_000, '5', '1', 5)] }),
      tradeBatch({ rows: [trade(0, '7', '1', 2), trade(0, '10', '2', 1), trade(500, '-1', '1', 3)] }),
    ]);
    const common = { exchange: 'ASX', symbol: 'BHP' };
    expect(await bench.ask({ kind: 'bars', intervalUs: 1_000, ...ALL })).toEqual([
      // (10 × 2 + 7 − 1 + 9) ÷ 5
      {
        ...common,
        bar_start: DAY_START_US,
        open: '10',
        high: '10',
        low: '-1',
        close: '9',
        volume: '5',
        vwap: '7',
        trade_count: 4,
      },
      {
        ...common,
        bar_start: DAY_START_US + 1_000,
        open: '5',
        high: '5',
        low: '5',
        close: '5',
        volume: '1',
        vwap: '5',
        trade_count: 1,
      },
    ]);
  });

  it('sum exactly where decimals would overflow 64 bits, and round the vwap half to even', async () => {
    const bench = await open();
    const max = 999_999_999_999_999_999n;
    const rows = [
      { price: max, quantity: max },
      { price: max, quantity: max },
    ];
    await bench.commit([
      tradeBatch({ rows }),
      tradeBatch({
        series: { symbol: 'EVEN' },
        rows: [
          { price: 1n, quantity: 1n },
          { price: 2n, quantity: 1n },
        ],
      }),
    ]);
    const [big, even] = await bench.ask({ kind: 'bars', intervalUs: DAY_US, ...ALL });
    expect(big).toMatchObject({ vwap: printDecimal(max), volume: printDecimal(2n * max) });
    expect(even).toMatchObject({ vwap: printDecimal(2n) });
  });

  it('whose volume is beyond int64 say it as text, exactly', async () => {
    const bench = await open();
    const max = 999_999_999_999_999_999n;
    await bench.commit([tradeBatch({ rows: Array.from({ length: 10 }, () => ({ price: max, quantity: max })) })]);
    const [bar] = await bench.ask({ kind: 'bars', intervalUs: DAY_US, ...ALL });
    expect(bar).toMatchObject({ volume: '99999999999.9999999', vwap: printDecimal(max), trade_count: 10 });
  });

  it('of a window that begins before 1970 are aligned downwards, and one of nothing has no vwap', async () => {
    const bench = await open();
    await bench.commit([tradeBatch({ rows: [{ eventTimeUs: -1, quantity: 0n }] })]);
    expect(await bench.ask({ kind: 'bars', intervalUs: 1_000, ...ALL })).toMatchObject([
      { bar_start: -1_000, vwap: null, volume: '0' },
    ]);
  });
});

describe('symbols and audit rows', () => {
  it('symbols are counted for each record type planned', async () => {
    const bench = await open();
    await bench.commit([
      tradeBatch({ count: 3 }),
      tradeBatch({ count: 2, firstSequence: 4, startUs: DAY_START_US - 5_000 }),
      quoteBatch({ count: 1 }),
    ]);
    const common = { exchange: 'ASX', symbol: 'BHP', asset_class: 'equities', currency: 'AUD' };
    const quotes = { tick_count: 1, first_timestamp: DAY_START_US, last_timestamp: DAY_START_US };
    const trades = { tick_count: 5, first_timestamp: DAY_START_US - 5_000, last_timestamp: DAY_START_US + 2_000 };
    expect(await bench.ask({ kind: 'symbols', ...ALL }, [TRADES, 'market_data.quotes'])).toEqual([
      { ...common, record_type: 'quotes', ...quotes },
      { ...common, record_type: 'trades', ...trades },
    ]);
    expect(await bench.ask({ kind: 'symbols', ...ALL }, [TRADES])).toHaveLength(1);
  });

  it('gaps match by record type, instrument and the times that they span', async () => {
    const bench = await open();
    const gap = gapRecord();
    await bench.commit([], { gaps: [gap, gapRecord({ recordType: 'quotes' }), gapRecord({ symbol: 'CBA' })] });
    const found = (filter: Extract<Question, { kind: 'audit' }>['filter']) =>
      bench.ask({ kind: 'audit', filter, limit: 10 }, ['audit.sequence_gaps']);
    expect(await found({ recordType: 'trades', symbols: ['BHP'] })).toHaveLength(1);
    expect(await found({ fromUs: gap.toTimeUs })).toHaveLength(3);
    expect(await found({ fromUs: gap.toTimeUs + 1 })).toEqual([]);
    expect(await found({ toUs: gap.fromTimeUs })).toEqual([]);
  });

  it('quarantined rows have no symbols to ask for', async () => {
    const { ask } = await open();
    const question = { kind: 'audit', filter: { symbols: ['BHP'] }, limit: 10 } as const;
    await expect(ask(question, ['audit.quarantine'])).rejects.toMatchObject({ kind: 'invalid-query' });
  });

  it('rows of sessions and of the quarantine come with all their fields', async () => {
    const bench = await open();
    const entry = quarantineRecord({ raw: Uint8Array.of(0, 255) });
    await bench.commit([], { sessions: [sessionRecord()], quarantine: [entry] });
    const [session] = await bench.ask({ kind: 'audit', ...ALL }, ['audit.sessions']);
    expect(session).toMatchObject({
      symbol: 'BHP',
      first_sequence: 1,
      timestamp: DAY_START_US,
      opened_by: 'first-tick',
    });
    const [refused] = await bench.ask({ kind: 'audit', ...ALL }, ['audit.quarantine']);
    expect(refused).toMatchObject({ reason: entry.reason, raw: entry.raw, position: 12 });
  });
});

describe('an engine', () => {
  it('refuses SQL and exports, saying which engine has them', async () => {
    const { engine, ask } = await open();
    const forbidden = { kind: 'unsupported', message: expect.stringContaining('DuckDB') };
    await expect(ask({ kind: 'sql', sql: 'SELECT 1', limit: 1 })).rejects.toMatchObject(forbidden);
    await expect(engine.exportParquet()).rejects.toMatchObject(forbidden);
  });

  it('stops at the deadline, also between batches', async () => {
    const { engine, store, commit, clock } = await open();
    await commit([tradeBatch({ count: 20_000 })]);
    const plans = [await store.plan({ table: TRADES, asOf: { kind: 'latest' } })];
    const { batches } = await engine.ask(TICKS, plans, { timeoutMs: 5 });
    const pulled = batches[Symbol.asyncIterator]();
    await pulled.next();
    clock.advanceUs(5_001);
    await expect(pulled.next()).rejects.toMatchObject({ kind: 'timeout', context: { timeoutMs: 5 } });
  });

  it('stops when its caller cancels', async () => {
    const { engine, store, commit } = await open();
    await commit([tradeBatch({ count: 20_000 })]);
    const plans = [await store.plan({ table: TRADES, asOf: { kind: 'latest' } })];
    const cancelled = { kind: 'cancelled' };
    await expect(engine.ask(TICKS, plans, { timeoutMs: 5, signal: AbortSignal.abort() })).rejects.toMatchObject(
      cancelled,
    );
    const controller = new AbortController();
    const { batches } = await engine.ask(TICKS, plans, { timeoutMs: 5, signal: controller.signal });
    const pulled = batches[Symbol.asyncIterator]();
    await pulled.next();
    controller.abort();
    await expect(pulled.next()).rejects.toMatchObject(cancelled);
  });

  it('refuses what is beyond its bound of questions at once, and answers again after', async () => {
    const { store } = await open();
    const engine = new MemoryQueryEngine({ store, clock: new ManualClock(), asksMax: 2 });
    const plans = [await store.plan({ table: TRADES, asOf: { kind: 'latest' } })];
    const outcomes = await Promise.allSettled([1, 2, 3].map(() => engine.ask(TICKS, plans, { timeoutMs: 1_000 })));
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected']);
    expect(outcomes[2]).toMatchObject({ reason: { kind: 'overloaded', retryable: true, context: { asksMax: 2 } } });
    await engine.ask(TICKS, plans, { timeoutMs: 1_000 });
  });

  it('answers from the planned snapshot, with its names, while the table goes on', async () => {
    const { engine, store, commit } = await open();
    await commit([tradeBatch({ count: 2 })]);
    const plan = await store.plan({ table: TRADES, asOf: { kind: 'latest' } });
    await commit([tradeBatch({ count: 5, firstSequence: 10 })]);
    await store.evolve(TRADES, [{ kind: 'rename', name: 'price', to: 'trade_price' }]);
    const rows = await answerRows(await engine.ask({ ...TICKS, fields: ['price'] }, [plan], { timeoutMs: 1_000 }));
    expect(rows).toEqual([{ price: '36' }, { price: '36.01' }]);
  });

  it('says that a question needs a plan, a whole limit, and an open engine', async () => {
    const { engine, ask } = await open();
    await expect(ask(TICKS, ['market_data.quotes'])).rejects.toMatchObject({
      kind: 'invalid-query',
      context: { needed: TRADES },
    });
    await expect(ask({ ...TICKS, limit: 1.5 })).rejects.toMatchObject({ kind: 'invalid-query' });
    await engine.close();
    await expect(ask(TICKS)).rejects.toMatchObject({ kind: 'unavailable' });
  });
});

async function open() {
  const clock = new ManualClock();
  const store = new MemoryTickStore({ clock, random: new SeededRandom(1) });
  const engine = new MemoryQueryEngine({ store, clock });
  await store.ensureTables(RECORD_SCHEMAS);
  const topic = { topic: 't', partition: 0, topicId: 'id' };
  let [claim] = await store.claim('writer', [topic]);
  const commit = async (batches: readonly TickBatch[], audit: Partial<PlannedRows> = {}) => {
    const ticks = batches.map((batch, offset) => placed(batch, claim.nextOffset + offset));
    const staged = await store.stage(plannedRows({ ticks, ...audit }));
    const partitions = [{ claim, nextOffset: claim.nextOffset + batches.length }];
    [claim] = (await store.commit(staged, { partitions, state: new Map() })).claims;
  };
  const answer = async (
    question: Question,
    tables: readonly TableName[] = [TRADES],
    options: AskOptions = { timeoutMs: 1_000 },
  ) => {
    const plans = await Promise.all(tables.map((table) => store.plan({ table, asOf: { kind: 'latest' } })));
    return engine.ask(question, plans, options);
  };
  const ask = async (question: Question, tables?: readonly TableName[]) => answerRows(await answer(question, tables));
  return { clock, store, engine, commit, answer, ask };
}

function matches(row: Row, { exchange, symbols, fromUs = -Infinity, toUs = Infinity }: TickFilter): boolean {
  const { exchange: ofExchange, symbol, timestamp } = row;
  const time = Number(timestamp);
  return (
    (exchange ?? ofExchange) === ofExchange &&
    (symbols ?? [symbol]).includes(String(symbol)) &&
    time >= fromUs &&
    time < toUs
  );
}

const positions = (rows: readonly Row[]) => rows.map(positionOf);
