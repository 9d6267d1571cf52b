import type { Column, ColumnBatch, DictionaryValue, NamedColumn } from './column.ts';
import { QUOTES_SCHEMA, TRADES_SCHEMA, type RecordSchema } from './record-schema.ts';
import type { Series } from './series.ts';
import type { PlacedBatch, QuoteBatch, TickBatch, TradeBatch } from './tick-batch.ts';
import { AGGRESSOR_SIDES } from './ticks.ts';

/** Ticks as the columns of their record schema. Nothing is copied: columns share the batch's memory. */
export function recordColumns({ batch, platformSequence }: PlacedBatch): ColumnBatch {
  const schema = tickSchema(batch);
  const columns: Record<string, Column> = {
    ...commonColumns(batch),
    platform_sequence: { kind: 'int64', values: platformSequence },
    ...(batch.recordType === 'trades' ? tradeColumns(batch) : quoteColumns(batch)),
  };
  return {
    rowCount: batch.rowCount,
    columns: schema.fields.map(({ name, type }): NamedColumn => ({ name, type, column: columns[name] })),
  };
}

export function tickSchema(batch: Pick<TickBatch, 'recordType'>): RecordSchema {
  return batch.recordType === 'trades' ? TRADES_SCHEMA : QUOTES_SCHEMA;
}

function commonColumns(batch: TickBatch): Record<string, Column> {
  const ofSeries = (value: (series: Series) => string) => dictionary(batch.seriesCode, batch.series.map(value));
  return {
    symbol: ofSeries((series) => series.symbol),
    exchange: ofSeries((series) => series.exchange),
    asset_class: ofSeries((series) => series.assetClass),
    currency: ofSeries((series) => series.currency),
    session: ofSeries((series) => series.session),
    timestamp: integer(batch.eventTimeUs),
    ingestion_timestamp: integer(batch.receiveTimeUs),
    source_sequence: integer(batch.venueSequence),
    vendor_data: dictionary(batch.vendorDataCode, batch.vendorData),
  };
}

function tradeColumns(batch: TradeBatch): Record<string, Column> {
  return {
    trade_id: { kind: 'utf8', values: batch.tradeId },
    price: decimal(batch.price),
    quantity: decimal(batch.quantity),
    side: dictionary(batch.aggressorSide, AGGRESSOR_SIDES),
    trade_conditions: dictionary(batch.conditionsCode, batch.conditions),
  };
}

function quoteColumns(batch: QuoteBatch): Record<string, Column> {
  return {
    quote_id: { kind: 'utf8', values: batch.quoteId },
    bid_price: decimal(batch.bidPrice),
    bid_quantity: decimal(batch.bidQuantity),
    ask_price: decimal(batch.askPrice),
    ask_quantity: decimal(batch.askQuantity),
  };
}

const integer = (values: Float64Array): Column => ({ kind: 'integer', values });
const decimal = (values: BigInt64Array): Column => ({ kind: 'decimal', values });
const dictionary = (codes: Uint16Array | Uint8Array, values: readonly DictionaryValue[]): Column => ({
  kind: 'dictionary',
  codes,
  dictionary: values,
});
