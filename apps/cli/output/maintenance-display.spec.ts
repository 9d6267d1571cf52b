import { describe, expect, it } from '@jest/globals';
import type { MaintenanceRunProgress } from '@k2/usecases';
import { TextSink } from '../testing/fake-context.ts';
import { MaintenanceDisplay } from './maintenance-display.ts';
import { Output } from './output.ts';

const PROGRESS: MaintenanceRunProgress = {
  stepsDone: 6,
  stepsTotal: 25,
  step: {
    task: 'compact',
    table: 'market_data.trades',
    progress: { doneFiles: 12, totalFiles: 1_400, doneBytes: 1_048_576, totalBytes: 3 * 1_048_576 },
  },
};

describe('progress of maintenance', () => {
  it('is a line every two seconds where there is no terminal', () => {
    const sink = new TextSink();
    let nowUs = 0;
    const display = new MaintenanceDisplay(new Output(sink), { monotonicUs: () => nowUs });
    display.update(PROGRESS);
    nowUs = 2_000_000;
    display.update(PROGRESS);
    display.update(PROGRESS);
    display.update({ stepsDone: 25, stepsTotal: 25, step: null });
    display.clear();
    expect(sink.text).toBe('step 7 of 25: compact market_data.trades, 12 of 1,400 files, 1.0 of 3.0 MiB\n');
  });
});
