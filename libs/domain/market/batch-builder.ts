import { setInt64, int64Words } from './int64.ts';
import type { Series } from './series.ts';
import { BATCH_ROWS_MAX, type QuoteBatch, type TickBatch, type TradeBatch, type Utf8Column } from './tick-batch.ts';
import { AGGRESSOR_SIDES, type Quote, type Trade, type VendorData } from './ticks.ts';

const NO_CONDITIONS: readonly string[] = [];

/**
 * Collects rows into columns. Feeds keep one builder a record type and take a batch whenever it is full or due;
 * a tick costs no object. Codes come from `seriesCode`, `vendorDataCode` and `conditionsCode`, which callers cache.
 */
abstract class TickBatchBuilder {
  protected rows = 0;
  readonly rowsMax: number;
  private readonly series = new Dictionary<Series>();
  private readonly vendorData = new Dictionary<VendorData | null>();
  protected readonly seriesCodes: Uint16Array;
  protected readonly eventTimes: Float64Array;
  protected readonly receiveTimes: Float64Array;
  protected readonly sequences: Float64Array;
  protected readonly vendorDataCodes: Uint16Array;
  protected readonly ids: Utf8Builder;

  constructor(rowsMax: number = BATCH_ROWS_MAX) {
    if (!Number.isInteger(rowsMax) || rowsMax < 1 || rowsMax > BATCH_ROWS_MAX) {
      throw new RangeError(`rowsMax is ${rowsMax}: expected 1 to ${BATCH_ROWS_MAX}`);
    }
    this.rowsMax = rowsMax;
    this.seriesCodes = new Uint16Array(rowsMax);
    this.eventTimes = new Float64Array(rowsMax);
    this.receiveTimes = new Float64Array(rowsMax);
    this.sequences = new Float64Array(rowsMax);
    this.vendorDataCodes = new Uint16Array(rowsMax);
    this.ids = new Utf8Builder(rowsMax);
    this.vendorDataCode(null);
  }

  get rowCount(): number {
    return this.rows;
  }

  /** Take the batch before another row: there is no room for it, or no code for a value that it may bring. */
  get isFull(): boolean {
    return this.rows === this.rowsMax || this.vendorData.isFull;
  }

  /** Code of a series in the batch being built; valid until `take`. Same object, same code. */
  seriesCode(series: Series): number {
    return this.series.code(series);
  }

  /** As `seriesCode`. The same object, or null, is one entry; equal objects are not looked for. */
  vendorDataCode(vendorData: VendorData | null): number {
    return this.vendorData.code(vendorData);
  }

  protected appendCommon(
    seriesCode: number,
    eventTimeUs: number,
    receiveTimeUs: number,
    venueSequence: number,
    vendorDataCode: number,
  ): number {
    if (this.rows === this.rowsMax) throw new RangeError(`the batch is full at ${this.rowsMax} rows: take it first`);
    const row = this.rows++;
    this.seriesCodes[row] = seriesCode;
    this.eventTimes[row] = eventTimeUs;
    this.receiveTimes[row] = receiveTimeUs;
    this.sequences[row] = venueSequence;
    this.vendorDataCodes[row] = vendorDataCode;
    return row;
  }

  protected takeCommon() {
    const rowCount = this.rows;
    const common = {
      rowCount,
      series: this.series.take(),
      seriesCode: this.seriesCodes.slice(0, rowCount),
      eventTimeUs: this.eventTimes.slice(0, rowCount),
      receiveTimeUs: this.receiveTimes.slice(0, rowCount),
      venueSequence: this.sequences.slice(0, rowCount),
      vendorData: this.vendorData.take(),
      vendorDataCode: this.vendorDataCodes.slice(0, rowCount),
    };
    this.rows = 0;
    this.vendorDataCode(null);
    return common;
  }

  /** The rows so far as a batch; the builder is then empty. Null where there are none. */
  abstract take(): TickBatch | null;
}

export class TradeBatchBuilder extends TickBatchBuilder {
  private readonly prices = new BigInt64Array(this.rowsMax);
  private readonly quantities = new BigInt64Array(this.rowsMax);
  private readonly sides = new Uint8Array(this.rowsMax);
  private readonly conditions = new Dictionary<readonly string[]>();
  private readonly conditionsCodes = new Uint16Array(this.rowsMax);
  /** int64 words of the two decimal columns, for rows written with `append`. */
  private readonly priceWords = int64Words(this.prices);
  private readonly quantityWords = int64Words(this.quantities);

  constructor(rowsMax?: number) {
    super(rowsMax);
    this.conditionsCode(NO_CONDITIONS);
  }

  override get isFull(): boolean {
    return super.isFull || this.conditions.isFull;
  }

  conditionsCode(conditions: readonly string[]): number {
    return this.conditions.code(conditions.length === 0 ? NO_CONDITIONS : conditions);
  }

  /** Price and quantity are scaled by 10^8, of magnitude below 2^53. `side` is an index into AGGRESSOR_SIDES. */
  append(
    seriesCode: number,
    eventTimeUs: number,
    receiveTimeUs: number,
    venueSequence: number,
    priceScaled: number,
    quantityScaled: number,
    side: number,
    tradeId: string,
    conditionsCode = 0,
    vendorDataCode = 0,
  ): void {
    const row = this.appendCommon(seriesCode, eventTimeUs, receiveTimeUs, venueSequence, vendorDataCode);
    setInt64(this.priceWords, row, priceScaled);
    setInt64(this.quantityWords, row, quantityScaled);
    this.sides[row] = side;
    this.conditionsCodes[row] = conditionsCode;
    this.ids.append(tradeId);
  }

