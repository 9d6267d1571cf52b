/**
 * The schemas of everything K2 records: what the lake's tables, the API's rows and the log's records agree on.
 * Ids are Iceberg field ids and never change; a new column takes the next free id of its table.
 */

export type FieldType =
  | 'string'
  | 'int'
  | 'long'
  | 'timestamp' // UTC µs
  | 'decimal' // decimal(18,8)
  | 'binary'
  | 'string-list'
  | 'string-map';

export interface RecordField {
  readonly id: number;
  readonly name: string;
  readonly type: FieldType;
  readonly required: boolean;
  readonly doc: string;
  /** string-list: the element's id. string-map: the key's id, the value's being the next. */
  readonly nestedId?: number;
}

export interface RecordSchema {
  readonly table: TableName;
  readonly fields: readonly RecordField[];
  /** Transform and source column; the lake's default partitioning. */
  readonly partitionBy: readonly { readonly field: string; readonly transform: 'day' | 'identity' }[];
  readonly sortBy: readonly string[];
}

export type TableName =
  'market_data.trades' | 'market_data.quotes' | 'audit.sequence_gaps' | 'audit.sessions' | 'audit.quarantine';

const field = (id: number, name: string, type: FieldType, doc: string, more?: Partial<RecordField>): RecordField => ({
  id,
  name,
  type,
  required: true,
  doc,
  ...more,
});
const optional = { required: false };

export const TRADES_SCHEMA: RecordSchema = {
  table: 'market_data.trades',
  fields: [
    field(1, 'trade_id', 'string', 'Trade id of the venue, where it gives one.', optional),
    field(2, 'symbol', 'string', 'Symbol of the venue, verbatim.'),
    field(3, 'exchange', 'string', 'Venue code.'),
    field(4, 'asset_class', 'string', 'equities, crypto, futures, fx or options.'),
    field(5, 'timestamp', 'timestamp', "The venue's time of the match, UTC µs."),
    field(6, 'price', 'decimal', 'Price, in currency.'),
    field(7, 'quantity', 'decimal', 'Quantity traded.'),
    field(8, 'currency', 'string', 'ISO 4217 code or quote asset.'),
    field(9, 'side', 'string', 'Aggressor: BUY, SELL or UNKNOWN.'),
    field(10, 'trade_conditions', 'string-list', 'Condition codes of the venue, verbatim.', { nestedId: 16 }),
    field(11, 'source_sequence', 'long', 'Sequence within exchange, symbol and session.'),
    field(12, 'session', 'string', 'Session of the venue; empty where it has none.'),
    field(13, 'ingestion_timestamp', 'timestamp', 'When K2 received it, UTC µs.'),
    field(14, 'platform_sequence', 'long', 'Position in the log: offset × 65,536 + index in the record.'),
    field(15, 'vendor_data', 'string-map', 'What only this venue has.', { ...optional, nestedId: 17 }),
  ],
  partitionBy: [
    { field: 'timestamp', transform: 'day' },
    { field: 'exchange', transform: 'identity' },
  ],
  sortBy: ['symbol', 'timestamp', 'source_sequence'],
};

export const QUOTES_SCHEMA: RecordSchema = {
  table: 'market_data.quotes',
  fields: [
    field(1, 'quote_id', 'string', 'Quote id of the venue, where it gives one.', optional),
    field(2, 'symbol', 'string', 'Symbol of the venue, verbatim.'),
    field(3, 'exchange', 'string', 'Venue code.'),
    field(4, 'asset_class', 'string', 'equities, crypto, futures, fx or options.'),
    field(5, 'timestamp', 'timestamp', "The venue's time of the quote, UTC µs."),
    field(6, 'bid_price', 'decimal', 'Best bid; meaningless where bid_quantity is 0.'),
    field(7, 'bid_quantity', 'decimal', 'Quantity at the best bid; 0 means no bid.'),
    field(8, 'ask_price', 'decimal', 'Best ask; meaningless where ask_quantity is 0.'),
    field(9, 'ask_quantity', 'decimal', 'Quantity at the best ask; 0 means no ask.'),
    field(10, 'currency', 'string', 'ISO 4217 code or quote asset.'),
    field(11, 'source_sequence', 'long', 'Sequence within exchange, symbol and session.'),
    field(12, 'session', 'string', 'Session of the venue; empty where it has none.'),
    field(13, 'ingestion_timestamp', 'timestamp', 'When K2 received it, UTC µs.'),
    field(14, 'platform_sequence', 'long', 'Position in the log: offset × 65,536 + index in the record.'),
    field(15, 'vendor_data', 'string-map', 'What only this venue has.', { ...optional, nestedId: 16 }),
  ],
  partitionBy: TRADES_SCHEMA.partitionBy,
  sortBy: TRADES_SCHEMA.sortBy,
};

