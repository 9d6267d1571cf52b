import type { TableName } from '@k2/domain/market';

/** How an audit table is asked of, by any engine. */
export interface AuditShape {
  /** Columns that hold the time span a row is about; equal where it is one instant. */
  readonly from: string;
  readonly to: string;
  readonly order: readonly string[];
  readonly hasSymbol: boolean;
}

/** Of the audit tables; other tables have none. */
export const AUDIT_SHAPES: Readonly<Partial<Record<TableName, AuditShape>>> = {
  'audit.sequence_gaps': {
    from: 'timestamp_from',
    to: 'timestamp_to',
    order: [
      'timestamp_from',
      'exchange',
      'symbol',
      'session',
      'record_type',
      'sequence_from',
      'sequence_to',
      'platform_sequence',
    ],
    hasSymbol: true,
  },
  'audit.sessions': {
    from: 'timestamp',
    to: 'timestamp',
    order: ['timestamp', 'exchange', 'symbol', 'session', 'record_type', 'platform_sequence'],
    hasSymbol: true,
  },
  'audit.quarantine': {
    from: 'ingestion_timestamp',
    to: 'ingestion_timestamp',
    order: ['ingestion_timestamp', 'exchange', 'source', 'position', 'quarantine_id', 'platform_sequence'],
    hasSymbol: false,
  },
};
