import type { RecordType } from '../market/tick-batch.ts';
import type { SequenceOrigin } from '../market/instrument.ts';

/** A row of `audit.sequence_gaps`. Missing now = open ranges less filled ones. */
export interface SequenceGapRecord {
  readonly recordType: RecordType;
  readonly exchange: string;
  readonly symbol: string;
  readonly session: string;
  readonly status: 'open' | 'filled';
  readonly sequenceFrom: number;
  /** Inclusive. */
  readonly sequenceTo: number;
  readonly fromTimeUs: number;
  readonly toTimeUs: number;
  readonly detectedTimeUs: number;
  readonly platformSequence: bigint;
}

/** A row of `audit.sessions`: a series was seen for the first time. */
export interface SessionRecord {
  readonly recordType: RecordType;
  readonly exchange: string;
  readonly symbol: string;
  readonly session: string;
  readonly sequenceOrigin: SequenceOrigin;
  readonly openedBy: 'first-tick' | 'reset';
  readonly firstSequence: number;
  readonly eventTimeUs: number;
  readonly platformSequence: bigint;
}

/** A row of `audit.quarantine`: something refused, with its bytes. */
export interface QuarantineRecord extends Omit<Rejection, 'position'> {
  /** Of the source; a position in the log where that is the source. */
  readonly position: bigint;
  readonly platformSequence: bigint;
}

/** Something a feed or the sink could not take, on its way to the quarantine. */
export interface Rejection {
  /** Stable over re-loads: the same bytes from the same place are one entry. */
  readonly quarantineId: string;
  readonly exchange: string;
  readonly recordType: RecordType | 'unknown';
  readonly source: string;
  readonly position: number;
  readonly reason: string;
  readonly detail: string;
  readonly raw: Uint8Array;
  readonly receiveTimeUs: number;
}
