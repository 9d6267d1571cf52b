import { describe, expect, it } from '@jest/globals';
import { isPortError } from '@k2/ports';
import { parseSimulatorSpec, simulatorConfig } from './options.ts';

describe('parseSimulatorSpec', () => {
  it('has a default for every key', () => {
    expect(parseSimulatorSpec('simulator')).toEqual(simulatorConfig());
    expect(parseSimulatorSpec('simulator:')).toMatchObject({
      rate: 1_000,
      ticks: 'endless',
      start: 'now',
      session: '',
    });
  });

  it('reads numbers, words, times and labels', () => {
    const spec =
      'simulator:seed=7,rate=max,ticks=1e6,gaps=0.001,start=2014-03-10T00:00:00Z,session=A-1,resetMode=labelled';
    expect(parseSimulatorSpec(spec)).toMatchObject({
      seed: 7,
      rate: 'max',
      ticks: 1_000_000,
      gaps: 0.001,
      start: 1_394_409_600_000_000,
      session: 'A-1',
    });
  });

  it.each([
    ['simulator:rate=0', 'rate is 0: expected a number from 1 to 10000000 (ticks/s), or max'],
    ['simulator:rate=fast', 'rate is "fast": expected a number from 1 to 10000000 (ticks/s), or max'],
    ['simulator:rows=65537', 'rows is 65537: expected a whole number from 1 to 65536 (rows)'],
    ['simulator:seed=', 'seed is "": expected a whole number'],
    ['simulator:instruments=2.5', 'instruments is 2.5: expected a whole number from 1'],
    ['simulator:start=2014-02-31', 'start is "2014-02-31": expected'],
    ['simulator:gaps=0.9', 'gaps is 0.9: expected a number from 0 to 0.5'],
    ['simulator:gap=0.1', '"gap" is no key of it: expected one of badPrices,'],
    ['simulator:seed=1,seed=2', 'seed is "2": expected the key once'],
    ['simulator:seed', 'feed is "seed": expected key=value'],
    ['simulated', 'feed is "simulated": expected simulator'],
    ['simulator:resetMode=loud', 'resetMode is "loud": expected labelled or unlabelled'],
    ['simulator:resetMode=unlabelled,session=A', 'session is "A": expected no label'],
    ['simulator:resetMode=unlabelled,rollover=60', 'rollover is 60: expected 0'],
    ['simulator:__proto__=1', '"__proto__" is no key of it'],
  ])('refuses %s', (spec, message) => {
    const error = caught(() => parseSimulatorSpec(spec));
    expect(isPortError(error, 'misconfigured')).toBe(true);
    expect(String(error)).toContain(message);
  });
});

function caught(call: () => unknown): unknown {
  try {
    return call();
  } catch (error) {
    return error;
  }
}
