import {
  Binary,
  Bool,
  Decimal,
  Field,
  Float64,
  Int64,
  List,
  makeData,
  Map_,
  RecordBatch,
  RecordBatchStreamWriter,
  Schema,
  Struct,
  Table,
  tableToIPC,
  TimestampMicrosecond,
  Uint64,
  Utf8,
  type Data,
  type DataType,
} from 'apache-arrow';
import { DECIMAL_SCALE } from '@k2/domain/market';
import type { AnswerBatches, AnswerBatch, AnswerColumn } from '@k2/ports';
import { arrowData } from './arrow-data.ts';

/** Which Arrow type a column has: exact ones throughout, so that nothing is rounded on the way. */
function arrowType({ type, scale = DECIMAL_SCALE, range }: AnswerColumn, decimalPrecision: number): DataType {
  switch (type) {
    case 'integer':
      if (range === 'wide') return new Decimal(0, WIDE_INTEGER_DIGITS, 256);
      return range === 'uint64' ? new Uint64() : new Int64();
    case 'timestamp':
      return new TimestampMicrosecond('UTC');
    case 'decimal':
      return new Decimal(scale, decimalPrecision, 128);
    case 'double':
      return new Float64();
    case 'boolean':
      return new Bool();
    case 'binary':
      return new Binary();
    case 'string':
    case 'json':
      return new Utf8();
    case 'string-list':
      return new List(new Field('item', new Utf8(), true));
    case 'string-map':
      return new Map_(new Field('entries', new Struct<{ key: Utf8; value: Utf8 }>(mapFields()), false));
  }
}

function mapFields() {
  return [new Field('key', new Utf8(), false), new Field('value', new Utf8(), true)];
}

/** Sums of ticks' decimals, and what SQL makes of them. */
const WIDE_DECIMAL_PRECISION = 38;
/** Of 2^128 - 1 and -2^127. */
const WIDE_INTEGER_DIGITS = 39;

/**
 * Arrow IPC streaming format: the schema, a record batch for each batch of the answer, the end mark. Decimals are
 * Decimal128 of the precision given. A column's type is that of its declared SQL type, and holds every value of that.
 */
export async function* encodeArrow(
  { columns, batches }: AnswerBatches,
  decimalPrecision: number = WIDE_DECIMAL_PRECISION,
): AsyncGenerator<Uint8Array> {
  const fields = columns.map((column) => new Field(column.name, arrowType(column, decimalPrecision), true));
  const schema = new Schema(fields);
  const head = firstMessage(tableToIPC(new Table(schema), 'stream'));
  let isBegun = false;
  for await (const batch of batches) {
    if (batch.rowCount === 0) continue;
    const stream = RecordBatchStreamWriter.writeAll([recordBatch(schema, columns, batch)]).toUint8Array(true);
    // What the first batch cannot be sent as is an error, and not an answer that breaks off after its schema.
    if (!isBegun) yield head;
    isBegun = true;
    yield stream.subarray(firstMessage(stream).length, stream.length - END_MARK.length);
  }
  if (!isBegun) yield head;
  yield END_MARK;
}

/** Continuation mark and a length of zero. */
const END_MARK = new Uint8Array([255, 255, 255, 255, 0, 0, 0, 0]);

/** The schema's message has no body: mark, length of the metadata, metadata. */
function firstMessage(stream: Uint8Array): Uint8Array {
  const length = new DataView(stream.buffer, stream.byteOffset).getInt32(4, true);
  return stream.subarray(0, 8 + length);
}

function recordBatch(schema: Schema, columns: readonly AnswerColumn[], batch: AnswerBatch): RecordBatch {
  const children: Data[] = columns.map((column, at) =>
    arrowData(schema.fields[at].type, column, batch.columns[at], batch.nulls[at] ?? null, batch.rowCount),
  );
  const data = makeData({ type: new Struct(schema.fields), length: batch.rowCount, nullCount: 0, children });
  return new RecordBatch(schema, data);
}
