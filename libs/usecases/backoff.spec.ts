import { Backoff } from './backoff.ts';

const LIMITS = { retryDelayMs: 100, retryDelayMsMax: 1_000 };
const delays = (backoff: Backoff, count: number) => Array.from({ length: count }, () => backoff.delayMs());

describe('Backoff', () => {
  it('doubles up to the maximum, and begins anew after a success', () => {
    const backoff = new Backoff({ next: () => 0 }, LIMITS);
    expect(delays(backoff, 6)).toEqual([100, 200, 400, 800, 1_000, 1_000]);
    backoff.reset();
    expect(delays(backoff, 2)).toEqual([100, 200]);
  });

  it('backoff.jitter: leaves out up to half of a wait, by chance', () => {
    const chances = [0.999, 0.5, 0];
    expect(delays(new Backoff({ next: () => chances.shift()! }, LIMITS), 3)).toEqual([51, 150, 400]);
  });
});
