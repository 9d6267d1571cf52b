import { openLake } from './lake.ts';
import { median, report, secondsOf } from './figure.ts';
import { placedCopies, rowsOf, tape } from './tape.ts';
import { scratchDirectory } from './scratch.ts';

const trades = (await tape(3_000_000)).filter((batch) => batch.recordType === 'trades').slice(0, 200);
const rows = rowsOf(trades);
const lake = await openLake(scratchDirectory());

const cpuUs: number[] = [];
const elapsed = await median(5, async () => {
  const ticks = placedCopies(trades);
  const before = process.cpuUsage();
  const taken = await secondsOf(async () => {
    await lake.store.discard(await lake.store.stage({ ticks, gaps: [], sessions: [], quarantine: [] }));
  });
  const { user, system } = process.cpuUsage(before);
  cpuUs.push(user + system);
  return taken;
});
const cpuSeconds = cpuUs.slice(1).toSorted((a, b) => a - b)[Math.floor((cpuUs.length - 1) / 2)] / 1e6;
const note = 'all 15 columns, grouped, sorted, zstd, fsync';
report({ name: 'columns_to_parquet_rows_per_s', value: rows / elapsed, unit: 'rows/s', count: rows, note });
report({
  name: 'columns_to_parquet_rows_per_cpu_s',
  value: rows / cpuSeconds,
  unit: 'rows/s',
  count: rows,
  note: 'per second of one core',
});
await lake.close();
