import type { Rejection } from '../lake/audit-records.ts';
import { int64Words, setInt64 } from '../market/int64.ts';
import {
  BATCH_ROWS_MAX,
  type QuoteBatch,
  type TickColumns,
  type TradeBatch,
  type Utf8Column,
} from '../market/tick-batch.ts';
import { AGGRESSOR_SIDES, type VendorData } from '../market/ticks.ts';
import { AvroReader, CodecError } from './avro-reader.ts';
import type { BlockPayload } from './block-payload.ts';
import { oneOf } from './series-codec.ts';
import { SeriesReader } from './series-reader.ts';

const POWERS_OF_TEN = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];
const DICTIONARY_MAX = BATCH_ROWS_MAX;

/** Of all blocks: those of one topic name the same series, and whoever reads has few topics. */
const seriesReader = new SeriesReader();

/** The inverse of `encodeBlock`. Throws CodecError on bytes that it could not have written. */
export function decodeBlock(bytes: Uint8Array): BlockPayload {
  const input = new AvroReader(bytes);
  const branch = input.long();
  let payload: BlockPayload;
  if (branch === 0) payload = { kind: 'ticks', batch: readTrades(input) };
  else if (branch === 1) payload = { kind: 'ticks', batch: readQuotes(input) };
  else if (branch === 2) payload = { kind: 'rejections', rejections: readRejections(input) };
  else throw new CodecError(`the record is of kind ${branch}: expected 0 trades, 1 quotes or 2 rejections`);
  input.assertAtEnd();
  return payload;
}

function readTrades(input: AvroReader): TradeBatch {
  const { common, ids } = readCommon(input);
  const { rowCount } = common;
  const price = readDecimals(input, common, 'price');
  const quantity = readDecimals(input, common, 'quantity');
  const aggressorSide = input.raw().slice();
  if (aggressorSide.length !== rowCount || aggressorSide.some((side) => side >= AGGRESSOR_SIDES.length)) {
    throw new CodecError(`side is not ${rowCount} bytes of 0 to ${AGGRESSOR_SIDES.length - 1}`);
  }
  const conditions: (readonly string[])[] = [];
  input.array(DICTIONARY_MAX, 'trade_conditions', () => conditions.push(input.strings()));
  const conditionsCode = readCodes(input, rowCount, conditions.length, 'trade_conditions');
  return {
    recordType: 'trades',
    ...common,
    tradeId: ids,
    price,
    quantity,
    aggressorSide,
    conditions,
    conditionsCode,
  };
}

function readQuotes(input: AvroReader): QuoteBatch {
  const { common, ids } = readCommon(input);
  const bidPrice = readDecimals(input, common, 'bid_price');
  const bidQuantity = readDecimals(input, common, 'bid_quantity');
  const askPrice = readDecimals(input, common, 'ask_price');
  const askQuantity = readDecimals(input, common, 'ask_quantity');
  return { recordType: 'quotes', ...common, quoteId: ids, bidPrice, bidQuantity, askPrice, askQuantity };
}

function readCommon(input: AvroReader): { common: TickColumns; ids: Utf8Column } {
  const rowCount = input.count(BATCH_ROWS_MAX, 'rows');
  const series = seriesReader.readAll(input, DICTIONARY_MAX);
  const seriesCode = readCodes(input, rowCount, series.length, 'series');
  const eventTimeUs = readDeltas(input, rowCount, 'timestamp');
  const receiveTimeUs = readDeltas(input, rowCount, 'ingestion_timestamp');
  const venueSequence = readSequences(input, seriesCode, series.length);
  const vendorData: (VendorData | null)[] = [];
  input.array(DICTIONARY_MAX, 'vendor_data', () => vendorData.push(readVendorData(input)));
  const vendorDataCode = readCodes(input, rowCount, vendorData.length, 'vendor_data');
  const ids = readIds(input, rowCount);
  return {
    common: {
      rowCount,
      series,
      seriesCode,
      eventTimeUs,
      receiveTimeUs,
      venueSequence,
      vendorData,
      vendorDataCode,
    },
    ids,
  };
}

