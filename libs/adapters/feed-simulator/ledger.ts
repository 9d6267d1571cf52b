import type { RecordType, Series } from '@k2/domain/market';

export const SERIES_FAULTS = ['gap', 'duplicate', 'late', 'out-of-order', 'crossed-quote', 'bad-price'] as const;
export type SeriesFaultKind = (typeof SERIES_FAULTS)[number];

/** A fault in one series: the numbers `[sequenceFrom, sequenceTo]` that it befell. */
export interface SeriesFault {
  readonly fault: SeriesFaultKind;
  readonly recordType: RecordType;
  readonly exchange: string;
  readonly symbol: string;
  readonly session: string;
  readonly sequenceFrom: number;
  readonly sequenceTo: number;
  /** Venue time of the tick; of a gap, of the tick after it. */
  readonly eventTimeUs: number;
  /** Venue time at which it was sent: of what was sent late or twice, later than the tick's own. */
  readonly sentTimeUs: number;
}

/** All series of a venue start from 1 again. */
export interface ResetFault {
  readonly fault: 'reset';
  readonly exchange: string;
  readonly previousSession: string;
  /** Equal to the previous one, `''`, where the sessions have no labels. */
  readonly session: string;
  readonly eventTimeUs: number;
}

export type InjectedFault = SeriesFault | ResetFault;

/** One series between two restarts of its numbers. */
export interface SeriesSummary {
  readonly recordType: RecordType;
  readonly exchange: string;
  readonly symbol: string;
  readonly session: string;
  /** How often the venue's numbers had restarted before. */
  readonly restart: number;
  readonly lastSequence: number;
  /** Sent, or to be sent late: the numbers up to the last less those lost. */
  readonly distinctTicks: number;
}

/** Entries kept of faults, and of closed series; beyond it they are counted in `unlisted` instead. */
const ENTRIES_MAX = 1_000_000;

/** What a simulation sent and what it did to it. Complete once the simulation has finished. */
export class Ledger {
  readonly faults: InjectedFault[] = [];
  readonly closedSeries: SeriesSummary[] = [];
  unlisted = 0;
  /** Rows sent, those sent twice counted twice. */
  sentTicks = 0;
  distinctTicks = 0;
  /** Numbers given to no tick. */
  lostTicks = 0;
  private openSeries: () => readonly SeriesSummary[];

  constructor(openSeries: () => readonly SeriesSummary[]) {
    this.openSeries = openSeries;
  }

  /** Every series in which anything happened. */
  series(): readonly SeriesSummary[] {
    return [...this.closedSeries, ...this.openSeries()];
  }

  count(fault: InjectedFault['fault']): number {
    return this.faults.reduce((count, entry) => count + (entry.fault === fault ? 1 : 0), 0);
  }

  add(fault: InjectedFault): void {
    if (this.faults.length < ENTRIES_MAX) this.faults.push(fault);
    else this.unlisted++;
  }

  addSeries(
    fault: SeriesFaultKind,
    recordType: RecordType,
    { exchange, symbol, session }: Series,
    sequences: readonly [from: number, to: number],
    eventTimeUs: number,
    sentTimeUs = eventTimeUs,
  ): void {
    const [sequenceFrom, sequenceTo] = sequences;
    this.add({ fault, recordType, exchange, symbol, session, sequenceFrom, sequenceTo, eventTimeUs, sentTimeUs });
  }

  close(series: readonly SeriesSummary[]): void {
    const room = ENTRIES_MAX - this.closedSeries.length;
    for (const summary of series.slice(0, room)) this.closedSeries.push(summary);
    this.unlisted += Math.max(0, series.length - room);
  }
}
