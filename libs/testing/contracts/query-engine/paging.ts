import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { TickPosition } from '@k2/ports';
import { arbitrarySeries, arbitraryTimeUs, placed, plannedRows, tradeBatch, type Row } from '../../builders/index.ts';
import { answerRows } from '../answer-rows.ts';
import { inTickOrder, ticks, withMessageId, type Asker } from '../query-engine.contract.ts';

export function pagingContract(asker: Asker): void {
  describe('paging', () => {
    it('covers all rows exactly once in order, in either direction', async () => {
      await fc.assert(
        fc.asyncProperty(distinctTrades(), fc.integer({ min: 1, max: 7 }), async (rows, limit) => {
          const batch = placed(tradeBatch({ rows }));
          const expected = inTickOrder(withMessageId(batch)).map((row) => row['message_id']);
          const plans = plannedRows({ ticks: [batch] });
          expect(await paged(asker, plans, 'oldest-first', limit)).toEqual(expected);
          expect(await paged(asker, plans, 'newest-first', limit)).toEqual(expected.toReversed());
        }),
        { numRuns: 15 },
      );
    }, 300_000);
  });
}

/** Many ticks at few times, in several series, none at the same position. */
function distinctTrades() {
  const time = fc.oneof(fc.constantFrom(1_394_409_600_000_000, 1_394_409_600_000_001), arbitraryTimeUs(2));
  const trade = fc.record({
    series: arbitrarySeries(),
    eventTimeUs: time,
    venueSequence: fc.integer({ min: 0, max: 20 }),
  });
  return fc.uniqueArray(trade, {
    minLength: 1,
    maxLength: 25,
    selector: ({ series: { exchange, symbol, session }, venueSequence }) =>
      JSON.stringify([exchange, symbol, session, venueSequence]),
  });
}

async function paged(
  asker: Asker,
  rows: ReturnType<typeof plannedRows>,
  order: 'oldest-first' | 'newest-first',
  limit: number,
): Promise<unknown[]> {
  const plans = await asker.plansFor(rows);
  const ids: unknown[] = [];
  let after: TickPosition | null = null;
  for (;;) {
    const page: readonly Row[] = await answered(
      asker,
      ticks('trades', { order, limit, ...(after === null ? {} : { after }) }),
      plans,
    );
    ids.push(...page.map((row) => row['message_id']));
    if (page.length < limit) return ids;
    after = positionOf(page[page.length - 1]);
  }
}

async function answered(
  asker: Asker,
  question: ReturnType<typeof ticks>,
  plans: Awaited<ReturnType<Asker['plansFor']>>,
): Promise<Row[]> {
  return answerRows(await asker.engine().ask(question, plans, { timeoutMs: 30_000 }));
}

function positionOf(row: Row): TickPosition {
  return {
    eventTimeUs: Number(row['timestamp']),
    exchange: String(row['exchange']),
    symbol: String(row['symbol']),
    session: String(row['session']),
    venueSequence: Number(row['source_sequence']),
  };
}
