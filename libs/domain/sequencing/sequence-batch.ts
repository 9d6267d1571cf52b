import type { SequenceGapRecord, SessionRecord } from '../lake/audit-records.ts';
import type { Series } from '../market/series.ts';
import type { PlacedBatch, TickBatch } from '../market/tick-batch.ts';
import { isPossibleTime } from '../quality/inspect-batch.ts';
import { SEQUENCING_LIMITS, type SequencingLimits } from './limits.ts';
import { seriesKey, type SeriesState } from './series-state.ts';
import { SeriesTrack, type TickPoint } from './series-track.ts';

/** What became of a row. `refused`: it lies where duplicates can no longer be told; quarantine it. */
export const VERDICTS = ['in-order', 'late', 'duplicate', 'refused'] as const;
export const IN_ORDER = 0;
export const LATE = 1;
export const DUPLICATE = 2;
export const REFUSED = 3;

export interface SequencedBatch {
  /** The batch given; with sessions labelled where the venue has none and its numbers were seen to restart. */
  readonly batch: TickBatch;
  /** Index into VERDICTS a row. */
  readonly verdicts: Uint8Array;
  /** Rows by verdict. */
  readonly counts: readonly [inOrder: number, late: number, duplicate: number, refused: number];
  readonly gaps: readonly SequenceGapRecord[];
  readonly sessions: readonly SessionRecord[];
  /** New states of the series in this batch, by series key. */
  readonly states: ReadonlyMap<string, SeriesState>;
}

/** Keys of the states that `sequenceBatch` needs for a batch. */
export function seriesKeys(batch: TickBatch): readonly string[] {
  const hasRows = codesWithRows(batch);
  const series = batch.series.filter((_, code) => hasRows[code] === 1);
  return [...new Set(series.map((of) => seriesKey(batch.recordType, of)))];
}

/** By series code: 1 if a row has it. A batch may name series that it has no row of, as one of which rows were taken out. */
function codesWithRows({ series, seriesCode, rowCount }: TickBatch): Uint8Array {
  const hasRows = new Uint8Array(series.length);
  for (let row = 0; row < rowCount; row++) hasRows[seriesCode[row]] = 1;
  return hasRows;
}

/**
 * One step of sequencing: tells for every row whether it is next, fills a hole, came before or can't be told, and what
 * that says of gaps and sessions. Pure: `states` is read, the new states are returned. A hole is held back for
 * reordering until `settleGaps`, which must run before the rows that showed it become visible.
 */
export function sequenceBatch(
  { batch, platformSequence }: PlacedBatch,
  states: ReadonlyMap<string, SeriesState>,
  limits: SequencingLimits = SEQUENCING_LIMITS,
): SequencedBatch {
  const step = new Step(batch, states, limits);
  const { rowCount, seriesCode, venueSequence, eventTimeUs, receiveTimeUs } = batch;
  const { slotOfCode, next, notBeforeUs, lastTimeUs, verdicts } = step;
  for (let row = 0; row < rowCount; row++) {
    const slot = slotOfCode[seriesCode[row]]!;
    const sequence = venueSequence[row];
    const timeUs = eventTimeUs[row];
    const isTimed = isPossibleTime(timeUs, receiveTimeUs[row]);
    if (sequence === next[slot] && (isTimed ? timeUs : receiveTimeUs[row]) >= notBeforeUs[slot]) {
      next[slot] = sequence + 1;
    } else {
      verdicts[row] = step.offPath(slot, {
        sequence,
        eventTimeUs: timeUs,
        receiveTimeUs: receiveTimeUs[row],
        platformSequence: platformSequence[row],
      });
    }
    // A time that can't be would end the recognition of resets until it has come.
    if (isTimed && timeUs > lastTimeUs[slot]) lastTimeUs[slot] = timeUs;
    step.relabel(row);
  }
  return step.result();
}

/** Reports the holes that were held back for reordering. Returns the records and the states that changed. */
export function settleGaps(
  states: Iterable<readonly [string, SeriesState]>,
  seriesOf: (key: string) => { readonly recordType: TickBatch['recordType']; readonly series: Series },
): { readonly gaps: readonly SequenceGapRecord[]; readonly states: ReadonlyMap<string, SeriesState> } {
  const gaps: SequenceGapRecord[] = [];
  const changed = new Map<string, SeriesState>();
  for (const [key, state] of states) {
    if (!hasUnreportedGaps(state)) continue;
    const { recordType, series } = seriesOf(key);
    const track = new SeriesTrack(recordType, series, state, SEQUENCING_LIMITS, gaps);
    track.settle();
    changed.set(key, { ...state, missing: track.missing });
  }
  return { gaps, states: changed };
}

export function hasUnreportedGaps(state: SeriesState): boolean {
  return state.missing.some((range) => !range.reported);
}

/** The working state of one step. A slot is a series key: two dictionary entries can share one. */
class Step {
  readonly slotOfCode: Uint16Array;
  /** By slot: the sequence that comes next; NaN where nothing was seen. */
  readonly next: Float64Array;
  /** By slot: when the numbering began, where one came before it; no older tick is of it. */
  readonly notBeforeUs: Float64Array;
  /** By slot: the latest possible time seen, venue's time. */
  readonly lastTimeUs: Float64Array;
  readonly verdicts: Uint8Array;
  private readonly batch: TickBatch;
  private readonly limits: SequencingLimits;
  private readonly keys: string[] = [];
  private readonly tracks: SeriesTrack[] = [];
  private readonly gaps: SequenceGapRecord[] = [];
  private readonly sessions: SessionRecord[] = [];
  /** Where a label differs from the batch's: the dictionary and codes that replace it. */
  private labels: { readonly series: Series[]; readonly codeOf: Uint16Array; readonly codes: Uint16Array } | null =
    null;

