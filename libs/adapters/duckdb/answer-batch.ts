import type duckdb from '@duckdb/node-bindings';
import { int64At, int64Words, isSafeAt } from '@k2/domain/market';
import type { AnswerBatch, AnswerDictionaryValue, AnswerValues } from '@k2/ports';
import {
  DuckDBBlobValue,
  DuckDBDateValue,
  DuckDBDecimalValue,
  DuckDBTimestampMillisecondsValue,
  DuckDBTimestampNanosecondsValue,
  DuckDBTimestampSecondsValue,
  JsonDuckDBValueConverter,
  type DuckDBDataChunk,
  type DuckDBValue,
  type DuckDBValueConverter,
  type Json,
} from '@duckdb/node-api';
import type { ReadColumn, Reading } from './answer-types.ts';
import { chunkVector, dataOf, isValid, type ChunkVector } from './chunk-vectors.ts';
import { QuestionError } from './question-error.ts';
import { binaryValues, nestedValues, stringValues, utf8Values } from './string-columns.ts';

/** Chunks of up to 2,048 rows joined into one batch of columns. */
export function answerBatch(columns: readonly ReadColumn[], chunks: readonly DuckDBDataChunk[]): AnswerBatch {
  const rowCount = chunks.reduce((rows, chunk) => rows + chunk.rowCount, 0);
  const read = columns.map(({ reading }, index) => {
    const vectors = chunks.map((chunk) => chunkVector(rawChunk(chunk), index, chunk.rowCount));
    return {
      values:
        reading.kind === 'converted'
          ? convertedValues(reading.asText, chunks, index, rowCount)
          : columnValues(reading, vectors, rowCount),
      nulls: nullsOf(vectors, rowCount),
    };
  });
  return { rowCount, columns: read.map(({ values }) => values), nulls: read.map(({ nulls }) => nulls) };
}

/** Size of a batch as it is sent, dictionaries by their text. */
export function batchBytes({ columns }: AnswerBatch): number {
  return columns.reduce((bytes, column) => bytes + columnBytes(column), 0);
}

function columnBytes(column: AnswerValues): number {
  switch (column.kind) {
    case 'utf8':
    case 'binary':
      return column.values.bytes.byteLength + column.values.offsets.byteLength;
    case 'dictionary':
      return column.codes.byteLength + column.dictionary.reduce((bytes, value) => bytes + textLength(value), 0);
    default:
      return column.values.byteLength;
  }
}

function textLength(value: AnswerDictionaryValue): number {
  return typeof value === 'string' ? value.length : JSON.stringify(value).length;
}

function rawChunk(chunk: DuckDBDataChunk): duckdb.DataChunk {
  return chunk.chunk;
}

function nullsOf(vectors: readonly ChunkVector[], rowCount: number): Uint8Array | null {
  if (vectors.every(({ validity }) => validity === null)) return null;
  const nulls = new Uint8Array(rowCount);
  forEachRow(vectors, (row, { validity }, at) => {
    nulls[row] = isValid(validity, at) ? 0 : 1;
  });
  return nulls;
}

function columnValues(
  reading: Exclude<Reading, { kind: 'converted' }>,
  vectors: readonly ChunkVector[],
  rowCount: number,
): AnswerValues {
  switch (reading.kind) {
    case 'integer':
      return reading.bytes === 8 && reading.signed && reading.factor === 1n
        ? int64Values(vectors, rowCount)
        : wideValues(vectors, rowCount, reading, null);
    case 'decimal':
      return reading.bytes === 8
        ? { kind: 'decimal', values: int64Column(vectors, rowCount) }
        : wideValues(vectors, rowCount, { ...reading, signed: true, factor: 1n }, reading.scale);
    case 'double':
      return { kind: 'double', values: doubles(vectors, rowCount, reading.bytes) };
    case 'boolean':
      return { kind: 'boolean', values: joined(vectors, new Uint8Array(rowCount), 1) };
    case 'string':
      return stringValues(vectors, rowCount);
    case 'binary':
      return binaryValues(vectors, rowCount);
    case 'string-list':
    case 'string-map':
      return nestedValues(vectors, rowCount, reading.kind);
  }
}

