import { describe, expect, it } from '@jest/globals';
import { seriesName, type TickBatch } from '@k2/domain/market';
import fc from 'fast-check';
import { simulatorConfig, type SimulatorConfig } from './options.ts';
import { Simulation } from './simulation.ts';
import { SIMULATED_VENUES } from './universe.ts';

const START_US = 1_767_600_000_000_000;
const FAULTS = { gaps: 0.01, duplicates: 0.01, late: 0.01, lateMs: 20, reorder: 0.01, crossed: 0.01, badPrices: 0.01 };

describe('the tape', () => {
  it('is the same bit by bit for the same configuration', () => {
    const config = { ticks: 20_000, instruments: 30, ...FAULTS, resets: 0.0005 };
    const [one, two] = [run(config), run(config)];
    expect(two.batches).toEqual(one.batches);
    expect(two.ledger.faults).toEqual(one.ledger.faults);
    expect(two.ledger.series()).toEqual(one.ledger.series());
  });

  it('is the same ticks however the calls are cut', () => {
    const config = { ticks: 5_000, instruments: 10, ...FAULTS, resets: 0.001 };
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 700 }), (slice) => {
        expect(ticksOf(run(config, slice))).toEqual(ticksOf(run(config)));
      }),
      { numRuns: 10 },
    );
  });

  it('is another one for another seed', () => {
    expect(ticksOf(run({ ticks: 1_000, seed: 2 }))).not.toEqual(ticksOf(run({ ticks: 1_000, seed: 1 })));
  });

  it('has exactly as many distinct ticks as were asked for', () => {
    const tape = run({ ticks: 12_345, instruments: 20, ...FAULTS });
    const identities = ticksOf(tape).map(({ identity }) => identity);
    expect(new Set(identities).size).toBe(12_345);
    expect(tape.ledger).toMatchObject({ distinctTicks: 12_345, sentTicks: identities.length });
  });

  it('has positive prices on the tick grid and two to five quotes a trade', () => {
    const tape = run({ ticks: 50_000, instruments: 20, venues: 2 });
    const trades = ticksOf(tape).filter(({ recordType }) => recordType === 'trades');
    const grids = new Map(
      SIMULATED_VENUES.map(({ exchange, tickSizes }) => [exchange, BigInt(Math.min(...tickSizes))]),
    );
    for (const { price, exchange } of trades) expect(price > 0n && price % grids.get(exchange)! === 0n).toBe(true);
    const quotesPerTrade = (50_000 - trades.length) / trades.length;
    expect(quotesPerTrade).toBeGreaterThan(2);
    expect(quotesPerTrade).toBeLessThan(5);
  });

  it('has a few busy instruments and many quiet ones', () => {
    const counts = run({ ticks: 50_000 })
      .ledger.series()
      .map(({ distinctTicks }) => distinctTicks)
      .sort((a, b) => b - a);
    expect(counts[0]).toBeGreaterThan(20 * counts[Math.floor(counts.length / 2)]);
  });

  it('opens with an auction trade of every instrument and closes with one', () => {
    const trades = ticksOf(run({ ticks: 5_000, instruments: 10, venues: 1 })).filter(
      (tick) => tick.recordType === 'trades',
    );
    expect(trades.filter(({ conditions }) => conditions === 'AUCTION_OPEN').length).toBe(10);
    expect(trades.slice(-10).map(({ conditions }) => conditions)).toEqual(Array(10).fill('AUCTION_CLOSE'));
  });

  it('rolls over into new sessions whose numbers start from 1', () => {
    const tape = run({ ticks: 30_000, instruments: 5, step: 1_000, rollover: 10, session: 'S' });
    expect(new Set(tape.ledger.series().map(({ session }) => session))).toEqual(new Set(['S', 'S-1', 'S-2']));
    expect(tape.ledger.faults).toEqual([]);
    expect(findings(tape).gaps).toEqual([]);
  });
});

