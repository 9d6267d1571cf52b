import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { messageId, recordSchema, type PlacedBatch } from '@k2/domain/market';
import type { Answer, AskOptions, PlannedRows, QueryEngine, Question, ScanPlan } from '@k2/ports';
import {
  FAR_OFFSETS,
  gapRecord,
  gapRow,
  quarantineRecord,
  quarantineRow,
  sessionRecord,
  sessionRow,
  tickRows,
  type Row,
} from '../builders/index.ts';
import { placed, plannedRows, tradeBatch, quoteBatch, series, DAY_START_US } from '../builders/index.ts';
import { answerRows } from './answer-rows.ts';
import { barsContract } from './query-engine/bars.ts';
import { exportsContract } from './query-engine/exports.ts';
import { filterContract } from './query-engine/filters.ts';
import { pagingContract } from './query-engine/paging.ts';
import { sqlContract } from './query-engine/sql.ts';

export interface QueryEngineFixture {
  readonly engine: QueryEngine;
  /** Loads the rows and plans a full scan of each of the five tables; loads do not see each other. */
  plansFor(rows: PlannedRows): Promise<readonly ScanPlan[]>;
  close(): Promise<void>;
}

export interface QueryEngineContractOptions {
  create(): Promise<QueryEngineFixture>;
  readonly capabilities: {
    /** Answers questions of kind `sql`; one that does not rejects them as `unsupported`. */
    readonly sql: boolean;
    /** Writes answers as local Parquet files; one that does not rejects that as `unsupported`. */
    readonly exports: boolean;
  };
}

export const ASK: AskOptions = { timeoutMs: 30_000 };

/**
 * What every QueryEngine does. Shapes that the port leaves to it, and that all engines share:
 * - ticks: `fields` in the order asked; where absent, the plan's fields in their order, then `message_id`. No field, or
 *   an unknown one, is `invalid-query`.
 * - bars: exchange, symbol, bar_start, open, high, low, close, volume, trade_count, vwap (volume-weighted mean, half to
 *   even at the eighth digit, null where the volume is 0); by bar_start, exchange, symbol. Open and close are the first and
 *   last trade in the order of ticks.
 * - symbols: exchange, symbol, asset_class, currency, record_type, tick_count, first_timestamp, last_timestamp; one row per
 *   distinct first five, in the order of these.
 * - audit: the plan's fields; exactly one audit table is planned. Gaps by timestamp_from, exchange, symbol, session,
 *   record_type, sequence_from, sequence_to, platform_sequence; sessions by timestamp, exchange, symbol, session,
 *   record_type, platform_sequence; quarantine by ingestion_timestamp, exchange, source, position, quarantine_id,
 *   platform_sequence. The filter's time is a gap's closed span [timestamp_from, timestamp_to] (any overlap), a session's
 *   `timestamp`, a refusal's `ingestion_timestamp`. `symbols` over quarantine, which has none, is `invalid-query`.
 * - Strings are ordered by their UTF-8 bytes. A question whose table is not among the plans is `invalid-query`.
 * - A decimal or integer column whose batch holds values beyond int64 carries plain decimal text (`utf8`) instead.
 */
