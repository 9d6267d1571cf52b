import { describe, expect, it } from '@jest/globals';
import { printDecimal, RECORD_SCHEMAS, type TableName } from '@k2/domain/market';
import type { ScanPlan } from '@k2/ports';
import { placed, plannedRows, tradeBatch } from '@k2/testing/builders';
import { tickStoreContract } from '@k2/testing/contracts';
import { ManualClock } from './manual-time.ts';
import { cellAt } from './memory-column-values.ts';
import { MemoryTickStore } from './memory-tick-store.ts';
import { SeededRandom } from './seeded-random.ts';

/** The clock stands still: times of commits must rise even so. */
const START_US = 1_700_000_000_000_000;

tickStoreContract('memory', {
  create: async () => {
    const store = new MemoryTickStore({ clock: new ManualClock(START_US), random: new SeededRandom(1) });
    return { store, rowsOf: async (plan) => rowsOf(store, plan), close: () => store.close() };
  },
  capabilities: { timeTravel: true, evolution: true, durable: false, pruning: true },
});

describe('MemoryTickStore', () => {
  const open = async (rowsMax: number, tables: readonly TableName[] = ['market_data.trades']) => {
    const store = new MemoryTickStore({ clock: new ManualClock(START_US), random: new SeededRandom(1), rowsMax });
    await store.ensureTables(RECORD_SCHEMAS.filter((schema) => tables.includes(schema.table)));
    return store;
  };
  const rows = (count: number) => plannedRows({ ticks: [placed(tradeBatch({ count }))] });

  it('refuses rows beyond its bound and says which bound', async () => {
    const store = await open(5);
    await store.stage(rows(3));
    await expect(store.stage(rows(3))).rejects.toMatchObject({
      kind: 'unavailable',
      context: { rowsMax: 5, rowsHeld: 3, rowCount: 3 },
    });
    await store.stage(rows(2));
  });

  it('has room again when staged rows are discarded', async () => {
    const store = await open(5);
    await store.discard(await store.stage(rows(5)));
    await expect(store.stage(rows(5))).resolves.toMatchObject({ rowCount: 5 });
  });

  it('answers nothing once closed', async () => {
    const store = await open(5);
    await store.close();
    await expect(store.stats()).rejects.toMatchObject({ kind: 'unavailable' });
  });
});

function rowsOf(store: MemoryTickStore, plan: ScanPlan): Record<string, unknown>[] {
  return store.filesOf(plan).flatMap((file) =>
    Array.from({ length: file.rowCount }, (_, row) =>
      Object.fromEntries(
        plan.fields.map((field) => {
          const value = cellAt(file, field, row);
          return [field.name, field.type === 'decimal' ? printDecimal(value as bigint) : value];
        }),
      ),
    ),
  );
}
