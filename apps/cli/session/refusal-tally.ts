import type { Refusal } from './session.ts';

const PLACES_MAX = 3;
/** Reasons are a closed set; should one not be, what comes later is counted as `other`. */
const REASONS_MAX = 100;

/** Counts refused rows by reason and remembers where the first few are. */
export class RefusalTally {
  private readonly byReason = new Map<string, { count: number; places: string[] }>();

  add(reason: string, place: string): void {
    const name = this.byReason.has(reason) || this.byReason.size < REASONS_MAX ? reason : 'other';
    const tally = this.byReason.get(name) ?? { count: 0, places: [] };
    tally.count++;
    if (tally.places.length < PLACES_MAX) tally.places.push(place);
    this.byReason.set(name, tally);
  }

  /** Most frequent first. */
  list(): readonly Refusal[] {
    return [...this.byReason]
      .map(([reason, { count, places }]) => ({ reason, count, places }))
      .sort((a, b) => b.count - a.count);
  }
}
