import type { Series } from './series.ts';
import {
  BATCH_ROWS_MAX,
  type PlacedBatch,
  type QuoteBatch,
  type TickBatch,
  type TradeBatch,
  type Utf8Column,
} from './tick-batch.ts';

/**
 * Batches of one record type as one, row after row. What is done for each batch and each of its series is then done once.
 * Throws RangeError where they are of several types, or have more than BATCH_ROWS_MAX rows.
 */
export function joinBatches(parts: readonly PlacedBatch[]): PlacedBatch {
  if (parts.length === 1) return parts[0];
  const batches = parts.map(({ batch }) => batch);
  const rowCount = batches.reduce((sum, batch) => sum + batch.rowCount, 0);
  if (rowCount > BATCH_ROWS_MAX) throw new RangeError(`${rowCount} rows are more than a batch has`);
  const platformSequence = joined(
    parts.map((part) => part.platformSequence),
    new BigInt64Array(rowCount),
  );
  if (batches.every(isTrades)) return { batch: joinTrades(batches, rowCount), platformSequence };
  if (batches.every(isQuotes)) return { batch: joinQuotes(batches, rowCount), platformSequence };
  throw new RangeError('batches of trades and of quotes cannot be joined');
}

/** From this many rows on, what is done for a batch counts for little beside what is done for its rows. */
const LARGE_BATCH_ROWS = 8_192;

/** The same rows in fewer batches: small ones of a record type are joined; rows of a type keep their order. */
export function joinSmallBatches(parts: readonly PlacedBatch[]): readonly PlacedBatch[] {
  const whole: PlacedBatch[] = [];
  for (const recordType of new Set(parts.map(({ batch }) => batch.recordType))) {
    let small: PlacedBatch[] = [];
    let smallRows = 0;
    const joinThem = () => {
      if (small.length > 0) whole.push(joinBatches(small));
      small = [];
      smallRows = 0;
    };
    for (const part of parts) {
      const { rowCount } = part.batch;
      if (part.batch.recordType !== recordType) continue;
      const isSmall = rowCount < LARGE_BATCH_ROWS;
      if (!isSmall || smallRows + rowCount > BATCH_ROWS_MAX) joinThem();
      if (isSmall) {
        small.push(part);
        smallRows += rowCount;
      } else {
        whole.push(part);
      }
    }
    joinThem();
  }
  return whole;
}

const isTrades = (batch: TickBatch) => batch.recordType === 'trades';
const isQuotes = (batch: TickBatch) => batch.recordType === 'quotes';

function joinTrades(batches: readonly TradeBatch[], rowCount: number): TradeBatch {
  const conditions = joinDictionaries(
    batches.map((batch) => [batch.conditions, batch.conditionsCode]),
    rowCount,
    (value) => JSON.stringify(value),
  );
  return {
    recordType: 'trades',
    ...joinCommon(batches, rowCount),
    tradeId: joinUtf8(batches.map((batch) => batch.tradeId)),
    price: decimals(batches, rowCount, (batch) => batch.price),
    quantity: decimals(batches, rowCount, (batch) => batch.quantity),
    aggressorSide: joined(
      batches.map((batch) => batch.aggressorSide),
      new Uint8Array(rowCount),
    ),
    conditions: conditions.values,
    conditionsCode: conditions.codes,
  };
}

function joinQuotes(batches: readonly QuoteBatch[], rowCount: number): QuoteBatch {
  return {
    recordType: 'quotes',
    ...joinCommon(batches, rowCount),
    quoteId: joinUtf8(batches.map((batch) => batch.quoteId)),
    bidPrice: decimals(batches, rowCount, (batch) => batch.bidPrice),
    bidQuantity: decimals(batches, rowCount, (batch) => batch.bidQuantity),
    askPrice: decimals(batches, rowCount, (batch) => batch.askPrice),
    askQuantity: decimals(batches, rowCount, (batch) => batch.askQuantity),
  };
}

function joinCommon(batches: readonly TickBatch[], rowCount: number) {
  const numbers = (column: (batch: TickBatch) => Float64Array) =>
    joined(batches.map(column), new Float64Array(rowCount));
  const series = joinDictionaries(
    batches.map((batch) => [batch.series, batch.seriesCode]),
    rowCount,
    seriesText,
  );
  const vendorData = joinDictionaries(
    batches.map((batch) => [batch.vendorData, batch.vendorDataCode]),
    rowCount,
    (value) => JSON.stringify(value),
  );
  return {
    rowCount,
    series: series.values,
    seriesCode: series.codes,
    eventTimeUs: numbers((batch) => batch.eventTimeUs),
    receiveTimeUs: numbers((batch) => batch.receiveTimeUs),
    venueSequence: numbers((batch) => batch.venueSequence),
    vendorData: vendorData.values,
    vendorDataCode: vendorData.codes,
  };
}

function decimals<Batch>(
  batches: readonly Batch[],
  rowCount: number,
  column: (batch: Batch) => BigInt64Array,
): BigInt64Array {
  return joined(batches.map(column), new BigInt64Array(rowCount));
}

function joined<Values extends Uint8Array | Float64Array | BigInt64Array>(
  parts: readonly Values[],
  to: Values,
): Values {
  let at = 0;
  for (const part of parts) {
    to.set(part as never, at);
    at += part.length;
  }
  return to;
}

/** Only values that rows have: there are then no more of them than codes. */
function joinDictionaries<Value>(
  parts: readonly (readonly [values: readonly Value[], codes: Uint16Array])[],
  rowCount: number,
  textOf: (value: Value) => string,
): { readonly values: readonly Value[]; readonly codes: Uint16Array } {
  const values: Value[] = [];
  // Readers mostly use the same object for the same value: its text is asked for once.
  const byValue = new Map<Value, number>();
  const byText = new Map<string, number>();
  const codeOf = (value: Value): number => {
    let code = byValue.get(value);
    if (code !== undefined) return code;
    const text = textOf(value);
    code = byText.get(text) ?? values.push(value) - 1;
    byText.set(text, code);
    byValue.set(value, code);
    return code;
  };
  const joinedCodes = new Uint16Array(rowCount);
  let at = 0;
  for (const [own, codes] of parts) {
    const known = new Int32Array(own.length).fill(-1);
    for (let row = 0; row < codes.length; row++) {
      const code = codes[row];
      if (known[code] < 0) known[code] = codeOf(own[code]);
      joinedCodes[at++] = known[code];
    }
  }
  return { values, codes: joinedCodes };
}

function seriesText(series: Series): string {
  const { exchange, symbol, assetClass, currency, session, sequenceOrigin, firstSequence } = series;
  return JSON.stringify([exchange, symbol, assetClass, currency, session, sequenceOrigin, firstSequence]);
}

function joinUtf8(parts: readonly Utf8Column[]): Utf8Column {
  const rowCount = parts.reduce((sum, { offsets }) => sum + offsets.length - 1, 0);
  const byteCount = parts.reduce((sum, { offsets }) => sum + offsets[offsets.length - 1] - offsets[0], 0);
  const joinedOffsets = new Uint32Array(rowCount + 1);
  const joinedBytes = new Uint8Array(byteCount);
  let row = 0;
  let end = 0;
  for (const { offsets, bytes } of parts) {
    const first = offsets[0];
    const shift = end - first;
    for (let i = 1; i < offsets.length; i++) joinedOffsets[++row] = offsets[i] + shift;
    joinedBytes.set(bytes.subarray(first, offsets[offsets.length - 1]), end);
    end = joinedOffsets[row];
  }
  return { offsets: joinedOffsets, bytes: joinedBytes };
}
