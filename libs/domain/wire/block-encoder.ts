import type { Rejection } from '../lake/audit-records.ts';
import { int64At, int64Words, isSafeAt } from '../market/int64.ts';
import type { QuoteBatch, TickBatch, TradeBatch, Utf8Column } from '../market/tick-batch.ts';
import type { VendorData } from '../market/ticks.ts';
import { AvroWriter } from './avro-writer.ts';
import type { BlockPayload } from './block-payload.ts';
import { encodedSeries } from './series-codec.ts';

/** Values up to this are delta-coded in plain numbers: differences and their zig-zag forms stay exact. */
const DELTA_SAFE_MAX = 2 ** 51;
const POWERS_OF_TEN = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];

/** One log record in `block` framing; see `block-schema.ts` for the layout. */
export function encodeBlock(payload: BlockPayload): Uint8Array {
  if (payload.kind === 'rejections') return encodeRejections(payload.rejections);
  const { batch } = payload;
  const out = new AvroWriter(256 + batch.rowCount * 24);
  out.long(batch.recordType === 'trades' ? 0 : 1);
  writeCommon(out, batch);
  if (batch.recordType === 'trades') writeTrades(out, batch);
  else writeQuotes(out, batch);
  return out.finish();
}

function encodeRejections(rejections: readonly Rejection[]): Uint8Array {
  const out = new AvroWriter(1_024);
  out.long(2);
  out.array(rejections.length, (i) => {
    const rejection = rejections[i];
    out.string(rejection.quarantineId);
    out.string(rejection.exchange);
    out.string(rejection.recordType);
    out.string(rejection.source);
    out.long(rejection.position);
    out.string(rejection.reason);
    out.string(rejection.detail);
    out.raw(rejection.raw);
    out.long(rejection.receiveTimeUs);
  });
  return out.finish();
}

function writeCommon(out: AvroWriter, batch: TickBatch): void {
  out.long(batch.rowCount);
  out.array(batch.series.length, (i) => out.encoded(encodedSeries(batch.series[i])));
  writeCodes(out, batch.seriesCode, batch.series.length);
  writeDeltas(out, batch.eventTimeUs);
  writeDeltas(out, batch.receiveTimeUs);
  writeSequences(out, batch);
  out.array(batch.vendorData.length, (i) => writeVendorData(out, batch.vendorData[i]));
  writeCodes(out, batch.vendorDataCode, batch.vendorData.length);
  writeIds(out, batch.recordType === 'trades' ? batch.tradeId : batch.quoteId);
}

function writeTrades(out: AvroWriter, batch: TradeBatch): void {
  writeDecimals(out, batch.price, batch);
  writeDecimals(out, batch.quantity, batch);
  out.raw(batch.aggressorSide);
  out.array(batch.conditions.length, (i) => out.strings(batch.conditions[i]));
  writeCodes(out, batch.conditionsCode, batch.conditions.length);
}

function writeQuotes(out: AvroWriter, batch: QuoteBatch): void {
  writeDecimals(out, batch.bidPrice, batch);
  writeDecimals(out, batch.bidQuantity, batch);
  writeDecimals(out, batch.askPrice, batch);
  writeDecimals(out, batch.askQuantity, batch);
}

function writeVendorData(out: AvroWriter, vendorData: VendorData | null): void {
  out.long(vendorData === null ? 0 : 1);
  if (vendorData !== null) out.stringMap(vendorData);
}

function writeCodes(out: AvroWriter, codes: Uint16Array, dictionarySize: number): void {
  const count = dictionarySize === 1 ? 0 : codes.length;
  if (count > 0) {
    out.long(count);
    for (let row = 0; row < count; row++) out.long(codes[row]);
  }
  out.long(0);
}

function writeDeltas(out: AvroWriter, values: Float64Array): void {
  out.long(values.length);
  let previous = 0;
  for (let row = 0; row < values.length; row++) {
    const value = values[row];
    out.long(value - previous);
    previous = value;
  }
  out.long(0);
}

function writeSequences(out: AvroWriter, batch: TickBatch): void {
  const previous = new Float64Array(batch.series.length);
  const { seriesCode, venueSequence } = batch;
  out.long(batch.rowCount);
  for (let row = 0; row < batch.rowCount; row++) {
    const code = seriesCode[row];
    const sequence = venueSequence[row];
    out.long(sequence - previous[code]);
    previous[code] = sequence;
  }
  out.long(0);
}

function writeIds(out: AvroWriter, ids: Utf8Column): void {
  const rows = ids.offsets.length - 1;
  const start = ids.offsets[0];
  const end = ids.offsets[rows];
  if (end > start) {
    out.long(rows);
    for (let row = 0; row < rows; row++) out.long(ids.offsets[row + 1] - ids.offsets[row]);
  }
  out.long(0);
  out.raw(ids.bytes.subarray(start, end));
}

function writeDecimals(out: AvroWriter, values: BigInt64Array, { seriesCode, series }: TickBatch): void {
  const words = int64Words(values);
  const exponent = commonExponent(words, values.length);
  out.long(exponent);
  out.long(values.length);
  if (exponent < 0) {
    for (let row = 0; row < values.length; row++) out.bigLong(values[row]);
  } else {
    const divisor = POWERS_OF_TEN[exponent];
    const previous = new Float64Array(series.length);
    for (let row = 0; row < values.length; row++) {
      const code = seriesCode[row];
      const value = int64At(words, row) / divisor;
      out.long(value - previous[code]);
      previous[code] = value;
    }
  }
  out.long(0);
}

/** The largest power of ten, to the eighth, that divides every value exactly; -1 where a value is too large for deltas. */
function commonExponent(words: Int32Array, rowCount: number): number {
  let exponent = POWERS_OF_TEN.length - 1;
  for (let row = 0; row < rowCount; row++) {
    const value = int64At(words, row);
    if (!isSafeAt(words, row) || value > DELTA_SAFE_MAX || value < -DELTA_SAFE_MAX) return -1;
    while (!Number.isInteger(value / POWERS_OF_TEN[exponent])) exponent--;
  }
  return exponent;
}
