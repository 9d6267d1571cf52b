import { exactNumber } from '../market/int64.ts';
import { seriesName, type Series } from '../market/series.ts';
import type { RecordType } from '../market/tick-batch.ts';

/** Sequences that were jumped over and have not arrived. */
export interface MissingRange {
  readonly from: number;
  /** Inclusive. */
  readonly to: number;
  /** Venue's times of the ticks on either side. */
  readonly fromTimeUs: number;
  readonly toTimeUs: number;
  /** Our time and log position of the tick that showed it. */
  readonly detectedTimeUs: number;
  readonly platformSequence: bigint;
  /** False while the reorder window still holds it back. */
  readonly reported: boolean;
}

/** All that is remembered of one series. Plain data: printed and parsed without loss. */
export interface SeriesState {
  /** Resets recognised so far; only where the venue gives no session. */
  readonly generation: number;
  /** Venue's time of the first tick of this generation. */
  readonly openedTimeUs: number;
  readonly lastEventTimeUs: number;
  /** Every sequence below is unknown territory: nothing was seen there, or it is no longer tracked. */
  readonly trackedFrom: number;
  /** True where ranges below `trackedFrom` were given up, so that a tick from there can't be told from a duplicate. */
  readonly forgotten: boolean;
  /** One past the highest sequence seen. */
  readonly nextSequence: number;
  /** Ascending and disjoint. */
  readonly missing: readonly MissingRange[];
}

/** Under which a series' state is kept. */
export function seriesKey(recordType: RecordType, series: Pick<Series, 'exchange' | 'symbol' | 'session'>): string {
  return `${recordType}/${seriesName(series)}`;
}

/** A compact JSON array; the form in which a state is committed. */
export function printSeriesState(state: SeriesState): string {
  return JSON.stringify([
    state.generation,
    state.openedTimeUs,
    state.lastEventTimeUs,
    state.trackedFrom,
    state.forgotten ? 1 : 0,
    state.nextSequence,
    ...state.missing.map((range) => [
      range.from,
      range.to,
      range.fromTimeUs,
      range.toTimeUs,
      range.detectedTimeUs,
      jsonInteger(range.platformSequence),
      range.reported ? 1 : 0,
    ]),
  ]);
}

/** A string beyond 2^53, where a JSON number would be rounded as it is parsed. */
function jsonInteger(value: bigint): number | string {
  const exact = exactNumber(value);
  return typeof exact === 'number' ? exact : exact.toString();
}

/** The inverse of `printSeriesState`. Throws TypeError on anything else. */
export function parseSeriesState(text: string): SeriesState {
  const parsed: unknown = JSON.parse(text);
  if (!Array.isArray(parsed) || parsed.length < 6) throw new TypeError(`not a series state: ${text.slice(0, 100)}`);
  const [generation, openedTimeUs, lastEventTimeUs, trackedFrom, forgotten, nextSequence, ...missing] = parsed as [
    number,
    number,
    number,
    number,
    number,
    number,
    ...[number, number, number, number, number, number | string, number][],
  ];
  return {
    generation,
    openedTimeUs,
    lastEventTimeUs,
    trackedFrom,
    forgotten: forgotten === 1,
    nextSequence,
    missing: missing.map((range) => ({
      from: range[0],
      to: range[1],
      fromTimeUs: range[2],
      toTimeUs: range[3],
      detectedTimeUs: range[4],
      platformSequence: BigInt(range[5]),
      reported: range[6] === 1,
    })),
  };
}
