import { expect, it } from '@jest/globals';
import { gapRows } from './gap-rows.ts';

it('what is missing is what is open less what came late', () => {
  const entry = (status: string, from: number, to: number) => ({
    ...{ exchange: 'SIM', symbol: 'A', session: 's', status, sequence_from: from, sequence_to: to },
    ...{ timestamp_from: 0, timestamp_to: 1_000, detected_timestamp: 2_000, platform_sequence: 1 },
  });
  expect(gapRows('trades', [entry('open', 5, 9), entry('filled', 6, 7)])).toEqual([
    {
      ...{ record_type: 'trades', exchange: 'SIM', symbol: 'A', session: 's' },
      ...{ sequence_from: 5, sequence_to: 5, missing_ticks: 1 },
      ...{ timestamp_from: '1970-01-01T00:00:00.000Z', timestamp_to: '1970-01-01T00:00:00.001Z' },
    },
    expect.objectContaining({ sequence_from: 8, sequence_to: 9, missing_ticks: 2 }),
  ]);
});
