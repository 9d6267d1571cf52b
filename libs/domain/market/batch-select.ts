import { int64Words } from './int64.ts';
import type { PlacedBatch, TickBatch, Utf8Column } from './tick-batch.ts';

/** The rows given, in that order, as a batch of their own. Dictionaries are shared. */
export function selectRows(batch: TickBatch, rows: Uint32Array): TickBatch {
  const common = {
    rowCount: rows.length,
    series: batch.series,
    seriesCode: pick(batch.seriesCode, rows, new Uint16Array(rows.length)),
    eventTimeUs: pick(batch.eventTimeUs, rows, new Float64Array(rows.length)),
    receiveTimeUs: pick(batch.receiveTimeUs, rows, new Float64Array(rows.length)),
    venueSequence: pick(batch.venueSequence, rows, new Float64Array(rows.length)),
    vendorData: batch.vendorData,
    vendorDataCode: pick(batch.vendorDataCode, rows, new Uint16Array(rows.length)),
  };
  if (batch.recordType === 'trades') {
    return {
      recordType: 'trades',
      ...common,
      tradeId: pickUtf8(batch.tradeId, rows),
      price: pickInt64(batch.price, rows),
      quantity: pickInt64(batch.quantity, rows),
      aggressorSide: pick(batch.aggressorSide, rows, new Uint8Array(rows.length)),
      conditions: batch.conditions,
      conditionsCode: pick(batch.conditionsCode, rows, new Uint16Array(rows.length)),
    };
  }
  return {
    recordType: 'quotes',
    ...common,
    quoteId: pickUtf8(batch.quoteId, rows),
    bidPrice: pickInt64(batch.bidPrice, rows),
    bidQuantity: pickInt64(batch.bidQuantity, rows),
    askPrice: pickInt64(batch.askPrice, rows),
    askQuantity: pickInt64(batch.askQuantity, rows),
  };
}

/** The same of ticks with their places. */
export function selectPlaced({ batch, platformSequence }: PlacedBatch, rows: Uint32Array): PlacedBatch {
  return { batch: selectRows(batch, rows), platformSequence: pickInt64(platformSequence, rows) };
}

type NumberArray = Uint8Array | Uint16Array | Float64Array;

function pick<Values extends NumberArray>(from: Values, rows: Uint32Array, to: Values): Values {
  for (let i = 0; i < rows.length; i++) to[i] = from[rows[i]]!;
  return to;
}

/** As 32-bit words: the bits move unread, and no BigInt is made for a row. */
function pickInt64(from: BigInt64Array, rows: Uint32Array): BigInt64Array {
  const out = new BigInt64Array(rows.length);
  const source = int64Words(from);
  const target = int64Words(out);
  for (let i = 0; i < rows.length; i++) {
    const row = 2 * rows[i];
    target[2 * i] = source[row];
    target[2 * i + 1] = source[row + 1];
  }
  return out;
}

function pickUtf8(from: Utf8Column, rows: Uint32Array): Utf8Column {
  const offsets = new Uint32Array(rows.length + 1);
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i];
    offsets[i + 1] = offsets[i] + from.offsets[row + 1] - from.offsets[row];
  }
  const bytes = new Uint8Array(offsets[rows.length]);
  // Of many venues no row has one.
  if (bytes.length === 0) return { offsets, bytes };
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i];
    bytes.set(from.bytes.subarray(from.offsets[row], from.offsets[row + 1]), offsets[i]);
  }
  return { offsets, bytes };
}