/** Integers and times: as numbers, or as int64 where one of them is beyond 2^53. */
function int64Values(vectors: readonly ChunkVector[], rowCount: number): AnswerValues {
  const column = int64Column(vectors, rowCount);
  const words = int64Words(column);
  const values = new Float64Array(rowCount);
  for (let row = 0; row < rowCount; row++) {
    if (!isSafeAt(words, row)) return { kind: 'int64', values: column };
    values[row] = int64At(words, row);
  }
  return { kind: 'integer', values };
}

/** Zero where null: what lies there is whatever the memory held. */
function int64Column(vectors: readonly ChunkVector[], rowCount: number): BigInt64Array {
  const column = new BigInt64Array(rowCount);
  joined(vectors, new Uint8Array(column.buffer), 8);
  if (vectors.some(({ validity }) => validity !== null)) {
    forEachRow(vectors, (row, { validity }, at) => {
      if (!isValid(validity, at)) column[row] = 0n;
    });
  }
  return column;
}

interface Width {
  readonly bytes: 1 | 2 | 4 | 8 | 16;
  readonly signed: boolean;
  readonly factor: bigint;
}

/** Every other width, by way of bigint: rare, or one row a group. `scale` is null for integers. */
function wideValues(
  vectors: readonly ChunkVector[],
  rowCount: number,
  width: Width,
  scale: number | null,
): AnswerValues {
  const narrow = width.bytes === 16 && width.signed && scale !== null ? narrowed(vectors, rowCount) : null;
  if (narrow !== null) return { kind: 'decimal', values: narrow };
  const values: bigint[] = new Array<bigint>(rowCount).fill(0n);
  for (const { start, vector } of placed(vectors)) {
    const data = dataOf(vector, width.bytes);
    const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    for (let at = 0; at < vector.rowCount; at++) {
      if (isValid(vector.validity, at)) values[start + at] = scaledTime(wideAt(view, at, width), width.factor);
    }
  }
  const isInt64 = values.every((value) => value === BigInt.asIntN(64, value));
  if (!isInt64) return utf8Values(values.map((value) => printScaled(value, scale ?? 0)));
  if (scale !== null) return { kind: 'decimal', values: BigInt64Array.from(values) };
  const isSafe = values.every((value) => Number.isSafeInteger(Number(value)));
  return isSafe
    ? { kind: 'integer', values: Float64Array.from(values, Number) }
    : { kind: 'int64', values: BigInt64Array.from(values) };
}

/** A time in µs: an infinite one is the same in every unit. */
function scaledTime(value: bigint, factor: bigint): bigint {
  if (factor === 1n || value === INFINITE_INT64 || value === -INFINITE_INT64) return value;
  const timeUs = value * factor;
  if (timeUs === BigInt.asIntN(64, timeUs)) return timeUs;
  throw new QuestionError(
    'invalid-query',
    `a time of the answer, ${timeUs} µs since 1970, is beyond 64 bits: cast the column to VARCHAR`,
  );
}

/** 128-bit decimals as int64, without a bigint each; null where one of them needs more. */
function narrowed(vectors: readonly ChunkVector[], rowCount: number): BigInt64Array | null {
  const values = new BigInt64Array(rowCount);
  const out = new Int32Array(values.buffer);
  for (const { start, vector } of placed(vectors)) {
    const data = dataOf(vector, 16);
    const words = new Int32Array(data.buffer, data.byteOffset, vector.rowCount * 4);
    for (let at = 0; at < vector.rowCount; at++) {
      if (!isValid(vector.validity, at)) continue;
      const high = words[4 * at + 1];
      const sign = high >> 31;
      if (words[4 * at + 2] !== sign || words[4 * at + 3] !== sign) return null;
      out[2 * (start + at)] = words[4 * at];
      out[2 * (start + at) + 1] = high;
    }
  }
  return values;
}