  appendTrade(series: Series, trade: Trade): void {
    const { eventTimeUs, receiveTimeUs, venueSequence, vendorData } = trade;
    const vendorDataCode = this.vendorDataCode(vendorData);
    const row = this.appendCommon(this.seriesCode(series), eventTimeUs, receiveTimeUs, venueSequence, vendorDataCode);
    this.prices[row] = trade.price;
    this.quantities[row] = trade.quantity;
    this.sides[row] = AGGRESSOR_SIDES.indexOf(trade.aggressorSide);
    this.conditionsCodes[row] = this.conditionsCode(trade.conditions);
    this.ids.append(trade.tradeId ?? '');
  }

  override take(): TradeBatch | null {
    if (this.rows === 0) return null;
    const common = this.takeCommon();
    const { rowCount } = common;
    const batch: TradeBatch = {
      recordType: 'trades',
      ...common,
      tradeId: this.ids.take(),
      price: this.prices.slice(0, rowCount),
      quantity: this.quantities.slice(0, rowCount),
      aggressorSide: this.sides.slice(0, rowCount),
      conditions: this.conditions.take(),
      conditionsCode: this.conditionsCodes.slice(0, rowCount),
    };
    this.conditionsCode(NO_CONDITIONS);
    return batch;
  }
}

export class QuoteBatchBuilder extends TickBatchBuilder {
  private readonly bidPrices = new BigInt64Array(this.rowsMax);
  private readonly bidQuantities = new BigInt64Array(this.rowsMax);
  private readonly askPrices = new BigInt64Array(this.rowsMax);
  private readonly askQuantities = new BigInt64Array(this.rowsMax);
  private readonly bidPriceWords = int64Words(this.bidPrices);
  private readonly bidQuantityWords = int64Words(this.bidQuantities);
  private readonly askPriceWords = int64Words(this.askPrices);
  private readonly askQuantityWords = int64Words(this.askQuantities);

  /** Prices and quantities are scaled by 10^8, of magnitude below 2^53. */
  append(
    seriesCode: number,
    eventTimeUs: number,
    receiveTimeUs: number,
    venueSequence: number,
    bidPriceScaled: number,
    bidQuantityScaled: number,
    askPriceScaled: number,
    askQuantityScaled: number,
    quoteId: string,
    vendorDataCode = 0,
  ): void {
    const row = this.appendCommon(seriesCode, eventTimeUs, receiveTimeUs, venueSequence, vendorDataCode);
    setInt64(this.bidPriceWords, row, bidPriceScaled);
    setInt64(this.bidQuantityWords, row, bidQuantityScaled);
    setInt64(this.askPriceWords, row, askPriceScaled);
    setInt64(this.askQuantityWords, row, askQuantityScaled);
    this.ids.append(quoteId);
  }

  appendQuote(series: Series, quote: Quote): void {
    const { eventTimeUs, receiveTimeUs, venueSequence, vendorData } = quote;
    const vendorDataCode = this.vendorDataCode(vendorData);
    const row = this.appendCommon(this.seriesCode(series), eventTimeUs, receiveTimeUs, venueSequence, vendorDataCode);
    this.bidPrices[row] = quote.bidPrice;
    this.bidQuantities[row] = quote.bidQuantity;
    this.askPrices[row] = quote.askPrice;
    this.askQuantities[row] = quote.askQuantity;
    this.ids.append(quote.quoteId ?? '');
  }

  override take(): QuoteBatch | null {
    if (this.rows === 0) return null;
    const common = this.takeCommon();
    const { rowCount } = common;
    return {
      recordType: 'quotes',
      ...common,
      quoteId: this.ids.take(),
      bidPrice: this.bidPrices.slice(0, rowCount),
      bidQuantity: this.bidQuantities.slice(0, rowCount),
      askPrice: this.askPrices.slice(0, rowCount),
      askQuantity: this.askQuantities.slice(0, rowCount),
    };
  }
}

/** Distinct values in order of first use, by identity. */
class Dictionary<Value> {
  private values: Value[] = [];
  private readonly codes = new Map<Value, number>();

  code(value: Value): number {
    const known = this.codes.get(value);
    if (known !== undefined) return known;
    this.codes.set(value, this.values.length);
    return this.values.push(value) - 1;
  }

  /** Codes are 16 bits. */
  get isFull(): boolean {
    return this.values.length >= BATCH_ROWS_MAX;
  }

  take(): readonly Value[] {
    const values = this.values;
    this.values = [];
    this.codes.clear();
    return values;
  }
}

class Utf8Builder {
  private readonly encoder = new TextEncoder();
  private readonly offsets: Uint32Array;
  private bytes = new Uint8Array(1_024);
  private rows = 0;
  private used = 0;

  constructor(rowsMax: number) {
    this.offsets = new Uint32Array(rowsMax + 1);
  }

  append(text: string): void {
    const needed = this.used + text.length * 3;
    if (needed > this.bytes.length) {
      const grown = new Uint8Array(Math.max(needed, this.bytes.length * 2));
      grown.set(this.bytes.subarray(0, this.used));
      this.bytes = grown;
    }
    this.used = this.write(text);
    this.offsets[++this.rows] = this.used;
  }

  take(): Utf8Column {
    const taken = { offsets: this.offsets.slice(0, this.rows + 1), bytes: this.bytes.slice(0, this.used) };
    this.rows = 0;
    this.used = 0;
    return taken;
  }

  /** ASCII, which nearly every id is, without a call of the encoder. */
  private write(text: string): number {
    let at = this.used;
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      if (unit > 127) return at + this.encoder.encodeInto(text.slice(i), this.bytes.subarray(at)).written;
      this.bytes[at++] = unit;
    }
    return at;
  }
}
