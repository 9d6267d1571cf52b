import { printDecimal, type DictionaryValue, type FieldType, type Utf8Column } from '@k2/domain/market';
import type { AnswerBatch, AnswerColumn, AnswerType, AnswerValues, ScanField } from '@k2/ports';
import type { CellValue } from './memory-column-values.ts';

/** An answer that is known, cell by cell; its batches are made when they are pulled. */
export interface AnswerTable {
  readonly columns: readonly AnswerColumn[];
  readonly rowCount: number;
  cell(row: number, column: number): CellValue;
}

export function answerColumn({ name, type }: Pick<ScanField, 'name' | 'type'>): AnswerColumn {
  return type === 'decimal' ? { name, type, scale: 8 } : { name, type: ANSWER_TYPES[type] };
}

const ANSWER_TYPES: Readonly<Record<FieldType, AnswerType>> = {
  string: 'string',
  int: 'integer',
  long: 'integer',
  timestamp: 'timestamp',
  decimal: 'decimal',
  binary: 'binary',
  'string-list': 'string-list',
  'string-map': 'string-map',
};

/** Rows `[from, to)`. */
export function answerBatch(table: AnswerTable, from: number, to: number): AnswerBatch {
  const cells = table.columns.map((_, column) =>
    Array.from({ length: to - from }, (_, row) => table.cell(from + row, column)),
  );
  return {
    rowCount: to - from,
    columns: table.columns.map((column, at) => answerValues(column.type, cells[at])),
    nulls: cells.map((column) =>
      column.includes(null) ? Uint8Array.from(column, (cell) => (cell === null ? 1 : 0)) : null,
    ),
  };
}

function answerValues(type: AnswerType, cells: readonly CellValue[]): AnswerValues {
  switch (type) {
    case 'integer':
    case 'timestamp':
      return integersOf(cells);
    case 'decimal':
      return decimalsOf(cells.map((cell) => (typeof cell === 'bigint' ? cell : 0n)));
    case 'binary':
      return { kind: 'binary', values: bytesOf(cells) };
    case 'string':
    case 'string-list':
    case 'string-map':
      return dictionaryOf(cells);
    case 'double':
    case 'boolean':
    case 'json':
      throw new TypeError(`no typed question answers with a ${type}`);
  }
}

function integersOf(cells: readonly CellValue[]): AnswerValues {
  if (cells.some((cell) => typeof cell === 'bigint'))
    return { kind: 'int64', values: BigInt64Array.from(cells, (cell) => BigInt((cell ?? 0) as number | bigint)) };
  return { kind: 'integer', values: Float64Array.from(cells, (cell) => Number(cell ?? 0)) };
}

/** Sums may be beyond int64, which would wrap: such a batch carries its decimals as text. */
function decimalsOf(scaled: readonly bigint[]): AnswerValues {
  if (scaled.every((value) => BigInt.asIntN(64, value) === value))
    return { kind: 'decimal', values: BigInt64Array.from(scaled) };
  return { kind: 'utf8', values: bytesOf(scaled.map((value) => new TextEncoder().encode(printDecimal(value)))) };
}

/** A batch has fewer rows than codes of 16 bits can tell apart. */
function dictionaryOf(cells: readonly CellValue[]): AnswerValues {
  const codes = new Map<CellValue, number>();
  for (const cell of cells) if (!codes.has(cell)) codes.set(cell, codes.size);
  const dictionary = [...codes.keys()] as DictionaryValue[];
  return { kind: 'dictionary', codes: Uint16Array.from(cells, (cell) => codes.get(cell)!), dictionary };
}

function bytesOf(cells: readonly CellValue[]): Utf8Column {
  const values = cells.map((cell) => (cell instanceof Uint8Array ? cell : new Uint8Array()));
  const offsets = new Uint32Array(values.length + 1);
  values.forEach((value, row) => (offsets[row + 1] = offsets[row] + value.length));
  const bytes = new Uint8Array(offsets[values.length]);
  values.forEach((value, row) => bytes.set(value, offsets[row]));
  return { offsets, bytes };
}
