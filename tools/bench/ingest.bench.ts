import { RecordFeed } from '@k2/usecases';
import { openBench } from './lake.ts';
import { report, secondsOf } from './figure.ts';
import { scratchDirectory } from './scratch.ts';
import { tapeFeed } from './tape.ts';

const WARM_UP_TICKS = 300_000;
const TICKS = 6_000_000;
const endless = new AbortController().signal;

const log = await openBench(`${scratchDirectory()}/acknowledged`, 'none', 'api');
await new RecordFeed(tapeFeed(WARM_UP_TICKS, { session: 'warm-up' }), log.platform.ports).run(endless);
const acknowledging = await secondsOf(() =>
  new RecordFeed(tapeFeed(TICKS, { rows: 65_536 }), log.platform.ports).run(endless),
);
report({
  name: 'feed_to_acknowledged_ticks_per_s',
  value: TICKS / acknowledging,
  unit: 'ticks/s',
  count: TICKS,
  note: 'simulated, coded, durable in the SQLite log',
});
await log.close();

const whole = await openBench(`${scratchDirectory()}/committed`, 'none', 'sink');
whole.platform.start();
await whole.platform.load(tapeFeed(WARM_UP_TICKS, { session: 'warm-up' }), endless);
const committing = await secondsOf(() => whole.platform.load(tapeFeed(TICKS, { rows: 65_536 }), endless));
report({
  name: 'feed_to_committed_rows_per_s',
  value: TICKS / committing,
  unit: 'rows/s',
  count: TICKS,
  note: 'simulated, coded, durable in the log, read, sequenced, sorted, Parquet, committed; one process',
});
await whole.close();
