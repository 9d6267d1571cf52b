import { describe, expect, it } from '@jest/globals';
import { failuresText, kindOf } from './failures.ts';
import type { WorldResult } from './seeds-worker.ts';

const result = (seed: number, ...violations: string[]): WorldResult => ({
  seed,
  world: 'sink',
  violations,
  drawn: 'crashes, resets',
  steps: 1,
  lastedMs: 1,
  hash: 'h',
  lines: null,
});

describe('what the simulation says of failures', () => {
  it('shows one whole, with the line that replays it', () => {
    expect(failuresText([result(7, 'a', 'b', 'c', 'd')], ' --only resets')).toBe(
      'seed 7 of the sink world (crashes, resets):\n  a\n  b\n  c\n  and 1 more\n' +
        'replay: npm run sim -- --seed 7 --world sink --only resets --trace\n',
    );
  });

  it('shows the first of many whole, in the order of the seeds, and all by kind', () => {
    const twice = (seed: number) => result(seed, `trades/ASX/S${seed}/reset-3/${seed} is stored twice`);
    const text = failuresText([twice(9), twice(2), result(4, 'a feed has not sent everything'), twice(1)], '');
    expect(text.match(/^seed \d+/gm)).toEqual(['seed 1', 'seed 2', 'seed 4']);
    expect(text).toContain('4 seeds have violations, by the first of each:\n');
    expect(text).toContain('  sink: a tick is stored twice: seed 1, 2, 9\n');
    expect(text).toContain('  sink: a feed has not sent everything: seed 4\n');
  });

  it.each([
    ['trades/ASX/S1/s0/12 is in the gap ledger and in its table', 'a tick is in the gap ledger and in its table'],
    ['market.equities.quotes.asx/0 is at 5, and a commit went from 4', 'a partition is at n, and a commit went from n'],
    ['the world broke: Error: no\n    at line 5', 'the world broke: Error: no'],
  ])('takes %s for the kind %s', (violation, kind) => expect(kindOf(violation)).toBe(kind));
});
