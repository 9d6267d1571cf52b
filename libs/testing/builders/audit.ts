import type { QuarantineRecord, Rejection, SequenceGapRecord, SessionRecord } from '@k2/domain/lake';
import { DAY_START_US } from './batches.ts';

/** Trades 4 to 6 of BHP are missing. */
export function gapRecord(changes: Partial<SequenceGapRecord> = {}): SequenceGapRecord {
  return {
    recordType: 'trades',
    exchange: 'ASX',
    symbol: 'BHP',
    session: '2014-03-10',
    status: 'open',
    sequenceFrom: 4,
    sequenceTo: 6,
    fromTimeUs: DAY_START_US + 2_000,
    toTimeUs: DAY_START_US + 6_001,
    detectedTimeUs: DAY_START_US + 11_003,
    platformSequence: 65_536n,
    ...changes,
  };
}

export function sessionRecord(changes: Partial<SessionRecord> = {}): SessionRecord {
  return {
    recordType: 'trades',
    exchange: 'ASX',
    symbol: 'BHP',
    session: '2014-03-10',
    sequenceOrigin: 'venue',
    openedBy: 'first-tick',
    firstSequence: 1,
    eventTimeUs: DAY_START_US,
    platformSequence: 0n,
    ...changes,
  };
}

/** A row that a feed could not take. */
export function rejection(changes: Partial<Rejection> = {}): Rejection {
  return {
    quarantineId: 'q-1',
    exchange: 'ASX',
    recordType: 'trades',
    source: 'trades.csv',
    position: 12,
    reason: 'malformed-row',
    detail: 'price is "abc": expected a decimal',
    raw: new TextEncoder().encode('BHP,abc,100'),
    receiveTimeUs: DAY_START_US + 7_000,
    ...changes,
  };
}

/** The same as a row of the quarantine. */
export function quarantineRecord(changes: Partial<QuarantineRecord> = {}): QuarantineRecord {
  return { ...rejection(), position: 12n, platformSequence: 131_072n, ...changes };
}
