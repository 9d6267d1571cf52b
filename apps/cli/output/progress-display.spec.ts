import { expect, it } from '@jest/globals';
import { TextSink } from '../testing/fake-context.ts';
import { Output } from './output.ts';
import { ProgressDisplay } from './progress-display.ts';

it('without a terminal progress is a line every two seconds', () => {
  const sink = new TextSink();
  let nowUs = 0;
  const display = new ProgressDisplay(new Output(sink), { monotonicUs: () => nowUs });
  for (let second = 1; second <= 5; second++) {
    nowUs = second * 1_000_000;
    display.update({ doneBytes: second * 1_048_576, totalBytes: 10 * 1_048_576, rows: second * 1_000 });
  }
  display.stop();
  expect(sink.text).toBe(
    '20 %  2.0 of 10.0 MiB  2,000 rows  1,000 rows/s\n40 %  4.0 of 10.0 MiB  4,000 rows  1,000 rows/s\n',
  );
});

it('a load that waits for another says so once, and its rate is of the time since', () => {
  const sink = new TextSink();
  let nowUs = 0;
  const display = new ProgressDisplay(new Output(sink), { monotonicUs: () => nowUs });
  const nothing = { doneBytes: 0, totalBytes: 0, rows: 0 };
  for (; nowUs <= 100_000_000; nowUs += 5_000_000) display.update({ ...nothing, ahead: 'asx:/others' });
  nowUs = 102_000_000;
  display.update({ doneBytes: 1_048_576, totalBytes: 2_097_152, rows: 2_000 });
  display.stop();
  expect(sink.text).toBe(
    'waiting for another load to end: asx:/others\n50 %  1.0 of 2.0 MiB  2,000 rows  1,000 rows/s\n',
  );
});
