import { int64Words } from '../market/int64.ts';
import type { QuoteBatch, TickBatch, TradeBatch, Utf8Column } from '../market/tick-batch.ts';
import { AGGRESSOR_SIDES, type VendorData } from '../market/ticks.ts';
import { AvroWriter, encoded } from './avro-writer.ts';
import { writeDecimal } from './decimal-codec.ts';
import { encodedSeries } from './series-codec.ts';

/** The rows of a batch, one record each: row `i` is `bytes[offsets[i] .. offsets[i + 1])`. */
export interface EncodedTicks {
  readonly bytes: Uint8Array;
  /** rowCount + 1 entries. */
  readonly offsets: Uint32Array;
}

const NOTHING = new Uint8Array();
const SIDES = AGGRESSOR_SIDES.map((side) => encoded((out) => out.string(side)));

/**
 * Log records in `tick` framing; see `tick-schema.ts` for the layout. `prefix` is written before each row, so that what
 * a message has to begin with, as the Confluent wire format's schema id, costs no copy of it.
 */
export function encodeTicks(batch: TickBatch, prefix: Uint8Array = NOTHING): EncodedTicks {
  const out = new AvroWriter(256 + batch.rowCount * 128);
  const offsets = new Uint32Array(batch.rowCount + 1);
  const writeCommon = commonWriter(out, batch, prefix);
  const writeRow = batch.recordType === 'trades' ? tradeWriter(out, batch) : quoteWriter(out, batch);
  const vendorData = new EncodedDictionary(batch.vendorData, writeVendorData);
  for (let row = 0; row < batch.rowCount; row++) {
    writeCommon(row);
    writeRow(row);
    out.short(vendorData.at(batch.vendorDataCode[row]));
    offsets[row + 1] = out.length;
  }
  return { bytes: out.finish(), offsets };
}

function commonWriter(out: AvroWriter, batch: TickBatch, prefix: Uint8Array): (row: number) => void {
  const { seriesCode, venueSequence, eventTimeUs, receiveTimeUs } = batch;
  const heads = new EncodedDictionary(batch.series, (head, series) => {
    head.encoded(prefix);
    head.encoded(encodedSeries(series));
  });
  return (row) => {
    out.short(heads.at(seriesCode[row]));
    out.long(venueSequence[row]);
    out.long(eventTimeUs[row]);
    out.long(receiveTimeUs[row]);
  };
}

function tradeWriter(out: AvroWriter, batch: TradeBatch): (row: number) => void {
  const price = int64Words(batch.price);
  const quantity = int64Words(batch.quantity);
  const { aggressorSide, tradeId, conditionsCode } = batch;
  const conditions = new EncodedDictionary(batch.conditions, (to, codes) => to.strings(codes));
  return (row) => {
    writeDecimal(out, price, row);
    writeDecimal(out, quantity, row);
    out.short(SIDES[aggressorSide[row]]);
    writeId(out, tradeId, row);
    out.short(conditions.at(conditionsCode[row]));
  };
}

function quoteWriter(out: AvroWriter, batch: QuoteBatch): (row: number) => void {
  const decimals = [batch.bidPrice, batch.bidQuantity, batch.askPrice, batch.askQuantity].map(int64Words);
  const { quoteId } = batch;
  return (row) => {
    for (const words of decimals) writeDecimal(out, words, row);
    writeId(out, quoteId, row);
  };
}

function writeId(out: AvroWriter, { offsets, bytes }: Utf8Column, row: number): void {
  const start = offsets[row];
  const end = offsets[row + 1];
  if (start === end) return out.long(0);
  out.long(1);
  out.long(end - start);
  out.short(bytes, start, end);
}

function writeVendorData(out: AvroWriter, vendorData: VendorData | null): void {
  out.long(vendorData === null ? 0 : 1);
  if (vendorData !== null) out.stringMap(vendorData);
}

/** Entries of a dictionary in Avro, each encoded when a row first has it: a batch may use few of a shared one. */
class EncodedDictionary<Value> {
  private readonly values: readonly Value[];
  private readonly write: (out: AvroWriter, value: Value) => void;
  private readonly encodings: (Uint8Array | undefined)[];

  constructor(values: readonly Value[], write: (out: AvroWriter, value: Value) => void) {
    this.values = values;
    this.write = write;
    this.encodings = new Array<Uint8Array | undefined>(values.length);
  }

  at(code: number): Uint8Array {
    return (this.encodings[code] ??= encoded((out) => this.write(out, this.values[code])));
  }
}
