import type { Column, ColumnBatch } from '../market/column.ts';
import {
  QUARANTINE_SCHEMA,
  SEQUENCE_GAPS_SCHEMA,
  SESSIONS_SCHEMA,
  type FieldType,
  type RecordSchema,
} from '../market/record-schema.ts';
import { BATCH_ROWS_MAX, type Utf8Column } from '../market/tick-batch.ts';
import type { QuarantineRecord, SequenceGapRecord, SessionRecord } from './audit-records.ts';

/** Audit records as the columns of their tables. They are few: what matters here is that fields are not mixed up. */

export function gapColumns(gaps: readonly SequenceGapRecord[]): ColumnBatch[] {
  return columnBatches(SEQUENCE_GAPS_SCHEMA, gaps, {
    record_type: (gap) => gap.recordType,
    exchange: (gap) => gap.exchange,
    symbol: (gap) => gap.symbol,
    session: (gap) => gap.session,
    status: (gap) => gap.status,
    sequence_from: (gap) => gap.sequenceFrom,
    sequence_to: (gap) => gap.sequenceTo,
    timestamp_from: (gap) => gap.fromTimeUs,
    timestamp_to: (gap) => gap.toTimeUs,
    detected_timestamp: (gap) => gap.detectedTimeUs,
    platform_sequence: (gap) => gap.platformSequence,
  });
}

export function sessionColumns(sessions: readonly SessionRecord[]): ColumnBatch[] {
  return columnBatches(SESSIONS_SCHEMA, sessions, {
    record_type: (session) => session.recordType,
    exchange: (session) => session.exchange,
    symbol: (session) => session.symbol,
    session: (session) => session.session,
    sequence_origin: (session) => session.sequenceOrigin,
    opened_by: (session) => session.openedBy,
    first_sequence: (session) => session.firstSequence,
    timestamp: (session) => session.eventTimeUs,
    platform_sequence: (session) => session.platformSequence,
  });
}

export function quarantineColumns(rows: readonly QuarantineRecord[]): ColumnBatch[] {
  return columnBatches(QUARANTINE_SCHEMA, rows, {
    quarantine_id: (row) => row.quarantineId,
    exchange: (row) => row.exchange,
    record_type: (row) => row.recordType,
    source: (row) => row.source,
    position: (row) => row.position,
    reason: (row) => row.reason,
    detail: (row) => row.detail,
    raw: (row) => row.raw,
    ingestion_timestamp: (row) => row.receiveTimeUs,
    platform_sequence: (row) => row.platformSequence,
  });
}

type Value = string | number | bigint | Uint8Array;
type Getters<Row> = Readonly<Record<string, (row: Row) => Value>>;

function columnBatches<Row>(schema: RecordSchema, rows: readonly Row[], getters: Getters<Row>): ColumnBatch[] {
  const batches: ColumnBatch[] = [];
  for (let from = 0; from < rows.length; from += BATCH_ROWS_MAX) {
    const batch = rows.slice(from, from + BATCH_ROWS_MAX);
    batches.push({
      rowCount: batch.length,
      columns: schema.fields.map(({ name, type }) => ({
        name,
        type,
        column: columnOf(type, batch.map(getters[name])),
      })),
    });
  }
  return batches;
}

function columnOf(type: FieldType, values: readonly Value[]): Column {
  if (type === 'string') return dictionaryColumn(values as readonly string[]);
  if (type === 'binary') return { kind: 'binary', values: bytesColumn(values as readonly Uint8Array[]) };
  if (typeof values[0] === 'bigint') return { kind: 'int64', values: BigInt64Array.from(values as readonly bigint[]) };
  return { kind: 'integer', values: Float64Array.from(values as readonly number[]) };
}

function dictionaryColumn(values: readonly string[]): Column {
  const codes = new Map<string, number>();
  for (const value of values) if (!codes.has(value)) codes.set(value, codes.size);
  return {
    kind: 'dictionary',
    codes: Uint16Array.from(values, (value) => codes.get(value)!),
    dictionary: [...codes.keys()],
  };
}

function bytesColumn(values: readonly Uint8Array[]): Utf8Column {
  const offsets = new Uint32Array(values.length + 1);
  values.forEach((value, row) => (offsets[row + 1] = offsets[row] + value.length));
  const bytes = new Uint8Array(offsets[values.length]);
  values.forEach((value, row) => bytes.set(value, offsets[row]));
  return { offsets, bytes };
}
