import { RECORD_SCHEMAS, type TableName } from '@k2/domain/market';
import { ManualClock, ManualScheduler } from './manual-time.ts';
import { cellAt, type CellValue } from './memory-column-values.ts';
import { MemoryTelemetry } from './memory-telemetry.ts';
import { MemoryTickLog } from './memory-tick-log.ts';
import { MemoryTickStore } from './memory-tick-store.ts';
import { SeededRandom } from './seeded-random.ts';

const START_US = 1_767_225_600_000_000;

/** Ports for a simulated world: everything in memory, chance by the seed, and time that passes when it is told to. */
export async function memoryWorld(seed: number) {
  const clock = new ManualClock(START_US);
  const scheduler = new ManualScheduler(clock);
  const random = new SeededRandom(seed, clock);
  const store = new MemoryTickStore({ clock, random });
  await store.ensureTables(RECORD_SCHEMAS);
  return {
    createLog: (bytesMax: number) => new MemoryTickLog({ clock, scheduler, random, bytesMax }),
    store,
    clock,
    random,
    scheduler,
    telemetry: new MemoryTelemetry({ linesMax: 1 }),
    advance: (ms: number) => scheduler.advance(ms),
    rows: (table: TableName) => rowsOf(store, table),
  };
}

/** Every row of a table, by record field names. */
async function rowsOf(store: MemoryTickStore, table: TableName): Promise<Readonly<Record<string, CellValue>>[]> {
  const plan = await store.plan({ table, asOf: { kind: 'latest' } });
  return store
    .filesOf(plan)
    .flatMap((file) =>
      Array.from({ length: file.rowCount }, (_, row) =>
        Object.fromEntries(plan.fields.map((field) => [field.name, cellAt(file, field, row)])),
      ),
    );
}
