import type { SequenceGapRecord } from '@k2/domain/lake';
import type { TickBatch } from '@k2/domain/market';
import { isPossibleTime } from '@k2/domain/quality';

/**
 * The gap records of one batch, after some of its rows were refused. A refused tick's number is in no table: whoever
 * asks for its series is told that it is missing, and the hole that it would have filled stays open.
 */
export class GapNotes {
  private notes: SequenceGapRecord[];

  constructor(sequenced: readonly SequenceGapRecord[]) {
    this.notes = [...sequenced];
  }

  get records(): readonly SequenceGapRecord[] {
    return this.notes;
  }

  refused(batch: TickBatch, row: number, platformSequence: number): void {
    const { exchange, symbol, session } = batch.series[batch.seriesCode[row]];
    const sequence = batch.venueSequence[row];
    const at = this.notes.findIndex(
      (note) =>
        note.status === 'filled' &&
        note.sequenceFrom <= sequence &&
        note.sequenceTo >= sequence &&
        note.symbol === symbol &&
        note.exchange === exchange &&
        note.session === session,
    );
    if (at >= 0) {
      const filled = this.notes[at];
      const left = { ...filled, sequenceTo: sequence - 1 };
      const right = { ...filled, sequenceFrom: sequence + 1 };
      this.notes.splice(at, 1, ...[left, right].filter((part) => part.sequenceFrom <= part.sequenceTo));
      return;
    }
    const eventTimeUs = batch.eventTimeUs[row];
    const receiveTimeUs = batch.receiveTimeUs[row];
    // A time that can't be says nothing of when the tick was: any time until it came is possible.
    const isTimeKnown = isPossibleTime(eventTimeUs, receiveTimeUs);
    this.notes.push({
      recordType: batch.recordType,
      exchange,
      symbol,
      session,
      status: 'open',
      sequenceFrom: sequence,
      sequenceTo: sequence,
      fromTimeUs: isTimeKnown ? eventTimeUs : 0,
      toTimeUs: isTimeKnown ? eventTimeUs : receiveTimeUs,
      detectedTimeUs: receiveTimeUs,
      platformSequence,
    });
  }
}
