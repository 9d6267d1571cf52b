import type { SequenceGapRecord } from '@k2/domain/lake';
import type { TickBatch } from '@k2/domain/market';
import { isPossibleTime } from '@k2/domain/quality';
import { seriesKey } from '@k2/domain/sequencing';

/**
 * The gap records of some rows, after a part of the rows was refused. A refused tick's number is in no table: whoever
 * asks for its series is told that it is missing, and the hole that it would have filled stays open. Refused numbers
 * that follow each other are one record.
 */
export class GapNotes {
  private readonly notes: (SequenceGapRecord | null)[];
  /** By series: positions in `notes` of the filled ranges, which are disjoint, by where they begin. */
  private readonly filled = new Map<string, number[]>();
  private readonly lastRefused = new Map<string, number>();

  constructor(sequenced: readonly SequenceGapRecord[]) {
    this.notes = [...sequenced];
    sequenced.forEach((note, at) => {
      if (note.status !== 'filled') return;
      const key = seriesKey(note.recordType, note);
      const ofSeries = this.filled.get(key);
      if (ofSeries === undefined) this.filled.set(key, [at]);
      else ofSeries.push(at);
    });
    for (const ofSeries of this.filled.values()) ofSeries.sort((a, b) => this.from(a) - this.from(b));
  }

  get records(): readonly SequenceGapRecord[] {
    return this.notes.filter((note) => note !== null);
  }

  refused(batch: TickBatch, row: number, platformSequence: bigint): void {
    const series = batch.series[batch.seriesCode[row]];
    const key = seriesKey(batch.recordType, series);
    const sequence = batch.venueSequence[row];
    if (this.reopen(key, sequence)) return;
    const eventTimeUs = batch.eventTimeUs[row];
    const receiveTimeUs = batch.receiveTimeUs[row];
    // A time that can't be says nothing of when the tick was: any time until it came is possible.
    const isTimeKnown = isPossibleTime(eventTimeUs, receiveTimeUs);
    const fromTimeUs = isTimeKnown ? eventTimeUs : 0;
    const toTimeUs = isTimeKnown ? eventTimeUs : receiveTimeUs;
    const at = this.lastRefused.get(key);
    const last = at === undefined ? null : this.notes[at];
    if (last !== null && last.sequenceTo + 1 === sequence) {
      this.notes[at!] = {
        ...last,
        sequenceTo: sequence,
        fromTimeUs: Math.min(last.fromTimeUs, fromTimeUs),
        toTimeUs: Math.max(last.toTimeUs, toTimeUs),
      };
      return;
    }
    const { exchange, symbol, session } = series;
    const note = {
      recordType: batch.recordType,
      exchange,
      symbol,
      session,
      status: 'open',
      sequenceFrom: sequence,
      sequenceTo: sequence,
      fromTimeUs,
      toTimeUs,
      detectedTimeUs: receiveTimeUs,
      platformSequence,
    } as const;
    this.lastRefused.set(key, this.notes.push(note) - 1);
  }

  /** Takes a number out of the filled range that it lies in. False if it lies in none. */
  private reopen(key: string, sequence: number): boolean {
    const ofSeries = this.filled.get(key);
    if (ofSeries === undefined) return false;
    const at = this.lastFrom(ofSeries, sequence);
    if (at < 0 || this.notes[ofSeries[at]]!.sequenceTo < sequence) return false;
    const range = this.notes[ofSeries[at]]!;
    const parts: SequenceGapRecord[] = [
      { ...range, sequenceTo: sequence - 1 },
      { ...range, sequenceFrom: sequence + 1 },
    ].filter((part) => part.sequenceFrom <= part.sequenceTo);
    this.notes[ofSeries[at]] = parts[0] ?? null;
    const left = parts.length === 0 ? [] : [ofSeries[at]];
    if (parts.length === 2) left.push(this.notes.push(parts[1]) - 1);
    ofSeries.splice(at, 1, ...left);
    return true;
  }

  /** The last of the ranges that begins at the number or before it; -1 if none does. */
  private lastFrom(ofSeries: readonly number[], sequence: number): number {
    let low = 0;
    let high = ofSeries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.from(ofSeries[middle]) <= sequence) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  private from(at: number): number {
    return this.notes[at]!.sequenceFrom;
  }
}
