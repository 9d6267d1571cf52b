import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { US_PER_DAY } from '@k2/domain/market';
import type { Question, ScanPlan } from '@k2/ports';
import { DAY_START_US, placed, plannedRows, tradeBatch } from '@k2/testing/builders';
import { answerRows } from '@k2/testing/contracts';
import { service } from '@k2/testing/services';
import { trinoQuery } from '../testbed/sql/trino-client.ts';
import { TrinoLake } from './test-support/trino-lake.ts';

const ASK = { timeoutMs: 30_000 };
const TICKS: Extract<Question, { kind: 'ticks' }> = {
  kind: 'ticks',
  recordType: 'trades',
  filter: {},
  order: 'oldest-first',
  limit: 100_000,
};

describe('TrinoQueryEngine on a lake of K2’s', () => {
  let lake: TrinoLake;
  beforeAll(async () => {
    lake = await TrinoLake.create();
  }, 60_000);
  afterAll(() => (lake as TrinoLake | undefined)?.close());

  const sequences = async (plan: ScanPlan) =>
    (await answerRows(await lake.engine.ask({ ...TICKS, fields: ['source_sequence'] }, [plan], ASK))).map((row) =>
      Number(row['source_sequence']),
    );
  const tradesOf = (plans: readonly ScanPlan[]) => plans.find(({ table }) => table === 'market_data.trades')!;

  it('reads the planned files and none between them, however many', async () => {
    // A file a day. Trino's plans show more than 32 paths as a range: it must not read them as one.
    const days = Array.from({ length: 80 }, (_, day) => ({
      eventTimeUs: DAY_START_US + day * US_PER_DAY,
      venueSequence: day,
    }));
    const plan = tradesOf(await lake.load(plannedRows({ ticks: [placed(tradeBatch({ rows: days }))] })));
    expect(plan.files).toHaveLength(80);
    const byTime = plan.files.toSorted((a, b) => a.timeSpan!.minUs - b.timeSpan!.minUs);
    const everySecond = byTime.filter((_, i) => i % 2 === 1);
    expect(await sequences({ ...plan, files: everySecond })).toEqual(
      days.map(({ venueSequence }) => venueSequence).filter((sequence) => sequence % 2 === 1),
    );
  });

  it('reads a plan with its columns, whatever they are called before and after', async () => {
    await lake.load(plannedRows({ ticks: [placed(tradeBatch({ count: 2 }))] }));
    const before = tradesOf(await lake.plans());
    const count = (await sequences(before)).length;
    const first = async (plan: ScanPlan) => {
      const rows = await answerRows(await lake.engine.ask(TICKS, [plan], ASK));
      expect(rows).toHaveLength(count);
      return rows[0];
    };
    const added = { kind: 'add', name: 'note', type: 'string' } as const;
    await lake.store.evolve('market_data.trades', [{ kind: 'rename', name: 'side', to: 'aggressor' }, added]);
    // Its snapshot is the same, and in Trino's eyes has the columns of before.
    const after = await lake.store.plan({ table: 'market_data.trades', asOf: { kind: 'latest' } });
    expect(after.snapshotId).toBe(before.snapshotId);
    expect(await first(after)).toMatchObject({ aggressor: 'BUY', note: null });
    expect(await first(before)).toMatchObject({ side: 'BUY' });
    await lake.store.evolve('market_data.trades', [{ kind: 'rename', name: 'aggressor', to: 'side' }]);
    await lake.load(plannedRows({ ticks: [placed(tradeBatch({ count: 3, firstSequence: 1_000 }))] }));
    expect(await sequences(tradesOf(await lake.plans()))).toHaveLength(count + 3);
    expect(await first(before)).not.toHaveProperty('note');
  });

  it('ends the statement at the server where its reader stops', async () => {
    const rows = plannedRows({ ticks: [placed(tradeBatch({ count: 60_000 }))] });
    const plan = tradesOf(await lake.load(rows));
    const { batches } = await lake.engine.ask(TICKS, [plan], ASK);
    for await (const _batch of batches) break;
    const ended = `SELECT error_code FROM system.runtime.queries
      WHERE source = 'k2' AND query LIKE '%"${lake.name}"%' AND state = 'FAILED'`;
    const running = `SELECT count(*) FROM system.runtime.queries
      WHERE source = 'k2' AND query LIKE '%"${lake.name}"%' AND state NOT IN ('FAILED', 'FINISHED')`;
    const { url } = service('trino');
    for (let asked = 0; asked < 100 && (await trinoQuery(url, running)).rows[0][0] !== 0; asked++);
    expect((await trinoQuery(url, ended)).rows).toEqual([['USER_CANCELED']]);
  });
});