export function queryEngineContract(name: string, { create, capabilities }: QueryEngineContractOptions): void {
  describe(`QueryEngine: ${name}`, () => {
    let fixture: QueryEngineFixture;
    beforeAll(async () => {
      fixture = await create();
    }, 60_000);
    // Absent where it could not be made: that is the failure to report.
    afterAll(() => (fixture as QueryEngineFixture | undefined)?.close());

    const asker: Asker = {
      ask: async (question, rows, options = ASK) => fixture.engine.ask(question, await fixture.plansFor(rows), options),
      rows: async (question, rows) => answerRows(await asker.ask(question, rows)),
      engine: () => fixture.engine,
      plansFor: (rows) => fixture.plansFor(rows),
    };

    describe('ticks', () => {
      it('answers every field of trades and quotes exactly, with message_id', async () => {
        const trades = placed(
          tradeBatch({
            rows: [
              {
                price: 999_999_999_999_999_999n,
                quantity: -1n,
                conditions: ['XT', 'é "/'],
                vendorData: { a: '1', 'b/%': 'é' },
              },
              {
                price: 1n,
                tradeId: null,
                venueSequence: Number.MAX_SAFE_INTEGER,
                vendorData: null,
                series: series({ symbol: "O'Neil/€%", session: '' }),
              },
              { aggressorSide: 'UNKNOWN', conditions: [], vendorData: {}, eventTimeUs: DAY_START_US + 1_001 },
            ],
          }),
          7,
        );
        const quotes = placed(quoteBatch({ rows: [{ bidPrice: -5n, askQuantity: 0n }, { quoteId: null }] }), 9);
        const rows = plannedRows({ ticks: [trades, quotes] });
        expect(await asker.rows(ticks('trades'), rows)).toEqual(inTickOrder(withMessageId(trades)));
        expect(await asker.rows(ticks('quotes'), rows)).toEqual(inTickOrder(withMessageId(quotes)));
      });

      it('answers positions in the log exactly, beyond 2^53 too', async () => {
        const far = FAR_OFFSETS.map((offset, at) => placed(tradeBatch({ firstSequence: 1 + 3 * at }), offset));
        const found = await asker.rows(ticks('trades', { fields: ['platform_sequence'] }), plannedRows({ ticks: far }));
        const all = FAR_OFFSETS.flatMap((offset) => [0, 1, 2].map((index) => BigInt(offset) * 65_536n + BigInt(index)));
        const positions = found.map((row) => row['platform_sequence'] as number | bigint);
        expect(positions.map((one) => typeof one === 'bigint' || Number.isSafeInteger(one))).not.toContain(false);
        expect(new Set(positions.map(BigInt))).toEqual(new Set(all));
        expect(positions).toHaveLength(all.length);
      });

      it('answers the fields asked for, in the order asked', async () => {
        const rows = plannedRows({ ticks: [placed(tradeBatch({ count: 1 }))] });
        const answer = await asker.ask(ticks('trades', { fields: ['price', 'message_id', 'symbol'] }), rows);
        expect(answer.columns).toEqual([
          { name: 'price', type: 'decimal', scale: 8 },
          { name: 'message_id', type: 'string' },
          { name: 'symbol', type: 'string' },
        ]);
        expect(await answerRows(answer)).toEqual([{ price: '36', message_id: 'ASX/BHP/2014-03-10/1', symbol: 'BHP' }]);
      });

      it('refuses no field and an unknown field', async () => {
        for (const fields of [[], ['price', 'nonsense'], ['price; DROP TABLE trades']]) {
          await expect(asker.rows(ticks('trades', { fields }), plannedRows())).rejects.toMatchObject({
            kind: 'invalid-query',
          });
        }
      });

      it('answers an empty plan with columns and no rows', async () => {
        const answer = await asker.ask(ticks('trades'), plannedRows());
        expect(answer.columns.map(({ name, type }) => [name, type])).toEqual([
          ...recordSchema('market_data.trades').fields.map((field) => [
            field.name,
            field.type === 'long' ? 'integer' : field.type,
          ]),
          ['message_id', 'string'],
        ]);
        expect(await answerRows(answer)).toEqual([]);
      });

      it('refuses a question whose table is not planned', async () => {
        await expect(fixture.engine.ask(ticks('trades'), [], ASK)).rejects.toMatchObject({ kind: 'invalid-query' });
      });
    });

    filterContract(asker);
    pagingContract(asker);
    barsContract(asker);

    describe('symbols', () => {
      it('counts each instrument by record type, with its first and last time', async () => {
        const other = series({ exchange: 'X', symbol: 'é', assetClass: 'crypto', currency: 'USDT' });
        const rows = plannedRows({
          ticks: [
            placed(tradeBatch({ count: 3 })),
            placed(tradeBatch({ count: 2, firstSequence: 4, startUs: DAY_START_US - 1 })),
            placed(tradeBatch({ rows: [{ series: other }] })),
            placed(quoteBatch({ count: 1 })),
          ],
        });
        const bhp = { exchange: 'ASX', symbol: 'BHP', asset_class: 'equities', currency: 'AUD' };
        expect(await asker.rows({ kind: 'symbols', filter: {}, limit: 10 }, rows)).toEqual([
          { ...bhp, record_type: 'quotes', tick_count: 1, first_timestamp: DAY_START_US, last_timestamp: DAY_START_US },
          {
            ...bhp,
            record_type: 'trades',
            tick_count: 5,
            first_timestamp: DAY_START_US - 1,
            last_timestamp: DAY_START_US + 2_000,
          },
          {
            exchange: 'X',
            symbol: 'é',
            asset_class: 'crypto',
            currency: 'USDT',
            record_type: 'trades',
            tick_count: 1,
            first_timestamp: DAY_START_US,
            last_timestamp: DAY_START_US,
          },
        ]);
        expect(await asker.rows({ kind: 'symbols', filter: { exchange: 'X' }, limit: 10 }, rows)).toHaveLength(1);
        expect(await asker.rows({ kind: 'symbols', filter: {}, limit: 2 }, rows)).toHaveLength(2);
      });
    });

    describe('audit', () => {
      const gaps = [
        gapRecord(),
        gapRecord({ status: 'filled', sequenceFrom: 5, sequenceTo: 5, platformSequence: 5n }),
        gapRecord({ recordType: 'quotes', symbol: 'RIO', fromTimeUs: DAY_START_US }),
      ];
      const sessions = [
        sessionRecord(),
        sessionRecord({ symbol: 'RIO', eventTimeUs: DAY_START_US - 5, openedBy: 'reset' }),
      ];
      const quarantine = [
        quarantineRecord(),
        quarantineRecord({
          quarantineId: 'q-2',
          recordType: 'unknown',
          raw: Uint8Array.of(0, 255, 39, 10),
          receiveTimeUs: DAY_START_US,
        }),
      ];
      const rows = plannedRows({ gaps, sessions, quarantine });
      const audit = async (table: string, filter: Extract<Question, { kind: 'audit' }>['filter'] = {}, limit = 100) => {
        const plans = (await fixture.plansFor(rows)).filter((plan) => plan.table === table);
        return answerRows(await fixture.engine.ask({ kind: 'audit', filter, limit }, plans, ASK));
      };

      it('answers the rows of each table, in order', async () => {
        expect(await audit('audit.sequence_gaps')).toEqual([gapRow(gaps[2]), gapRow(gaps[0]), gapRow(gaps[1])]);
        expect(await audit('audit.sessions')).toEqual([sessionRow(sessions[0]), sessionRow(sessions[1])]);
        expect(await audit('audit.quarantine')).toEqual([quarantineRow(quarantine[1]), quarantineRow(quarantine[0])]);
        expect(await audit('audit.sessions', {}, 1)).toHaveLength(1);
      });

      it('orders by positions in the log, and answers them exactly, beyond 2^53 too', async () => {
        const far = [2n ** 63n - 1n, 2n ** 53n + 1n, 2n ** 53n, 5n];
        const of = plannedRows({ gaps: far.map((position) => gapRecord({ platformSequence: position })) });
        const question = { kind: 'audit', filter: {}, limit: 10 } as const;
        const plans = (await fixture.plansFor(of)).filter(({ table }) => table === 'audit.sequence_gaps');
        const found = await answerRows(await fixture.engine.ask(question, plans, ASK));
        expect(found.map((row) => BigInt(row['platform_sequence'] as number | bigint))).toEqual(far.toReversed());
      });

      it('filters by exchange, symbol and record type', async () => {
        expect(await audit('audit.sequence_gaps', { symbols: ['RIO'] })).toEqual([gapRow(gaps[2])]);
        expect(await audit('audit.sequence_gaps', { recordType: 'trades' })).toHaveLength(2);
        expect(await audit('audit.sessions', { exchange: 'NONE' })).toEqual([]);
        expect(await audit('audit.quarantine', { recordType: 'trades' })).toEqual([quarantineRow(quarantine[0])]);
        await expect(audit('audit.quarantine', { symbols: ['BHP'] })).rejects.toMatchObject({ kind: 'invalid-query' });
      });

      it('answers the ledger series by series, each sorted by number, whatever its times and commits', async () => {
        const of = (symbol: string, session: string, sequenceFrom: number, fromUs: number) =>
          gapRecord({ symbol, session, sequenceFrom, sequenceTo: sequenceFrom, fromTimeUs: DAY_START_US + fromUs });
        const sorted = [of('BHP', 'a', 9, 5), of('BHP', 'b', 2, 9), of('BHP', 'b', 10, 1), of('é', 'a', 1, 0)];
        const plans = await fixture.plansFor(plannedRows({ gaps: [2, 0, 3, 1].map((at) => sorted[at]) }));
        const planned = plans.filter((plan) => plan.table === 'audit.sequence_gaps');
        const answer = await fixture.engine.ask({ kind: 'audit', filter: {}, limit: 100 }, planned, ASK);
        expect(await answerRows(answer)).toEqual(sorted.map(gapRow));
      });

      describe('finds a gap by any overlap of its span with the times asked for', () => {
        const at = DAY_START_US;
        const symbolsOf: [string, number, number][] = [
          ['LONG', 1_000, 5_000],
          ['INSTANT', 3_000, 3_000],
        ];
        const spans = plannedRows({
          gaps: symbolsOf.map(([symbol, fromUs, toUs]) =>
            gapRecord({ symbol, fromTimeUs: at + fromUs, toTimeUs: at + toUs }),
          ),
        });

        it.each([
          ['starts before and ends after them', { fromUs: at + 2_000, toUs: at + 2_500 }, ['LONG']],
          ['starts before and ends within them', { fromUs: at + 4_000, toUs: at + 9_000 }, ['LONG']],
          ['starts within and ends after them', { fromUs: at, toUs: at + 2_000 }, ['LONG']],
          ['lies within them', { fromUs: at, toUs: at + 9_000 }, ['INSTANT', 'LONG']],
          ['ends where they begin', { fromUs: at + 5_000, toUs: at + 9_000 }, ['LONG']],
          ['ends just before they begin: not found', { fromUs: at + 5_001, toUs: at + 9_000 }, []],
          ['starts where they end: not found', { fromUs: at, toUs: at + 1_000 }, []],
          ['starts just before they end', { fromUs: at, toUs: at + 1_001 }, ['LONG']],
          ['is an instant at which they begin', { fromUs: at + 3_000, toUs: at + 3_001 }, ['INSTANT', 'LONG']],
          ['is an instant at which they end: not found', { fromUs: at + 2_999, toUs: at + 3_000 }, ['LONG']],
          ['meets times without an end', { fromUs: at + 3_001 }, ['LONG']],
          ['meets times without a beginning', { toUs: at + 3_000 }, ['LONG']],
        ])('one that %s', async (_, times, symbols) => {
          const plans = await fixture.plansFor(spans);
          const planned = plans.filter((plan) => plan.table === 'audit.sequence_gaps');
          const answer = await fixture.engine.ask({ kind: 'audit', filter: times, limit: 100 }, planned, ASK);
          expect((await answerRows(answer)).map((row) => row['symbol'])).toEqual(symbols);
        });
      });

      it('refuses a question over two audit tables', async () => {
        const plans = await fixture.plansFor(rows);
        await expect(fixture.engine.ask({ kind: 'audit', filter: {}, limit: 1 }, plans, ASK)).rejects.toMatchObject({
          kind: 'invalid-query',
        });
      });
    });

    sqlContract(asker, capabilities.sql);
    exportsContract(asker, capabilities.exports);

    describe('ends early', () => {
      const rows = plannedRows({
        ticks: [
          placed(tradeBatch({ count: 40_000 })),
          placed(tradeBatch({ count: 40_000, firstSequence: 40_001, startUs: DAY_START_US + 40_000_000 })),
        ],
      });

      it('is free for the next question when a reader stops', async () => {
        const plans = await fixture.plansFor(rows);
        for (let i = 0; i < 5; i++) {
          const answer = await fixture.engine.ask(ticks('trades', { limit: 80_000 }), plans, ASK);
          for await (const batch of answer.batches) {
            expect(batch.rowCount).toBeGreaterThan(0);
            break;
          }
        }
        expect(await answerRows(await fixture.engine.ask(ticks('trades', { limit: 1 }), plans, ASK))).toHaveLength(1);
      });

      it('is free for the next question when an answer is disposed of, read or not', async () => {
        const plans = await fixture.plansFor(rows);
        for (let i = 0; i < 5; i++) {
          const answer = await fixture.engine.ask(ticks('trades', { limit: 80_000 }), plans, ASK);
          await answer[Symbol.asyncDispose]();
          await answer[Symbol.asyncDispose]();
        }
        const answer = await fixture.engine.ask(ticks('trades', { limit: 1 }), plans, ASK);
        expect(await answerRows(answer)).toHaveLength(1);
        await answer[Symbol.asyncDispose]();
      });

      it('counts what was spent before against the deadline', async () => {
        const spent = { timeoutMs: 10_000, spentMs: 10_001 };
        const late = fixture.plansFor(rows).then((plans) => fixture.engine.ask(ticks('trades'), plans, spent));
        await expect(late.then(answerRows)).rejects.toMatchObject({ kind: 'timeout', context: { timeoutMs: 10_000 } });
      });

      it('rejects as cancelled where the caller aborted before', async () => {
        const options = { ...ASK, signal: AbortSignal.abort() };
        await expect(asker.ask(ticks('trades'), plannedRows(), options)).rejects.toMatchObject({ kind: 'cancelled' });
      });

      it('rejects the iteration as cancelled where the caller aborts', async () => {
        const plans = await fixture.plansFor(rows);
        const controller = new AbortController();
        const answer = await fixture.engine.ask(ticks('trades', { limit: 80_000 }), plans, {
          ...ASK,
          signal: controller.signal,
        });
        const iterator = answer.batches[Symbol.asyncIterator]();
        expect((await iterator.next()).done).toBe(false);
        controller.abort();
        await expect(drain(iterator)).rejects.toMatchObject({ kind: 'cancelled' });
      });
    });
  });
}