  constructor(batch: TickBatch, states: ReadonlyMap<string, SeriesState>, limits: SequencingLimits) {
    this.batch = batch;
    this.limits = limits;
    this.slotOfCode = new Uint16Array(batch.series.length);
    this.verdicts = new Uint8Array(batch.rowCount);
    const slots = new Map<string, number>();
    const hasRows = codesWithRows(batch);
    batch.series.forEach((series, code) => {
      if (hasRows[code] === 0) return;
      const key = seriesKey(batch.recordType, series);
      let slot = slots.get(key);
      if (slot === undefined) {
        slot = this.keys.push(key) - 1;
        slots.set(key, slot);
        this.tracks.push(new SeriesTrack(batch.recordType, series, states.get(key), limits, this.gaps));
      }
      this.slotOfCode[code] = slot;
    });
    this.next = Float64Array.from(this.keys, (key) => states.get(key)?.nextSequence ?? NaN);
    this.notBeforeUs = Float64Array.from(this.tracks, (track) => track.notBeforeUs);
    this.lastTimeUs = Float64Array.from(this.keys, (key) => states.get(key)?.lastEventTimeUs ?? -Infinity);
    this.tracks.forEach((track, slot) => {
      if (track.generation > 0) this.label(slot);
    });
  }

  /** Every row that is not simply the next of its series. Returns its verdict. */
  offPath(slot: number, row: TickPoint): number {
    const track = this.tracks[slot];
    const next = this.next[slot];
    const isTimed = isPossibleTime(row.eventTimeUs, row.receiveTimeUs);
    const tick = isTimed ? row : { ...row, eventTimeUs: row.receiveTimeUs };
    if (Number.isNaN(next)) {
      this.open(slot, tick, 'first-tick');
      return IN_ORDER;
    }
    if (tick.sequence >= next) {
      if (tick.eventTimeUs < track.notBeforeUs) return REFUSED;
      if (tick.sequence > next) track.jump(next, tick, this.lastTimeUs[slot]);
      this.next[slot] = tick.sequence + 1;
      return IN_ORDER;
    }
    // Whether it is of this numbering or of one that restarted, only its time could tell.
    if (!isTimed && track.series.session === '') return REFUSED;
    if (this.isReset(slot, tick)) {
      track.settle();
      track.generation++;
      this.label(slot);
      this.open(slot, tick, 'reset');
      return IN_ORDER;
    }
    return VERDICTS.indexOf(track.revisit(tick, next));
  }

  relabel(row: number): void {
    if (this.labels !== null) this.labels.codes[row] = this.labels.codeOf[this.batch.seriesCode[row]]!;
  }

  result(): SequencedBatch {
    const counts: [number, number, number, number] = [0, 0, 0, 0];
    for (const verdict of this.verdicts) counts[verdict]++;
    const labelled = this.labels && { series: this.labels.series, seriesCode: this.labels.codes };
    return {
      batch: labelled === null ? this.batch : { ...this.batch, ...labelled },
      verdicts: this.verdicts,
      counts,
      gaps: this.gaps,
      sessions: this.sessions,
      states: new Map(this.keys.map((key, slot) => [key, this.stateOf(slot)])),
    };
  }

  private open(slot: number, tick: TickPoint, openedBy: SessionRecord['openedBy']): void {
    const track = this.tracks[slot];
    track.open(tick, openedBy === 'reset' ? this.lastTimeUs[slot] : tick.eventTimeUs);
    this.next[slot] = tick.sequence + 1;
    this.notBeforeUs[slot] = track.notBeforeUs;
    this.lastTimeUs[slot] = Math.max(this.lastTimeUs[slot], tick.eventTimeUs);
    const { exchange, symbol, session, sequenceOrigin } = track.labelled;
    this.sessions.push({
      recordType: this.batch.recordType,
      exchange,
      symbol,
      session,
      sequenceOrigin,
      openedBy,
      firstSequence: tick.sequence,
      eventTimeUs: tick.eventTimeUs,
      platformSequence: tick.platformSequence,
    });
  }

  /** Only where the venue has no sessions: numbers fell back near their start after a long silence. */
  private isReset(slot: number, { sequence, eventTimeUs }: TickPoint): boolean {
    const { series } = this.tracks[slot];
    return (
      series.session === '' &&
      eventTimeUs >= this.lastTimeUs[slot] + this.limits.resetQuietUs &&
      sequence - (series.firstSequence ?? 1) < this.limits.resetSequenceMax
    );
  }

  private label(slot: number): void {
    const { batch } = this;
    this.labels ??= {
      series: [...batch.series],
      codeOf: Uint16Array.from(batch.series, (_, code) => code),
      codes: batch.seriesCode.slice(),
    };
    const code = this.labels.series.push(this.tracks[slot].labelled) - 1;
    this.slotOfCode.forEach((of, original) => {
      if (of === slot) this.labels!.codeOf[original] = code;
    });
  }

  private stateOf(slot: number): SeriesState {
    const track = this.tracks[slot];
    return {
      generation: track.generation,
      openedTimeUs: track.openedTimeUs,
      lastEventTimeUs: this.lastTimeUs[slot],
      trackedFrom: track.trackedFrom,
      forgotten: track.forgotten,
      nextSequence: this.next[slot],
      missing: track.missing,
    };
  }
}