function readVendorData(input: AvroReader): VendorData | null {
  return input.branch(2) === 0 ? null : input.stringMap();
}

function readCodes(input: AvroReader, rowCount: number, dictionarySize: number, what: string): Uint16Array {
  const codes = new Uint16Array(rowCount);
  const read = input.longs(rowCount, `the codes of ${what}`, true);
  if (read === null) {
    if (dictionarySize === 0) throw new CodecError(`the dictionary of ${what} is empty`);
    return codes;
  }
  for (let row = 0; row < rowCount; row++) {
    const code = read[row];
    if (!(code >= 0 && code < dictionarySize)) {
      throw new CodecError(`a code of ${what} is ${code}: its dictionary has ${dictionarySize} entries`);
    }
    codes[row] = code;
  }
  return codes;
}

function readDeltas(input: AvroReader, rowCount: number, what: string): Float64Array {
  const values = input.longs(rowCount, what)!;
  for (let row = 1; row < rowCount; row++) values[row] += values[row - 1];
  return values;
}

function readSequences(input: AvroReader, codes: Uint16Array, seriesCount: number): Float64Array {
  const values = input.longs(codes.length, 'source_sequence')!;
  sumBySeries(values, codes, seriesCount);
  return values;
}

function readDecimals(input: AvroReader, { rowCount, seriesCode, series }: TickColumns, what: string): BigInt64Array {
  const exponent = input.long();
  if (!(exponent >= -1 && exponent < POWERS_OF_TEN.length)) {
    throw new CodecError(`the exponent of ${what} is ${exponent}: expected -1 to ${POWERS_OF_TEN.length - 1}`);
  }
  const decimals = new BigInt64Array(rowCount);
  if (exponent === -1) {
    const count = input.array(rowCount, what, (row) => (decimals[row] = input.bigLong()));
    if (count !== rowCount) throw new CodecError(`${what} has ${count} values for ${rowCount} rows`);
    return decimals;
  }
  const values = input.longs(rowCount, what)!;
  sumBySeries(values, seriesCode, series.length);
  const words = int64Words(decimals);
  const factor = POWERS_OF_TEN[exponent];
  for (let row = 0; row < rowCount; row++) setInt64(words, row, values[row] * factor);
  return decimals;
}

/** Differences within a series become values, in place. */
function sumBySeries(values: Float64Array, codes: Uint16Array, seriesCount: number): void {
  const previous = new Float64Array(seriesCount);
  for (let row = 0; row < values.length; row++) {
    const code = codes[row];
    values[row] = previous[code] = previous[code] + values[row];
  }
}

function readIds(input: AvroReader, rowCount: number): Utf8Column {
  const offsets = new Uint32Array(rowCount + 1);
  const lengths = input.longs(rowCount, 'id_length', true);
  let end = 0;
  if (lengths !== null) {
    for (let row = 0; row < rowCount; row++) {
      if (lengths[row] < 0) throw new CodecError(`an id_length is ${lengths[row]}: expected 0 or more`);
      offsets[row + 1] = end += lengths[row];
    }
  }
  const bytes = input.raw().slice();
  if (bytes.length !== end) throw new CodecError(`ids has ${bytes.length} bytes: its lengths add up to ${end}`);
  return { offsets, bytes };
}

function readRejections(input: AvroReader): readonly Rejection[] {
  const rejections: Rejection[] = [];
  input.array(BATCH_ROWS_MAX, 'rejections', () => {
    rejections.push({
      quarantineId: input.string(),
      exchange: input.string(),
      recordType: oneOf(input.string(), ['trades', 'quotes', 'unknown'], 'record_type') as Rejection['recordType'],
      source: input.string(),
      position: input.long(),
      reason: input.string(),
      detail: input.string(),
      raw: input.raw().slice(),
      receiveTimeUs: input.long(),
    });
  });
  return rejections;
}
