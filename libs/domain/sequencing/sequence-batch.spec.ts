import { describe, expect, it } from '@jest/globals';
import { placed, series, tradeBatch } from '@k2/testing/builders';
import fc from 'fast-check';
import { openGaps } from '../lake/index.ts';
import { selectRows, type Series, type TradeBatch } from '../market/index.ts';
import {
  parseSeriesState,
  printSeriesState,
  sequenceBatch,
  seriesKey,
  seriesKeys,
  SEQUENCING_LIMITS,
  settleGaps,
  VERDICTS,
  type SeriesState,
  type SequencingLimits,
} from './index.ts';

const HOUR_US = 3_600_000_000;

/** Feeds sequences to the sequencer, a batch for each list, settling after each; collects what it says. */
class Tape {
  states = new Map<string, SeriesState>();
  verdicts: string[] = [];
  gaps: ReturnType<typeof sequenceBatch>['gaps'][number][] = [];
  sessions: ReturnType<typeof sequenceBatch>['sessions'][number][] = [];
  labels: string[] = [];
  private offset = 0;
  private readonly of: Series;
  private readonly limits: SequencingLimits;

  constructor(changes: Partial<Series> = {}, limits: Partial<SequencingLimits> = {}) {
    this.of = series(changes);
    this.limits = { ...SEQUENCING_LIMITS, ...limits };
  }

  batch(sequences: readonly number[], startUs = this.offset * 1_000_000, settle = true): this {
    const rows = sequences.map((venueSequence, row) => ({
      venueSequence,
      eventTimeUs: startUs + row,
      receiveTimeUs: startUs + row + 5,
      series: this.of,
    }));
    return this.take(tradeBatch({ rows }), settle);
  }

  take(batch: TradeBatch, settle = true): this {
    const result = sequenceBatch(placed(batch, this.offset++), this.states, this.limits);
    this.verdicts.push(...Array.from(result.verdicts, (verdict) => VERDICTS[verdict]));
    this.labels.push(...Array.from(result.batch.seriesCode, (code) => result.batch.series[code].session));
    this.gaps.push(...result.gaps);
    this.sessions.push(...result.sessions);
    for (const [key, state] of result.states) this.states.set(key, parseSeriesState(printSeriesState(state)));
    if (settle) this.settle();
    return this;
  }

  settle(): void {
    const settled = settleGaps(this.states, () => ({ recordType: 'trades', series: this.of }));
    this.gaps.push(...settled.gaps);
    for (const [key, state] of settled.states) this.states.set(key, state);
  }

  get ranges(): string[] {
    return this.gaps.map(({ status, sequenceFrom, sequenceTo }) => `${status} ${sequenceFrom}-${sequenceTo}`);
  }

  get missing(): number[] {
    return openGaps(this.gaps).flatMap(({ sequenceFrom, sequenceTo }) =>
      Array.from({ length: sequenceTo - sequenceFrom + 1 }, (_, i) => sequenceFrom + i),
    );
  }
}