const SERIES_FIELDS = (first: number): RecordField[] => [
  field(first, 'record_type', 'string', 'trades or quotes.'),
  field(first + 1, 'exchange', 'string', 'Venue code.'),
  field(first + 2, 'symbol', 'string', 'Symbol of the venue, verbatim.'),
  field(first + 3, 'session', 'string', 'Session of the venue; empty where it has none.'),
];

export const SEQUENCE_GAPS_SCHEMA: RecordSchema = {
  table: 'audit.sequence_gaps',
  fields: [
    ...SERIES_FIELDS(1),
    field(
      5,
      'status',
      'string',
      'open: the range is in no table, it never came or was refused. filled: part of an open one arrived late.',
    ),
    field(6, 'sequence_from', 'long', 'First missing sequence.'),
    field(7, 'sequence_to', 'long', 'Last missing sequence, inclusive.'),
    field(
      8,
      'timestamp_from',
      'timestamp',
      "Venue's time of the last tick before the range; of the first after it at a session's start.",
    ),
    field(9, 'timestamp_to', 'timestamp', "Venue's time of the first tick after the range."),
    field(10, 'detected_timestamp', 'timestamp', 'When K2 received the tick that showed it.'),
    field(11, 'platform_sequence', 'long', 'Position in the log of the tick that showed it.'),
  ],
  partitionBy: [{ field: 'exchange', transform: 'identity' }],
  sortBy: ['symbol', 'timestamp_from', 'sequence_from'],
};

export const SESSIONS_SCHEMA: RecordSchema = {
  table: 'audit.sessions',
  fields: [
    ...SERIES_FIELDS(1),
    field(5, 'sequence_origin', 'string', 'venue: the venue numbers its ticks. arrival: K2 does; never verifiable.'),
    field(6, 'opened_by', 'string', 'first-tick, or reset: recognised from falling sequences.'),
    field(7, 'first_sequence', 'long', 'Sequence of the first tick seen.'),
    field(8, 'timestamp', 'timestamp', "Venue's time of the first tick seen."),
    field(9, 'platform_sequence', 'long', 'Position in the log of the first tick seen.'),
  ],
  partitionBy: [{ field: 'exchange', transform: 'identity' }],
  sortBy: ['symbol', 'timestamp'],
};

export const QUARANTINE_SCHEMA: RecordSchema = {
  table: 'audit.quarantine',
  fields: [
    field(1, 'quarantine_id', 'string', 'Derived from source and bytes: the same row refused twice is one entry.'),
    field(2, 'exchange', 'string', 'Venue code.'),
    field(3, 'record_type', 'string', 'trades, quotes or unknown.'),
    field(4, 'source', 'string', 'Where it came from: a file, a topic partition, a socket.'),
    field(5, 'position', 'long', 'Line, offset or platform sequence within the source.'),
    field(6, 'reason', 'string', 'Kind of refusal, stable: malformed-row, price-not-positive, …'),
    field(7, 'detail', 'string', 'What was wrong, with the value and what was expected.'),
    field(8, 'raw', 'binary', 'The bytes as received, or the tick as JSON where they are gone.'),
    field(9, 'ingestion_timestamp', 'timestamp', 'When K2 refused it, UTC µs.'),
    field(10, 'platform_sequence', 'long', 'Position in the log.'),
  ],
  partitionBy: [{ field: 'exchange', transform: 'identity' }],
  sortBy: ['ingestion_timestamp'],
};

export const RECORD_SCHEMAS: readonly RecordSchema[] = [
  TRADES_SCHEMA,
  QUOTES_SCHEMA,
  SEQUENCE_GAPS_SCHEMA,
  SESSIONS_SCHEMA,
  QUARANTINE_SCHEMA,
];

export function recordSchema(table: TableName): RecordSchema {
  return RECORD_SCHEMAS.find((schema) => schema.table === table)!;
}
