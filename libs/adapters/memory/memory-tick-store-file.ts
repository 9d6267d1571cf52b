import { gapColumns, quarantineColumns, sessionColumns, type TimeSpan } from '@k2/domain/lake';
import {
  recordColumns,
  recordSchema,
  type Column,
  type ColumnBatch,
  type DictionaryValue,
  type TableName,
  type Utf8Column,
} from '@k2/domain/market';
import type { PlannedRows, ScanRequest } from '@k2/ports';

/** What a data file is to a lake: rows of one table as columns, by field id, with what is known of them for pruning. */
export interface MemoryFile {
  readonly key: string;
  readonly table: TableName;
  readonly rowCount: number;
  readonly sizeBytes: number;
  readonly columns: ReadonlyMap<number, Column>;
  readonly exchanges: ReadonlySet<DictionaryValue>;
  /** Null where the table has no symbols. */
  readonly symbols: ReadonlySet<DictionaryValue> | null;
  /** Range of `timestamp`, both inclusive; null where the table has none. */
  readonly timeSpan: TimeSpan | null;
}

/** One file for each batch and each kind of audit record that has rows. */
export function memoryFiles(rows: PlannedRows, newKey: (table: TableName) => string): MemoryFile[] {
  const file = (table: TableName, batch: ColumnBatch) => memoryFile(newKey(table), table, batch);
  return [
    ...rows.ticks.map((placed) =>
      file(placed.batch.recordType === 'trades' ? 'market_data.trades' : 'market_data.quotes', recordColumns(placed)),
    ),
    ...gapColumns(rows.gaps).map((columns) => file('audit.sequence_gaps', columns)),
    ...sessionColumns(rows.sessions).map((columns) => file('audit.sessions', columns)),
    ...quarantineColumns(rows.quarantine).map((columns) => file('audit.quarantine', columns)),
  ].filter(({ rowCount }) => rowCount > 0);
}

/** False only where no row of the file can match. */
export function mayMatch({ exchanges, symbols, timeSpan }: MemoryFile, request: ScanRequest): boolean {
  const { exchange, fromUs = -Infinity, toUs = Infinity } = request;
  if (exchange !== undefined && !exchanges.has(exchange)) return false;
  if (request.symbols !== undefined && symbols !== null && !request.symbols.some((symbol) => symbols.has(symbol)))
    return false;
  return timeSpan === null || (timeSpan.maxUs >= fromUs && timeSpan.minUs < toUs);
}

function memoryFile(key: string, table: TableName, { rowCount, columns }: ColumnBatch): MemoryFile {
  const schema = recordSchema(table);
  const named = (name: string) => columns.find((column) => column.name === name)?.column;
  const symbols = named('symbol');
  const times = named('timestamp');
  return {
    key,
    table,
    rowCount,
    sizeBytes: columns.reduce((sum, { column }) => sum + columnBytes(column), 0),
    columns: new Map(schema.fields.map(({ id, name }) => [id, named(name)!])),
    exchanges: distinct(named('exchange')!),
    symbols: symbols === undefined ? null : distinct(symbols),
    timeSpan: times?.kind === 'integer' ? range(times.values) : null,
  };
}

function distinct(column: Column): ReadonlySet<DictionaryValue> {
  if (column.kind !== 'dictionary') throw new TypeError(`a ${column.kind} column is not dictionary-coded`);
  const used = new Set<number>(column.codes);
  return new Set([...used].map((code) => column.dictionary[code]));
}

function range(values: Float64Array): TimeSpan {
  let minUs = Infinity;
  let maxUs = -Infinity;
  for (const value of values) {
    if (value < minUs) minUs = value;
    if (value > maxUs) maxUs = value;
  }
  return { minUs, maxUs };
}

function columnBytes(column: Column): number {
  const utf8Bytes = ({ bytes, offsets }: Utf8Column) => bytes.byteLength + offsets.byteLength;
  switch (column.kind) {
    case 'dictionary':
      return column.codes.byteLength;
    case 'utf8':
    case 'binary':
      return utf8Bytes(column.values);
    case 'integer':
    case 'int64':
    case 'decimal':
      return column.values.byteLength;
  }
}
