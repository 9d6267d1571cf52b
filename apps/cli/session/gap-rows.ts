import { openGaps, type SequenceGapRecord } from '@k2/domain/lake';
import { printTimeUs, type RecordType } from '@k2/domain/market';
import type { AnswerRow } from '@k2/usecases';
import type { JsonRow } from './session.ts';

/** What is missing by the rows of the ledger, as the API lists it. */
export function gapRows(recordType: RecordType, ledger: readonly AnswerRow[]): readonly JsonRow[] {
  return openGaps(ledger.map((row) => gapRecord(recordType, row))).map((gap) => ({
    record_type: recordType,
    exchange: gap.exchange,
    symbol: gap.symbol,
    session: gap.session,
    sequence_from: gap.sequenceFrom,
    sequence_to: gap.sequenceTo,
    missing_ticks: gap.sequenceTo - gap.sequenceFrom + 1,
    timestamp_from: printTimeUs(gap.fromTimeUs),
    timestamp_to: printTimeUs(gap.toTimeUs),
  }));
}

function gapRecord(recordType: RecordType, row: AnswerRow): SequenceGapRecord {
  return {
    recordType,
    exchange: row['exchange'] as string,
    symbol: row['symbol'] as string,
    session: row['session'] as string,
    status: row['status'] as SequenceGapRecord['status'],
    sequenceFrom: row['sequence_from'] as number,
    sequenceTo: row['sequence_to'] as number,
    fromTimeUs: row['timestamp_from'] as number,
    toTimeUs: row['timestamp_to'] as number,
    detectedTimeUs: row['detected_timestamp'] as number,
    platformSequence: row['platform_sequence'] as number,
  };
}
