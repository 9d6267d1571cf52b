import type { FeedEvent, MarketFeed, PartitionOffsets, TickLog, TickStore } from '@k2/ports';
import { ALL_TABLES, plansAsOf } from '../answer/plans-as-of.ts';
import {
  RECORD_OPTIONS,
  RecordFeed,
  type RecordOptions,
  type RecordPorts,
  type RecordStatus,
} from '../record/record-feed.ts';
import { LoadTurns } from './load-turns.ts';
import type { LakePorts } from './recorded-sessions.ts';
import { NOTHING_COMPARED, ScreenedFeed, type LoadComparison } from './screened-feed.ts';

export type LoadPorts = RecordPorts & LakePorts;

/** How a finite feed went. */
export interface LoadReport extends RecordStatus {
  /** False where the load was stopped before everything was committed. */
  readonly committed: boolean;
  /** Rows of the source: what the log acknowledged and what was not taken. */
  readonly readRows: number;
  /** Instants of the lake, UTC µs, between which the load was committed; null where it had nothing, or was stopped. */
  readonly lake: { readonly beforeUs: number | null; readonly afterUs: number | null };
  /** Other feeds or processes wrote into the same partitions of the log meanwhile. */
  readonly othersWrote: boolean;
  /** The feed's sessions beside what the lake had of them. */
  readonly comparison: LoadComparison;
}

export interface LoadSignals {
  /** The caller's, who may leave. */
  readonly signal: AbortSignal;
  /** Of the process: no more is read, and what was is committed. */
  readonly stop: AbortSignal;
}

/**
 * Carries finite feeds into the log, one at a time, less what contradicts the lake, and waits until they are committed.
 * Loads of other processes can't take turns with these: if others wrote beside a load, it is compared once more when all
 * is committed, and rows that lost their number to another's are among what differs.
 */
export class Loads {
  private readonly ports: LoadPorts;
  private readonly options: RecordOptions;
  private readonly untilCommitted: (signal: AbortSignal) => Promise<boolean>;
  private readonly turns: LoadTurns;
  private readonly recorders = new Set<RecordFeed>();

  /** `untilCommitted`: until all that is in the log now is; rejects if what would commit it has failed. */
  constructor(
    ports: LoadPorts,
    options: RecordOptions = RECORD_OPTIONS,
    untilCommitted: (signal: AbortSignal) => Promise<boolean>,
  ) {
    this.ports = ports;
    this.options = options;
    this.untilCommitted = untilCommitted;
    this.turns = new LoadTurns(ports.scheduler);
  }

  get statuses(): readonly RecordStatus[] {
    return [...this.recorders].map(({ status }) => status);
  }

  /** Progress comes through `listener`; `waits` hears, again and again, which feed is loaded before this one. */
  async load(
    feed: MarketFeed,
    signals: LoadSignals,
    listener: (event: FeedEvent) => void = () => {},
    waits: (ahead: string) => void = () => {},
  ): Promise<LoadReport> {
    const screened = new ScreenedFeed(feed, this.ports);
    const recorder = new RecordFeed(screened, this.ports, this.options, listener);
    this.recorders.add(recorder);
    try {
      const either = AbortSignal.any([signals.signal, signals.stop]);
      const report = await this.turns.take(feed.name, either, waits, () =>
        this.carry(screened, recorder, signals, listener),
      );
      return report ?? neverBegun(recorder.status);
    } finally {
      this.recorders.delete(recorder);
    }
  }

  private async carry(
    screened: ScreenedFeed,
    recorder: RecordFeed,
    { signal, stop }: LoadSignals,
    listener: (event: FeedEvent) => void,
  ): Promise<LoadReport> {
    const { log, store } = this.ports;
    const either = AbortSignal.any([signal, stop]);
    const endsBefore = await logEnds(log);
    // What an earlier load left in the log is part of what this one is compared with.
    await this.untilCommitted(either);
    const beforeUs = await committedUs(store);
    const status = await recorder.run(either);
    const committed = (await this.untilCommitted(signal)) && status.state === 'finished';
    const afterUs = committed ? await committedUs(store) : null;
    const othersWrote = recorder.appended.isAmongOthers(endsBefore);
    const comparison =
      committed && othersWrote ? await screened.compareAgain(either, listener) : await screened.comparison(either);
    const readRows = screened.readRows;
    return { ...status, committed, readRows, lake: { beforeUs, afterUs }, othersWrote, comparison };
  }
}

function neverBegun(status: RecordStatus): LoadReport {
  const nothing = { readRows: 0, lake: { beforeUs: null, afterUs: null }, othersWrote: false };
  return { ...status, state: 'stopped', committed: false, ...nothing, comparison: NOTHING_COMPARED };
}

async function logEnds(log: TickLog): Promise<readonly PartitionOffsets[]> {
  return log.offsets((await log.topics()).map(({ name }) => name));
}

/** When the lake was last committed to. */
async function committedUs(store: TickStore): Promise<number | null> {
  const requests = ALL_TABLES.map((table) => ({ table, symbols: [] }));
  return (await plansAsOf(store, requests, { kind: 'latest' })).asOfUs;
}
