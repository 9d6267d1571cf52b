import { US_PER_DAY } from '@k2/domain/market';
import type { SeriesState } from '@k2/domain/sequencing';

/** A tick may be recorded with a later or earlier time than those that its session is known by. */
const MARGIN_US = US_PER_DAY;

/** What the lake holds of one session: a digest for each of its numbers. Rows are added in any order, then sealed. */
export class RecordedSession {
  readonly state: SeriesState;
  private sequences = new Float64Array(16);
  private digests = new Int32Array(32);
  private count = 0;
  /** Where the number that is likely to be asked for next would be. */
  private next = 0;

  constructor(state: SeriesState) {
    this.state = state;
  }

  get rowCount(): number {
    return this.count;
  }

  get lastSequence(): number {
    return this.state.nextSequence - 1;
  }

  add(sequence: number, low: number, high: number): void {
    if (this.count === this.sequences.length) {
      const [sequences, digests] = [this.sequences, this.digests];
      this.sequences = new Float64Array(2 * this.count);
      this.digests = new Int32Array(4 * this.count);
      this.sequences.set(sequences);
      this.digests.set(digests);
    }
    this.sequences[this.count] = sequence;
    this.digests[2 * this.count] = low;
    this.digests[2 * this.count + 1] = high;
    this.count++;
  }

  /** Rows come in the order of time, which is nearly always that of their numbers. */
  seal(): void {
    const { sequences, digests, count } = this;
    const isSorted = sequences.subarray(0, count).every((sequence, row, all) => row === 0 || all[row - 1] < sequence);
    const order = Uint32Array.from({ length: count }, (_, row) => row);
    if (!isSorted) order.sort((a, b) => sequences[a] - sequences[b]);
    this.sequences = Float64Array.from(order, (row) => sequences[row]);
    this.digests = new Int32Array(2 * count);
    for (let at = 0; at < count; at++) {
      this.digests[2 * at] = digests[2 * order[at]];
      this.digests[2 * at + 1] = digests[2 * order[at] + 1];
    }
  }

  /** Whether the row of that number has these bits; null where there is no such row. */
  has(sequence: number, low: number, high: number): boolean | null {
    const row = this.rowOf(sequence);
    return row === null ? null : this.digests[2 * row] === low && this.digests[2 * row + 1] === high;
  }

  /** The number came, also where its row is in no table. */
  hasSeen(sequence: number): boolean {
    const { trackedFrom, nextSequence, missing } = this.state;
    if (sequence < trackedFrom || sequence >= nextSequence) return false;
    return !missing.some(({ from, to }) => from <= sequence && sequence <= to);
  }

  private rowOf(sequence: number): number | null {
    // Sources go through their numbers one by one.
    if (this.sequences[this.next] === sequence && this.next < this.count) return this.next++;
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.sequences[middle] < sequence) low = middle + 1;
      else high = middle;
    }
    if (low === this.count || this.sequences[low] !== sequence) return null;
    this.next = low + 1;
    return low;
  }
}

/** When the ticks of these sessions are, half-open. */
export function spanOf(sessions: readonly RecordedSession[]): { readonly fromUs: number; readonly toUs: number } {
  const first = sessions.reduce((least, { state }) => Math.min(least, state.openedTimeUs), Infinity);
  const last = sessions.reduce((most, { state }) => Math.max(most, state.lastEventTimeUs), 0);
  return { fromUs: Math.max(0, first - MARGIN_US), toUs: last + MARGIN_US };
}