describe('sequencing', () => {
  it('takes what comes in order, over batches and a printed state', () => {
    const tape = new Tape().batch([1, 2, 3]).batch([4, 5]);
    expect(tape.verdicts).toEqual(Array(5).fill('in-order'));
    expect(tape.gaps).toEqual([]);
    expect(tape.sessions).toMatchObject([{ openedBy: 'first-tick', firstSequence: 1, sequenceOrigin: 'venue' }]);
  });

  it('reports a gap with its range and the times on either side', () => {
    const tape = new Tape().batch([1, 2, 6]);
    expect(tape.gaps).toMatchObject([
      { status: 'open', sequenceFrom: 3, sequenceTo: 5, fromTimeUs: 1, toTimeUs: 2, platformSequence: 2n },
    ]);
  });

  it('reports a gap at the start where the venue numbers from 1, and none where that is unknown', () => {
    expect(new Tape().batch([4]).ranges).toEqual(['open 1-3']);
    expect(new Tape({ firstSequence: null }).batch([4]).ranges).toEqual([]);
  });

  it('recognises duplicates within a batch and over batches', () => {
    const tape = new Tape().batch([1, 2, 2, 3]).batch([1, 3, 4]);
    expect(tape.verdicts).toEqual([
      'in-order',
      'in-order',
      'duplicate',
      'in-order',
      'duplicate',
      'duplicate',
      'in-order',
    ]);
  });

  it('takes a late tick once, and tells what it filled', () => {
    const tape = new Tape().batch([1, 2, 6]).batch([4, 4, 7]).batch([3, 5]);
    expect(tape.verdicts).toEqual([
      ...['in-order', 'in-order', 'in-order'],
      ...['late', 'duplicate', 'in-order'],
      ...['late', 'late'],
    ]);
    expect(tape.ranges).toEqual(['open 3-5', 'filled 4-4', 'filled 3-3', 'filled 5-5']);
    expect(tape.missing).toEqual([]);
  });

  it('joins neighbouring fills into one record', () => {
    expect(new Tape().batch([1, 9]).batch([3, 4, 5, 6]).ranges).toEqual(['open 2-8', 'filled 3-6']);
  });

  it('sees no gap in a swap within the reorder window', () => {
    const tape = new Tape().batch([1, 3, 2, 4]);
    expect(tape.verdicts).toEqual(Array(4).fill('in-order'));
    expect(tape.gaps).toEqual([]);
  });

  it('reports a hole filled beyond the reorder window as a gap that was filled', () => {
    const tape = new Tape({}, { reorderTicksMax: 2 }).batch([1, 3, 4, 5, 2]);
    expect(tape.verdicts.at(-1)).toBe('late');
    expect(tape.ranges).toEqual(['open 2-2', 'filled 2-2']);
  });

  it('never lets the reorder window hide a hole once its rows are visible', () => {
    expect(new Tape().batch([1, 3]).ranges).toEqual(['open 2-2']);
  });

  it('takes what comes from before the first tick seen', () => {
    const tape = new Tape({ firstSequence: null }).batch([10]).batch([7, 7, 9]);
    expect(tape.verdicts).toEqual(['in-order', 'late', 'duplicate', 'in-order']);
    expect(tape.missing).toEqual([8]);
  });

  it('starts anew in a new session, and keeps the old one apart', () => {
    const monday = new Tape({ session: 'mon' }).batch([1, 2, 3]);
    const tuesday = new Tape({ session: 'tue' });
    tuesday.states = monday.states;
    tuesday.batch([1, 2]);
    expect(tuesday.verdicts).toEqual(['in-order', 'in-order']);
    expect(tuesday.sessions).toMatchObject([{ session: 'tue', openedBy: 'first-tick' }]);
  });

  describe('without sessions', () => {
    const venue = { session: '' };

    it('recognises a reset by numbers that restart after a silence, and labels what follows', () => {
      const tape = new Tape(venue)
        .batch([1, 2, 3], 0)
        .batch([1, 2], HOUR_US)
        .batch([3], HOUR_US + 10);
      expect(tape.verdicts).toEqual(Array(6).fill('in-order'));
      expect(tape.labels).toEqual(['', '', '', 'reset-1', 'reset-1', 'reset-1']);
      expect(tape.sessions.map(({ session, openedBy }) => [session, openedBy])).toEqual([
        ['', 'first-tick'],
        ['reset-1', 'reset'],
      ]);
    });

    it('sequencing.reset-start: numbers lost at a reset came after the last tick of the numbering before', () => {
      const tape = new Tape(venue).batch([1, 2, 3], 0).batch([3], HOUR_US);
      expect(tape.gaps).toMatchObject([
        { session: 'reset-1', sequenceFrom: 1, sequenceTo: 2, fromTimeUs: 2, toTimeUs: HOUR_US },
      ]);
    });

    it('recognises a reset in the middle of a batch', () => {
      const rows = [1, 2, 1, 2].map((venueSequence, row) => ({
        venueSequence,
        eventTimeUs: row < 2 ? row : HOUR_US + row,
        series: series(venue),
      }));
      const { batch, counts } = sequenceBatch(placed(tradeBatch({ rows })), new Map());
      expect(counts).toEqual([4, 0, 0, 0]);
      expect(Array.from(batch.seriesCode, (code) => batch.series[code].session)).toEqual([
        '',
        '',
        'reset-1',
        'reset-1',
      ]);
    });

    it('takes a repeated tick for a duplicate, not for a reset', () => {
      expect(new Tape(venue).batch([1, 2, 3], 0).batch([1, 2], 0).verdicts.slice(3)).toEqual([
        'duplicate',
        'duplicate',
      ]);
    });

    it('does not take an old tick into the new numbering, though its number is the next', () => {
      const tape = new Tape(venue)
        .batch([1, 2, 3], 0)
        .batch([1], HOUR_US)
        .batch([2, 3], 1)
        .batch([2, 3], HOUR_US + 5);
      expect(tape.verdicts.slice(4)).toEqual(['refused', 'refused', 'in-order', 'in-order']);
    });

    const YEAR_2100_US = 4_102_444_800_000_000;
    const timed = (venueSequence: number, eventTimeUs: number, receiveTimeUs: number) =>
      tradeBatch({ rows: [{ venueSequence, eventTimeUs, receiveTimeUs, series: series(venue) }] });

    it('sequencing.future-time: recognises a reset after a tick whose time can only be wrong', () => {
      const tape = new Tape(venue)
        .batch([1, 2, 3], 0)
        .take(timed(4, YEAR_2100_US, 10))
        .batch([1, 2], HOUR_US);
      expect(tape.verdicts).toEqual(Array(6).fill('in-order'));
      expect(tape.labels).toEqual(['', '', '', '', 'reset-1', 'reset-1']);
    });

    it('sequencing.future-time: such a tick is no reset itself, and refused where only its time could tell', () => {
      const tape = new Tape(venue)
        .batch([1, 2, 3], 0)
        .take(timed(1, YEAR_2100_US, 10))
        .batch([4], 20);
      expect(tape.verdicts).toEqual(['in-order', 'in-order', 'in-order', 'refused', 'in-order']);
      expect(tape.sessions).toHaveLength(1);
    });

    it('sequencing.future-time: one that comes first leaves a time to measure silence from', () => {
      const tape = new Tape(venue)
        .take(timed(1, YEAR_2100_US, 10))
        .take(timed(3, -5, 20))
        .batch([2, 4], 30)
        .batch([1], HOUR_US);
      expect(tape.labels.at(-1)).toBe('reset-1');
      expect(tape.gaps.map(({ fromTimeUs, toTimeUs }) => [fromTimeUs, toTimeUs])).toEqual([
        [10, 20],
        [10, 20],
      ]);
    });

    it('sequencing.future-time: one of an old numbering does not take the next number of the new one', () => {
      const tape = new Tape(venue)
        .batch([1], 0)
        .take(timed(2, YEAR_2100_US, 10))
        .batch([1], HOUR_US)
        .take(timed(2, YEAR_2100_US, 10))
        .batch([2], HOUR_US + 1);
      expect(tape.verdicts).toEqual(['in-order', 'in-order', 'in-order', 'refused', 'in-order']);
    });

    it('does not take an old tick into the new numbering', () => {
      const tape = new Tape(venue).batch([1, 2, 3, 4], 0).batch([1], HOUR_US).batch([4], 3);
      expect(tape.verdicts.at(-1)).toBe('refused');
    });
  });

  it('keeps a bounded number of holes, and refuses what it can no longer tell from a duplicate', () => {
    const tape = new Tape({}, { missingRangesMax: 2 }).batch([1, 3, 5, 7]).batch([2, 4]);
    expect(tape.verdicts.slice(4)).toEqual(['refused', 'late']);
    expect(tape.missing).toEqual([2, 6]);
  });

  it('keeps apart series that differ in record type, venue, symbol or session, and joins those that do not', () => {
    const one = series({ currency: 'AUD' });
    const other = series({ currency: 'USD' });
    expect(seriesKey('trades', one)).toBe(seriesKey('trades', other));
    const rows = [
      { series: one, venueSequence: 1 },
      { series: other, venueSequence: 1 },
      { series: series({ symbol: 'RIO' }), venueSequence: 1 },
    ];
    expect(sequenceBatch(placed(tradeBatch({ rows })), new Map()).counts).toEqual([2, 0, 1, 0]);
  });

  it('sequencing.named-only: a series that a batch names and has no row of is not begun by it', () => {
    const [bhp, cba] = [series(), series({ symbol: 'CBA' })];
    const both = tradeBatch({ rows: [bhp, cba].map((of) => ({ series: of, venueSequence: 1 })) });
    const one = selectRows(both, Uint32Array.of(0)) as TradeBatch;
    expect(seriesKeys(one)).toEqual([seriesKey('trades', bhp)]);
    const tape = new Tape().take(one);
    expect([...tape.states.keys()]).toEqual([seriesKey('trades', bhp)]);
    tape.take(selectRows(both, Uint32Array.of(1)) as TradeBatch);
    expect(tape.verdicts).toEqual(['in-order', 'in-order']);
    expect(tape.gaps).toEqual([]);
    expect(tape.sessions.map(({ symbol }) => symbol)).toEqual(['BHP', 'CBA']);
  });

  it('whatever arrives in whatever order: each sequence is taken once, and the open gaps are what is missing', () => {
    const arrivals = fc.array(fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 20 }), {
      minLength: 1,
      maxLength: 8,
    });
    fc.assert(
      fc.property(arrivals, fc.integer({ min: 0, max: 20 }), fc.boolean(), (batches, reorderTicksMax, settle) => {
        const tape = new Tape({}, { reorderTicksMax });
        for (const batch of batches) tape.batch(batch, 0, settle);
        tape.settle();
        const sequences = batches.flat();
        const taken = sequences.filter((_, row) => tape.verdicts[row] !== 'duplicate');
        const seen = new Set(sequences);
        expect(taken.toSorted((a, b) => a - b)).toEqual([...seen].sort((a, b) => a - b));
        const missing = Array.from({ length: Math.max(...sequences) }, (_, i) => i + 1).filter((n) => !seen.has(n));
        expect(tape.missing).toEqual(missing);
      }),
    );
  });
});