export interface Asker {
  ask(question: Question, rows: PlannedRows, options?: AskOptions): Promise<Answer>;
  rows(question: Question, rows: PlannedRows): Promise<Row[]>;
  engine(): QueryEngine;
  plansFor(rows: PlannedRows): Promise<readonly ScanPlan[]>;
}

export type TicksQuestion = Extract<Question, { kind: 'ticks' }>;

export function ticks(recordType: 'trades' | 'quotes', changes: Partial<TicksQuestion> = {}): TicksQuestion {
  return { kind: 'ticks', recordType, filter: {}, order: 'oldest-first', limit: 1_000, ...changes };
}

export function withMessageId(batch: PlacedBatch): Row[] {
  return tickRows(batch).map((row) => {
    const { exchange, symbol, session } = row as { exchange: string; symbol: string; session: string };
    return { ...row, message_id: messageId({ exchange, symbol, session }, Number(row['source_sequence'])) };
  });
}

const TICK_ORDER = ['timestamp', 'exchange', 'symbol', 'session', 'source_sequence'];

/** Sorted as the port says, the slow and obvious way. */
export function inTickOrder(rows: readonly Row[]): Row[] {
  return rows.toSorted((a, b) => {
    for (const name of TICK_ORDER) {
      const order = compareValues(a[name], b[name]);
      if (order !== 0) return order;
    }
    return 0;
  });
}

function compareValues(a: unknown, b: unknown): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return Buffer.compare(Buffer.from(String(a)), Buffer.from(String(b)));
}

async function drain(iterator: AsyncIterator<unknown>): Promise<void> {
  for (;;) if ((await iterator.next()).done) return;
}
