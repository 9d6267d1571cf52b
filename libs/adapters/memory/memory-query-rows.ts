import { recordSchema, type Column, type TableName } from '@k2/domain/market';
import type { TickFilter, TickPosition } from '@k2/ports';
import type { MemoryFile } from './memory-tick-store-file.ts';

/** The columns that place ticks in their order. Trades and quotes have them under different field ids. */
export interface PositionColumns {
  readonly timesUs: Float64Array;
  readonly sequences: Float64Array;
  readonly exchanges: readonly string[];
  readonly symbols: readonly string[];
  readonly sessions: readonly string[];
  readonly seriesCodes: Uint16Array | Uint8Array;
}

/** Rows of files: `at[i]` is the row in `files[fileOf[i]]`. */
export interface MatchingRows {
  readonly files: readonly MemoryFile[];
  readonly positions: readonly PositionColumns[];
  readonly fileOf: Uint32Array;
  readonly at: Uint32Array;
}

/** Rows of tick files that match. `check` is called now and then and may throw. */
export function matchingRows(files: readonly MemoryFile[], filter: TickFilter, check: () => void): MatchingRows {
  const positions = files.map(positionColumns);
  const total = files.reduce((sum, file) => sum + file.rowCount, 0);
  const fileOf = new Uint32Array(total);
  const at = new Uint32Array(total);
  const { fromUs = -Infinity, toUs = Infinity } = filter;
  let count = 0;
  positions.forEach(({ exchanges, symbols, seriesCodes, timesUs }, file) => {
    check();
    const wanted = exchanges.map((exchange, code) => isWanted(filter, exchange, symbols[code]));
    for (let row = 0; row < timesUs.length; row++) {
      if (!wanted[seriesCodes[row]] || !(timesUs[row] >= fromUs && timesUs[row] < toUs)) continue;
      fileOf[count] = file;
      at[count++] = row;
    }
  });
  return { files, positions, fileOf: fileOf.subarray(0, count), at: at.subarray(0, count) };
}

export function isWanted({ exchange, symbols }: TickFilter, ofExchange: string, ofSymbol: string): boolean {
  return (exchange === undefined || exchange === ofExchange) && (symbols === undefined || symbols.includes(ofSymbol));
}

/** Indices of matching rows in the order of ticks; ticks of one position stay in the order of their commits. */
export function inTickOrder({ positions, fileOf, at }: MatchingRows, indices: Uint32Array): Uint32Array {
  return indices.sort((a, b) => compareRows(positions[fileOf[a]], at[a], positions[fileOf[b]], at[b]) || a - b);
}

function compareRows(a: PositionColumns, rowA: number, b: PositionColumns, rowB: number): number {
  const byTime = a.timesUs[rowA] - b.timesUs[rowB];
  if (byTime !== 0) return byTime;
  const codeA = a.seriesCodes[rowA];
  const codeB = b.seriesCodes[rowB];
  const bySeries =
    compareText(a.exchanges[codeA], b.exchanges[codeB]) ||
    compareText(a.symbols[codeA], b.symbols[codeB]) ||
    compareText(a.sessions[codeA], b.sessions[codeB]);
  return bySeries || a.sequences[rowA] - b.sequences[rowB];
}

export function comparePosition(columns: PositionColumns, row: number, position: TickPosition): number {
  const code = columns.seriesCodes[row];
  return (
    columns.timesUs[row] - position.eventTimeUs ||
    compareText(columns.exchanges[code], position.exchange) ||
    compareText(columns.symbols[code], position.symbol) ||
    compareText(columns.sessions[code], position.session) ||
    columns.sequences[row] - position.venueSequence
  );
}

/** Order of Unicode code points, which is that of UTF-8 bytes; `<` on strings is not, beyond U+FFFF. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const unitA = a.charCodeAt(i);
    const unitB = b.charCodeAt(i);
    if (unitA !== unitB) return codePointRank(unitA) - codePointRank(unitB);
  }
  return a.length - b.length;
}

/** Puts surrogates, which stand for code points beyond U+FFFF, after all other units. */
function codePointRank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

/** Columns are kept by field id, which a rename does not change; the ids are those of the record schema. */
export function schemaFieldId(table: TableName, name: string): number | null {
  return recordSchema(table).fields.find((field) => field.name === name)?.id ?? null;
}

function schemaColumn(file: MemoryFile, name: string): Column {
  return file.columns.get(schemaFieldId(file.table, name)!)!;
}

/** Of a column that ticks have in every row, as `recordColumns` makes it. */
export function decimalsOf(file: MemoryFile, name: string): BigInt64Array {
  const column = schemaColumn(file, name);
  if (column.kind !== 'decimal') throw new TypeError(`${name} is a column of ${column.kind}, not of decimals`);
  return column.values;
}

function positionColumns(file: MemoryFile): PositionColumns {
  const exchange = textOf(file, 'exchange');
  return {
    timesUs: integersOf(file, 'timestamp'),
    sequences: integersOf(file, 'source_sequence'),
    exchanges: exchange.dictionary,
    symbols: textOf(file, 'symbol').dictionary,
    sessions: textOf(file, 'session').dictionary,
    // What belongs to the series of a tick has the codes of its series.
    seriesCodes: exchange.codes,
  };
}

function integersOf(file: MemoryFile, name: string): Float64Array {
  const column = schemaColumn(file, name);
  if (column.kind !== 'integer') throw new TypeError(`${name} is a column of ${column.kind}, not of integers`);
  return column.values;
}

/** Values by series code. */
export function seriesTexts(file: MemoryFile, name: 'asset_class' | 'currency'): readonly string[] {
  return textOf(file, name).dictionary;
}

function textOf(
  file: MemoryFile,
  name: string,
): { readonly codes: Uint16Array | Uint8Array; readonly dictionary: readonly string[] } {
  const column = schemaColumn(file, name);
  if (column.kind !== 'dictionary') throw new TypeError(`${name} is a column of ${column.kind}, not dictionary-coded`);
  return { codes: column.codes, dictionary: column.dictionary.map(String) };
}
