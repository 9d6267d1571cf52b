import type { TableName } from '@k2/domain/market';
import type { Question } from './query-engine.port.ts';

/** How an audit table is asked of, by any engine. */
export interface AuditShape {
  /** Columns that hold the time span a row is about; equal where it is one instant. */
  readonly from: string;
  readonly to: string;
  /** Of a ledger, series by series: what is missing is told in one pass. */
  readonly order: readonly string[];
  readonly hasSymbol: boolean;
}

/** Of the audit tables; other tables have none. */
export const AUDIT_SHAPES: Readonly<Partial<Record<TableName, AuditShape>>> = {
  'audit.sequence_gaps': {
    from: 'timestamp_from',
    to: 'timestamp_to',
    order: ['record_type', 'exchange', 'symbol', 'session', 'sequence_from', 'sequence_to', 'platform_sequence'],
    hasSymbol: true,
  },
  'audit.sessions': {
    from: 'timestamp',
    to: 'timestamp',
    order: ['record_type', 'exchange', 'symbol', 'timestamp', 'session', 'platform_sequence'],
    hasSymbol: true,
  },
  'audit.quarantine': {
    from: 'ingestion_timestamp',
    to: 'ingestion_timestamp',
    order: ['ingestion_timestamp', 'exchange', 'source', 'position', 'quarantine_id', 'platform_sequence'],
    hasSymbol: false,
  },
};

/** What is to be sorted by of the rows that a filter leaves: not by what is the same in all of them. */
export function auditOrder(
  { order }: AuditShape,
  { exchange, symbols, recordType }: Extract<Question, { readonly kind: 'audit' }>['filter'],
): readonly string[] {
  const same = new Set([
    ...(exchange === undefined ? [] : ['exchange']),
    ...(symbols?.length === 1 ? ['symbol'] : []),
    ...(recordType === undefined ? [] : ['record_type']),
  ]);
  return order.filter((name) => !same.has(name));
}
