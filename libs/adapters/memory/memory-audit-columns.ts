import type { QuarantineRecord, SequenceGapRecord, SessionRecord } from '@k2/domain/lake';
import {
  recordSchema,
  type Column,
  type ColumnBatch,
  type RecordSchema,
  type TableName,
  type Utf8Column,
} from '@k2/domain/market';

type Cell = string | number | Uint8Array;

/** Audit records as the columns of their schemas. They are few; rows are turned into columns one by one. */
export function gapColumns(gaps: readonly SequenceGapRecord[]): ColumnBatch {
  return columnsOf('audit.sequence_gaps', gaps, (gap) => ({
    record_type: gap.recordType,
    exchange: gap.exchange,
    symbol: gap.symbol,
    session: gap.session,
    status: gap.status,
    sequence_from: gap.sequenceFrom,
    sequence_to: gap.sequenceTo,
    timestamp_from: gap.fromTimeUs,
    timestamp_to: gap.toTimeUs,
    detected_timestamp: gap.detectedTimeUs,
    platform_sequence: gap.platformSequence,
  }));
}

export function sessionColumns(sessions: readonly SessionRecord[]): ColumnBatch {
  return columnsOf('audit.sessions', sessions, (session) => ({
    record_type: session.recordType,
    exchange: session.exchange,
    symbol: session.symbol,
    session: session.session,
    sequence_origin: session.sequenceOrigin,
    opened_by: session.openedBy,
    first_sequence: session.firstSequence,
    timestamp: session.eventTimeUs,
    platform_sequence: session.platformSequence,
  }));
}

export function quarantineColumns(entries: readonly QuarantineRecord[]): ColumnBatch {
  return columnsOf('audit.quarantine', entries, (entry) => ({
    quarantine_id: entry.quarantineId,
    exchange: entry.exchange,
    record_type: entry.recordType,
    source: entry.source,
    position: entry.position,
    reason: entry.reason,
    detail: entry.detail,
    raw: entry.raw,
    ingestion_timestamp: entry.receiveTimeUs,
    platform_sequence: entry.platformSequence,
  }));
}

function columnsOf<Item>(
  table: TableName,
  records: readonly Item[],
  toRow: (item: Item) => Readonly<Record<string, Cell>>,
): ColumnBatch {
  const rows = records.map(toRow);
  const { fields }: RecordSchema = recordSchema(table);
  return {
    rowCount: rows.length,
    columns: fields.map(({ name, type }) => ({
      name,
      type,
      column: columnOf(
        type,
        rows.map((row) => row[name]),
      ),
    })),
  };
}

function columnOf(type: string, cells: readonly Cell[]): Column {
  if (type === 'string') return dictionaryOf(cells.map(String));
  if (type === 'binary') return { kind: 'binary', values: bytesOf(cells.map((cell) => cell as Uint8Array)) };
  return { kind: 'integer', values: Float64Array.from(cells, Number) };
}

/** Codes have 16 bits: rows of one commit whose strings exceed that go as plain strings. */
function dictionaryOf(cells: readonly string[]): Column {
  const codes = new Map<string, number>();
  for (const cell of cells) if (!codes.has(cell)) codes.set(cell, codes.size);
  if (codes.size > 65_536)
    return { kind: 'utf8', values: bytesOf(cells.map((cell) => new TextEncoder().encode(cell))) };
  return {
    kind: 'dictionary',
    codes: Uint16Array.from(cells, (cell) => codes.get(cell)!),
    dictionary: [...codes.keys()],
  };
}

function bytesOf(cells: readonly Uint8Array[]): Utf8Column {
  const offsets = new Uint32Array(cells.length + 1);
  cells.forEach((cell, row) => (offsets[row + 1] = offsets[row] + cell.length));
  const bytes = new Uint8Array(offsets[cells.length]);
  cells.forEach((cell, row) => bytes.set(cell, offsets[row]));
  return { offsets, bytes };
}
