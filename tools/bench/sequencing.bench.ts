import { sequenceBatch, type SeriesState } from '@k2/domain/sequencing';
import { median, report, seconds } from './figure.ts';
import { placedCopies, rowsOf, tape } from './tape.ts';

const batches = await tape(2_000_000);
const placed = placedCopies(batches);
const rows = rowsOf(batches);

const elapsed = await median(7, () => {
  const states = new Map<string, SeriesState>();
  return seconds(() => {
    for (const batch of placed) {
      for (const [key, state] of sequenceBatch(batch, states).states) states.set(key, state);
    }
  });
});
report({ name: 'sequencing_ticks_per_s', value: rows / elapsed, unit: 'ticks/s', count: rows, note: 'one core' });
