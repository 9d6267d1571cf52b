import type { SequenceGapRecord, SessionRecord } from '@k2/domain/lake';
import { PortError, type AskOptions, type QueryEngine, type Question, type ScanPlan } from '@k2/ports';
import { answerRows, type AnswerRow } from './answer-rows.ts';

/** Entries of the ledger that one question may read. */
export const LEDGER_ROWS_MAX = 1_000_000;

export type LedgerFilter = Extract<Question, { readonly kind: 'audit' }>['filter'];

/** Entries of `audit.sequence_gaps`. Throws `invalid-query` where there are more than one answer may rest on. */
export async function gapRecords(
  engine: QueryEngine,
  plan: ScanPlan,
  filter: LedgerFilter,
  options: AskOptions,
): Promise<readonly SequenceGapRecord[]> {
  return (await ledgerRows(engine, plan, filter, options)).map((row) => ({
    ...seriesOf(row),
    status: row['status'] as SequenceGapRecord['status'],
    sequenceFrom: row['sequence_from'] as number,
    sequenceTo: row['sequence_to'] as number,
    fromTimeUs: row['timestamp_from'] as number,
    toTimeUs: row['timestamp_to'] as number,
    detectedTimeUs: row['detected_timestamp'] as number,
    platformSequence: row['platform_sequence'] as number,
  }));
}

/** Entries of `audit.sessions`, as `gapRecords`. */
export async function sessionRecords(
  engine: QueryEngine,
  plan: ScanPlan,
  filter: LedgerFilter,
  options: AskOptions,
): Promise<readonly SessionRecord[]> {
  return (await ledgerRows(engine, plan, filter, options)).map((row) => ({
    ...seriesOf(row),
    sequenceOrigin: row['sequence_origin'] as SessionRecord['sequenceOrigin'],
    openedBy: row['opened_by'] as SessionRecord['openedBy'],
    firstSequence: row['first_sequence'] as number,
    eventTimeUs: row['timestamp'] as number,
    platformSequence: row['platform_sequence'] as number,
  }));
}

async function ledgerRows(
  engine: QueryEngine,
  plan: ScanPlan,
  filter: LedgerFilter,
  options: AskOptions,
): Promise<readonly AnswerRow[]> {
  if (plan.files.length === 0) return [];
  const rows = await answerRows(
    await engine.ask({ kind: 'audit', filter, limit: LEDGER_ROWS_MAX + 1 }, [plan], options),
  );
  if (rows.length <= LEDGER_ROWS_MAX) return rows;
  const message = `${plan.table} has over ${LEDGER_ROWS_MAX} entries for this: ask for fewer instruments`;
  throw new PortError('invalid-query', message, { table: plan.table, rowsMax: LEDGER_ROWS_MAX });
}

function seriesOf(row: AnswerRow) {
  return {
    recordType: row['record_type'] as SequenceGapRecord['recordType'],
    exchange: row['exchange'] as string,
    symbol: row['symbol'] as string,
    session: row['session'] as string,
  };
}
