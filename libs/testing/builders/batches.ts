import {
  LOG_OFFSETS_MAX,
  parseDecimal,
  parseTimeUs,
  QuoteBatchBuilder,
  recordPositions,
  TradeBatchBuilder,
  type PlacedBatch,
  type Quote,
  type QuoteBatch,
  type Series,
  type TickBatch,
  type Trade,
  type TradeBatch,
} from '@k2/domain/market';
import type { PlannedRows } from '@k2/ports';

/** 2014-03-10T00:00:00Z: what every builder's times start from. */
export const DAY_START_US = parseTimeUs('2014-03-10');

/** BHP on the ASX, session 2014-03-10, numbered by the venue from 1. */
export function series(changes: Partial<Series> = {}): Series {
  return {
    exchange: 'ASX',
    symbol: 'BHP',
    assetClass: 'equities',
    currency: 'AUD',
    session: '2014-03-10',
    sequenceOrigin: 'venue',
    firstSequence: 1,
    ...changes,
  };
}

export interface BatchOptions<Tick> {
  readonly series?: Partial<Series>;
  /** Rows that differ from the default ones; a row may belong to a series of its own. */
  readonly rows?: readonly Partial<Tick & { readonly series: Series }>[];
  /** Number of default rows where `rows` is absent. */
  readonly count?: number;
  /** `venueSequence` of the first row; the others count up. */
  readonly firstSequence?: number;
  /** `eventTimeUs` of the first row; the others follow every millisecond. */
  readonly startUs?: number;
}

/** Row i: sequence 1 + i, 36 + i/100 AUD, 100 pieces, one a millisecond, received 5 ms later. */
export function tradeBatch(options: BatchOptions<Trade> = {}): TradeBatch {
  const builder = new TradeBatchBuilder();
  forEachRow(options, (common, of, changes, row) => {
    const price = parseDecimal('36') + BigInt(row) * parseDecimal('0.01');
    const defaults: Trade = {
      ...common,
      tradeId: `t${common.venueSequence}`,
      price,
      quantity: parseDecimal('100'),
      aggressorSide: 'BUY',
      conditions: [],
    };
    builder.appendTrade(of, { ...defaults, ...changes });
  });
  return builder.take()!;
}

/** Row i: sequence 1 + i, 36 + i/100 bid for 500, asked 2 cents higher for 700. */
export function quoteBatch(options: BatchOptions<Quote> = {}): QuoteBatch {
  const builder = new QuoteBatchBuilder();
  forEachRow(options, (common, of, changes, row) => {
    const bidPrice = parseDecimal('36') + BigInt(row) * parseDecimal('0.01');
    const defaults: Quote = {
      ...common,
      quoteId: `q${common.venueSequence}`,
      bidPrice,
      bidQuantity: parseDecimal('500'),
      askPrice: bidPrice + parseDecimal('0.02'),
      askQuantity: parseDecimal('700'),
    };
    builder.appendQuote(of, { ...defaults, ...changes });
  });
  return builder.take()!;
}

/** The batch as the log record at this offset. */
export function placed(batch: TickBatch, offset = 0): PlacedBatch {
  return {
    batch,
    platformSequence: recordPositions(offset, batch.rowCount),
  };
}

/** Around those from which a position is no exact number, and the last that has one. */
export const FAR_OFFSETS: readonly number[] = [2 ** 37 - 1, 2 ** 37, LOG_OFFSETS_MAX - 1];

/** Rows of a commit; what is not given is empty. */
export function plannedRows(rows: Partial<PlannedRows> = {}): PlannedRows {
  return { ticks: [], gaps: [], sessions: [], quarantine: [], ...rows };
}

type TickBase = Pick<Trade, 'eventTimeUs' | 'receiveTimeUs' | 'venueSequence' | 'vendorData'>;

function forEachRow<Tick extends TickBase>(
  { series: seriesChanges = {}, rows, count = 3, firstSequence = 1, startUs = DAY_START_US }: BatchOptions<Tick>,
  append: (common: TickBase, of: Series, changes: Partial<Tick>, row: number) => void,
): void {
  const batchSeries = series(seriesChanges);
  const changed: readonly Partial<Tick & { readonly series: Series }>[] =
    rows ?? Array.from({ length: count }, () => ({}));
  if (changed.length === 0) throw new RangeError('a batch has at least one row');
  changed.forEach((changes, row) => {
    const eventTimeUs = changes.eventTimeUs ?? startUs + row * 1_000;
    const common = {
      eventTimeUs,
      receiveTimeUs: eventTimeUs + 5_000,
      venueSequence: firstSequence + row,
      vendorData: null,
    };
    append(common, changes.series ?? batchSeries, changes, row);
  });
}
