import type { QuarantineRecord, SequenceGapRecord, SessionRecord } from '@k2/domain/lake';
import { printDecimal, quoteAt, tradeAt, type PlacedBatch, type QuoteBatch, type TradeBatch } from '@k2/domain/market';

/**
 * A row by its record's field names, as tests compare them: decimals as their shortest text, times as µs, lists as
 * arrays, maps as plain objects, binary as Uint8Array, integers beyond 2^53 as bigint, null where there is no value. Written row by row from the
 * single-tick view, on purpose: it checks the column code and shares nothing with it.
 */
export type Row = Readonly<Record<string, unknown>>;

export function tickRows(placed: PlacedBatch): Row[] {
  const { batch } = placed;
  return Array.from({ length: batch.rowCount }, (_, row) => ({
    ...commonFields(placed, row),
    ...(batch.recordType === 'trades' ? tradeFields(batch, row) : quoteFields(batch, row)),
  }));
}

function commonFields({ batch, platformSequence }: PlacedBatch, row: number): Row {
  const { symbol, exchange, assetClass, currency, session } = batch.series[batch.seriesCode[row]];
  const vendorData = batch.vendorData[batch.vendorDataCode[row]];
  return {
    symbol,
    exchange,
    asset_class: assetClass,
    currency,
    session,
    timestamp: batch.eventTimeUs[row],
    ingestion_timestamp: batch.receiveTimeUs[row],
    source_sequence: batch.venueSequence[row],
    platform_sequence: exactInteger(platformSequence[row]),
    vendor_data: vendorData === null ? null : { ...vendorData },
  };
}

function tradeFields(batch: TradeBatch, row: number): Row {
  const { tradeId, price, quantity, aggressorSide, conditions } = tradeAt(batch, row);
  return {
    trade_id: tradeId,
    price: printDecimal(price),
    quantity: printDecimal(quantity),
    side: aggressorSide,
    trade_conditions: [...conditions],
  };
}

function quoteFields(batch: QuoteBatch, row: number): Row {
  const { quoteId, bidPrice, bidQuantity, askPrice, askQuantity } = quoteAt(batch, row);
  return {
    quote_id: quoteId,
    bid_price: printDecimal(bidPrice),
    bid_quantity: printDecimal(bidQuantity),
    ask_price: printDecimal(askPrice),
    ask_quantity: printDecimal(askQuantity),
  };
}

export function gapRow(gap: SequenceGapRecord): Row {
  return {
    record_type: gap.recordType,
    exchange: gap.exchange,
    symbol: gap.symbol,
    session: gap.session,
    status: gap.status,
    sequence_from: gap.sequenceFrom,
    sequence_to: gap.sequenceTo,
    timestamp_from: gap.fromTimeUs,
    timestamp_to: gap.toTimeUs,
    detected_timestamp: gap.detectedTimeUs,
    platform_sequence: exactInteger(gap.platformSequence),
  };
}

export function sessionRow(session: SessionRecord): Row {
  return {
    record_type: session.recordType,
    exchange: session.exchange,
    symbol: session.symbol,
    session: session.session,
    sequence_origin: session.sequenceOrigin,
    opened_by: session.openedBy,
    first_sequence: session.firstSequence,
    timestamp: session.eventTimeUs,
    platform_sequence: exactInteger(session.platformSequence),
  };
}

export function quarantineRow(entry: QuarantineRecord): Row {
  return {
    quarantine_id: entry.quarantineId,
    exchange: entry.exchange,
    record_type: entry.recordType,
    source: entry.source,
    position: exactInteger(entry.position),
    reason: entry.reason,
    detail: entry.detail,
    raw: entry.raw,
    ingestion_timestamp: entry.receiveTimeUs,
    platform_sequence: exactInteger(entry.platformSequence),
  };
}

function exactInteger(value: bigint): number | bigint {
  return Number.isSafeInteger(Number(value)) ? Number(value) : value;
}
