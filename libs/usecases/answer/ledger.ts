import type { CoverageScope, KnownGaps, TimeRange } from '@k2/domain/lake';
import type { AskOptions, QueryEngine, ScanPlan } from '@k2/ports';
import { BytesBoundedCache } from './bytes-bounded-cache.ts';
import { LedgerReading } from './ledger-reading.ts';
import { readMissing, readSessions, timesOfEntries, type RecordedSessions } from './ledger-rows.ts';

export interface LedgerLimits {
  /** Entries planned up to which those of all times are read, so that what is kept answers any times. */
  readonly wholeRowsMax: number;
  /** Missing ranges that are kept of one reading; see LedgerReading. */
  readonly readingBytesMax: number;
  /** All that is kept of gaps, and as much again of sessions. */
  readonly cacheBytesMax: number;
}

export const LEDGER_LIMITS: LedgerLimits = {
  wholeRowsMax: 20_000,
  readingBytesMax: 4 * 2 ** 20,
  cacheBytesMax: 32 * 2 ** 20,
};

/** Readings kept of one scope and snapshot, each of other times. */
const READINGS_MAX = 16;

/**
 * The gap ledger as of some snapshot. What was read of it is kept by snapshot, record type and instruments, for all times
 * within those that were read; a new gap or session makes it unreachable.
 */
export class Ledger {
  private readonly engine: QueryEngine;
  private readonly limits: LedgerLimits;
  private readonly readings: BytesBoundedCache<{ readonly of: readonly LedgerReading[]; readonly sizeBytes: number }>;
  private readonly sessionsKept: BytesBoundedCache<RecordedSessions>;

  constructor(engine: QueryEngine, limits: LedgerLimits = LEDGER_LIMITS) {
    this.engine = engine;
    this.limits = limits;
    this.readings = new BytesBoundedCache(limits.cacheBytesMax);
    this.sessionsKept = new BytesBoundedCache(limits.cacheBytesMax);
  }

  /**
   * What is missing of the scope's record type, instruments and times, given when all their sessions opened. Sessions that
   * are recorded later leave what is kept right: they make no range wider.
   */
  async missing(
    { fromUs, toUs, ...series }: CoverageScope,
    gaps: ScanPlan,
    { starts }: Pick<RecordedSessions, 'starts'>,
    options: AskOptions,
  ): Promise<KnownGaps> {
    const asked: TimeRange = { ...(fromUs !== undefined && { fromUs }), ...(toUs !== undefined && { toUs }) };
    const key = keyOf(series, gaps);
    for (const reading of this.readings.get(key)?.of ?? []) {
      const known = reading.known(asked, starts);
      if (known !== null) return known;
    }
    const rowCount = gaps.files.reduce((rows, file) => rows + file.rowCount, 0);
    const read = rowCount <= this.limits.wholeRowsMax ? {} : asked;
    const reading = new LedgerReading(read, asked, this.limits.readingBytesMax, starts);
    await readMissing(this.engine, gaps, { ...series, ...timesOfEntries(read, starts) }, reading, options);
    reading.end();
    this.keep(key, reading);
    return reading.known(asked, starts)!;
  }

  /** All sessions of the scope's record type and instruments, whatever its times. */
  async sessions(scope: CoverageScope, sessions: ScanPlan, options: AskOptions): Promise<RecordedSessions> {
    const { fromUs: _from, toUs: _to, ...series } = scope;
    const key = keyOf(series, sessions);
    const kept = this.sessionsKept.get(key);
    if (kept !== undefined) return kept;
    const read = await readSessions(this.engine, sessions, series, options);
    this.sessionsKept.set(key, read);
    return read;
  }

  private keep(key: string, reading: LedgerReading): void {
    const others = (this.readings.get(key)?.of ?? []).filter((other) => !reading.replaces(other));
    const of = [reading, ...others].slice(0, READINGS_MAX);
    this.readings.set(key, { of, sizeBytes: of.reduce((bytes, { sizeBytes }) => bytes + sizeBytes, 0) });
  }
}

/** A snapshot's rows never change; that somebody else may have put them there is told by the plan. */
function keyOf({ recordType, exchange, symbols }: CoverageScope, { snapshotId }: ScanPlan): string {
  return JSON.stringify([String(snapshotId), recordType, exchange ?? null, symbols?.toSorted() ?? null]);
}