function wideAt(view: DataView, row: number, { bytes, signed }: Width): bigint {
  switch (bytes) {
    case 1:
      return BigInt(signed ? view.getInt8(row) : view.getUint8(row));
    case 2:
      return BigInt(signed ? view.getInt16(row * 2, true) : view.getUint16(row * 2, true));
    case 4:
      return BigInt(signed ? view.getInt32(row * 4, true) : view.getUint32(row * 4, true));
    case 8:
      return signed ? view.getBigInt64(row * 8, true) : view.getBigUint64(row * 8, true);
    case 16: {
      const high = signed ? view.getBigInt64(row * 16 + 8, true) : view.getBigUint64(row * 16 + 8, true);
      return (high << 64n) + view.getBigUint64(row * 16, true);
    }
  }
}

/** Shortest exact form, as the domain's `printDecimal` at scale 8. */
function printScaled(value: bigint, scale: number): string {
  return withoutZeros(new DuckDBDecimalValue(value, 38, scale).toString());
}

function withoutZeros(decimal: string): string {
  return decimal.includes('.') ? decimal.replace(/\.?0+$/, '') : decimal;
}

/**
 * DuckDB's JSON, with values within lists and structs as they are alone: decimals in their shortest form, binary in
 * base64, the negative zero with its sign; and infinite times of every type as such: DuckDB's client knows those of µs,
 * and makes a far date of the others.
 */
const exactJson: DuckDBValueConverter<Json> = (value, type, converter) => {
  if (value instanceof DuckDBDecimalValue) return withoutZeros(value.toString());
  if (value instanceof DuckDBBlobValue) return Buffer.from(value.bytes).toString('base64');
  if (Object.is(value, -0)) return NEGATIVE_ZERO;
  return infiniteText(value) ?? JsonDuckDBValueConverter(value, type, converter);
};

/** JavaScript's own text of it is `0`. TypeScript does not know `rawJSON` yet. */
const NEGATIVE_ZERO = (JSON as unknown as { rawJSON(text: string): Json }).rawJSON('-0');

function infiniteText(value: DuckDBValue): string | null {
  const at = timeNumber(value);
  if (at === null) return null;
  const most = typeof at === 'number' ? 2 ** 31 - 1 : INFINITE_INT64;
  if (at === most) return 'infinity';
  return at === -most ? '-infinity' : null;
}

function timeNumber(value: DuckDBValue): number | bigint | null {
  if (value instanceof DuckDBDateValue) return value.days;
  if (value instanceof DuckDBTimestampSecondsValue) return value.seconds;
  if (value instanceof DuckDBTimestampMillisecondsValue) return value.millis;
  return value instanceof DuckDBTimestampNanosecondsValue ? value.nanos : null;
}

const INFINITE_INT64 = 2n ** 63n - 1n;

function doubles(vectors: readonly ChunkVector[], rowCount: number, bytes: 4 | 8): Float64Array {
  if (bytes === 8) {
    const values = new Float64Array(rowCount);
    joined(vectors, new Uint8Array(values.buffer), 8);
    return values;
  }
  const narrow = new Float32Array(rowCount);
  joined(vectors, new Uint8Array(narrow.buffer), 4);
  return Float64Array.from(narrow);
}

function joined(vectors: readonly ChunkVector[], target: Uint8Array, bytes: number): Uint8Array {
  for (const { start, vector } of placed(vectors)) target.set(dataOf(vector, bytes), start * bytes);
  return target;
}

function convertedValues(
  asText: boolean,
  chunks: readonly DuckDBDataChunk[],
  index: number,
  rowCount: number,
): AnswerValues {
  const texts: string[] = [];
  for (const chunk of chunks) {
    for (const value of chunk.convertColumnValues(index, exactJson)) {
      texts.push(value === null ? '' : asText ? String(value) : JSON.stringify(value));
    }
  }
  if (texts.length !== rowCount) throw new Error(`${texts.length} values in a column of ${rowCount} rows`);
  return utf8Values(texts);
}

function* placed(vectors: readonly ChunkVector[]): Iterable<{ start: number; vector: ChunkVector }> {
  let start = 0;
  for (const vector of vectors) {
    yield { start, vector };
    start += vector.rowCount;
  }
}

function forEachRow(
  vectors: readonly ChunkVector[],
  visit: (row: number, vector: ChunkVector, at: number) => void,
): void {
  for (const { start, vector } of placed(vectors)) {
    for (let at = 0; at < vector.rowCount; at++) visit(start + at, vector, at);
  }
}
