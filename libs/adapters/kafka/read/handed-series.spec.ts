import { expect, it } from '@jest/globals';
import type { LogRecord } from '@k2/ports';
import { series, tradeBatch } from '@k2/testing/builders';
import { SeriesByNumber, SeriesNumbers } from './handed-series.ts';

const recordOf = (symbols: readonly string[]): LogRecord => ({
  topicPartition: { topic: 't', partition: 0 },
  offset: 0,
  nextOffset: 1,
  rowOffsets: null,
  appendedUs: 1,
  payload: {
    kind: 'ticks',
    batch: tradeBatch({ rows: symbols.map((symbol, i) => ({ series: series({ symbol }), venueSequence: i + 1 })) }),
  },
  sizeBytes: 1,
});

it('hands every series over once, and gives records back as they were', () => {
  const numbers = new SeriesNumbers();
  const names = new SeriesByNumber();
  const records = [recordOf(['A', 'B']), recordOf(['B', 'C', 'A']), recordOf(['C'])];
  const added: number[] = [];
  const back = records.map((record) => {
    const numbered = structuredClone(numbers.numbered(record));
    const handed = numbers.handOver();
    added.push(handed.added.length);
    names.take(handed);
    return names.named(numbered);
  });
  expect(added).toEqual([2, 1, 0]);
  expect(back).toEqual(records);
});

it('forgets all series at its bound, on both sides', () => {
  const numbers = new SeriesNumbers();
  const names = new SeriesByNumber();
  for (let i = 0; i < 33; i++) {
    numbers.forgetIfFull();
    const record = recordOf(Array.from({ length: 2_000 }, (_, k) => `S${i}-${k}`));
    const numbered = numbers.numbered(record);
    const handed = numbers.handOver();
    names.take(handed);
    expect(names.named(numbered)).toEqual(record);
  }
  expect(numbers.handOver().isReset).toBe(false);
  numbers.forgetIfFull();
  expect(numbers.handOver().isReset).toBe(true);
});