describe('faults', () => {
  it('without any, every series is complete and in order', () => {
    const { gaps, duplicates, disordered } = findings(run({ ticks: 30_000, instruments: 20 }));
    expect({ gaps, duplicates, disordered }).toEqual({ gaps: [], duplicates: [], disordered: [] });
  });

  it('the ledger names exactly what a reader of the tape finds', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1_000_000 }), (seed) => {
        const tape = run({ ticks: 20_000, instruments: 20, seed, ...FAULTS, resets: 0.0005 });
        const found = findings(tape);
        const named = (...kinds: string[]) =>
          tape.ledger.faults
            .flatMap((fault) => (fault.fault !== 'reset' && kinds.includes(fault.fault) ? numbersOf(fault) : []))
            .sort();
        expect(found.gaps).toEqual(named('gap'));
        expect(found.duplicates).toEqual(named('duplicate'));
        expect(found.disordered).toEqual(named('late', 'out-of-order'));
        expect(found.crossed).toEqual(named('crossed-quote'));
        expect(found.badPrices).toEqual(named('bad-price'));
        for (const kind of [
          'gap',
          'duplicate',
          'late',
          'out-of-order',
          'crossed-quote',
          'bad-price',
          'reset',
        ] as const) {
          expect(tape.ledger.count(kind)).toBeGreaterThan(0);
        }
      }),
      { numRuns: 10 },
    );
  });

  it('the ledger knows the last number of every series and how many ticks it has', () => {
    const tape = run({ ticks: 20_000, instruments: 20, ...FAULTS, resets: 0.0005 });
    const seen = new Map<string, Set<number>>();
    for (const { series, sequence } of ticksOf(tape)) seen.set(series, (seen.get(series) ?? new Set()).add(sequence));
    const expected = [...seen].map(([series, sequences]) => [series, sequences.size]).sort();
    expect(
      tape.ledger
        .series()
        .map((entry) => [`${entry.recordType} ${seriesName(entry)}`, entry.distinctTicks])
        .sort(),
    ).toEqual(expected);
    for (const entry of tape.ledger.series()) {
      expect(entry.lastSequence).toBeGreaterThanOrEqual(
        Math.max(...seen.get(`${entry.recordType} ${seriesName(entry)}`)!),
      );
    }
  });

  it('a late tick comes the configured time after its own, unless its venue restarts first', () => {
    const late = run({ ticks: 50_000, instruments: 5, late: 0.01, lateMs: 100 }).ledger.faults;
    expect(late.length).toBeGreaterThan(0);
    for (const fault of late) {
      expect(fault.fault).toBe('late');
      if (fault.fault !== 'reset') expect(fault.sentTimeUs - fault.eventTimeUs).toBeGreaterThanOrEqual(100_000);
    }
  });

  it.each([1, 4])('an unlabelled restart of %d venues counts from 1 again after at least 60 s of quiet', (venues) => {
    const tape = run({ ticks: 40_000, venues, instruments: 5, step: 2_000, resets: 0.0002, resetMode: 'unlabelled' });
    expect(tape.ledger.count('reset')).toBeGreaterThan(0);
    const restartsSeen = new Set<string>();
    const previous = new Map<string, Tick>();
    for (const tick of ticksOf(tape)) {
      const before = previous.get(tick.series);
      expect(tick.series.endsWith('/')).toBe(true);
      if (before !== undefined && tick.sequence <= before.sequence) {
        expect(tick.sequence).toBe(1);
        expect(tick.eventTimeUs - before.eventTimeUs).toBeGreaterThanOrEqual(60_000_000);
        restartsSeen.add(tick.series);
      }
      previous.set(tick.series, tick);
    }
    expect(restartsSeen.size).toBeGreaterThan(0);
  });
});

interface Tape {
  readonly batches: readonly TickBatch[];
  readonly ledger: Simulation['ledger'];
}

function run(given: Partial<SimulatorConfig>, slice = 10_000): Tape {
  const simulation = new Simulation(simulatorConfig({ rate: 'max', rows: 500, ...given }), START_US);
  const batches: TickBatch[] = [];
  while (!simulation.isDone) {
    simulation.advance(Number.POSITIVE_INFINITY, slice, null);
    batches.push(...simulation.takeBatches());
  }
  simulation.finish();
  batches.push(...simulation.takeBatches());
  return { batches, ledger: simulation.ledger };
}

type Tick = ReturnType<typeof ticksOf>[number];

function ticksOf({ batches }: Pick<Tape, 'batches'>) {
  return batches.flatMap((batch) =>
    Array.from(batch.venueSequence, (sequence, row) => {
      const series = batch.series[batch.seriesCode[row]]!;
      const name = `${batch.recordType} ${seriesName(series)}`;
      const isTrade = batch.recordType === 'trades';
      return {
        recordType: batch.recordType,
        exchange: series.exchange,
        series: name,
        sequence,
        identity: `${name} ${sequence}`,
        eventTimeUs: batch.eventTimeUs[row],
        price: isTrade ? batch.price[row] : batch.bidPrice[row],
        isCrossed: !isTrade && batch.bidPrice[row] > batch.askPrice[row],
        conditions: isTrade ? batch.conditions[batch.conditionsCode[row]]!.join() : '',
      };
    }),
  );
}

/** What a reader sees who knows only the numbers: names of ticks `record type series sequence`, sorted. */
function findings(tape: Tape) {
  const highest = new Map<string, number>();
  const seen = new Set<string>();
  const found = { gaps: [] as string[], duplicates: [] as string[], disordered: [] as string[] };
  const ticks = ticksOf(tape);
  for (const { series, sequence, identity } of ticks) {
    if (seen.has(identity)) found.duplicates.push(identity);
    else if (sequence < (highest.get(series) ?? 0)) found.disordered.push(identity);
    seen.add(identity);
    highest.set(series, Math.max(highest.get(series) ?? 0, sequence));
  }
  for (const [series, last] of highest) {
    for (let sequence = 1; sequence < last; sequence++) {
      if (!seen.has(`${series} ${sequence}`)) found.gaps.push(`${series} ${sequence}`);
    }
  }
  const first = ticks.filter(({ identity }) => seen.delete(identity));
  return {
    gaps: found.gaps.sort(),
    duplicates: found.duplicates.sort(),
    disordered: found.disordered.sort(),
    crossed: first
      .filter(({ isCrossed }) => isCrossed)
      .map(({ identity }) => identity)
      .sort(),
    badPrices: first
      .filter((tick) => tick.recordType === 'trades' && tick.price <= 0n)
      .map(({ identity }) => identity)
      .sort(),
  };
}

function numbersOf(fault: {
  recordType: string;
  exchange: string;
  symbol: string;
  session: string;
  sequenceFrom: number;
  sequenceTo: number;
}) {
  const count = fault.sequenceTo - fault.sequenceFrom + 1;
  return Array.from({ length: count }, (_, i) => `${fault.recordType} ${seriesName(fault)} ${fault.sequenceFrom + i}`);
}
