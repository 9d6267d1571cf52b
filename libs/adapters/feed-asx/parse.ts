import { DecimalError, parseDecimal } from '@k2/domain/market';
import type { CompanySymbols } from './company-symbols.ts';
import { commaAt, scaledAt } from './fields.ts';
import { AsxFileParser, NO_FAULT, WRONG_FIELD_COUNT, type AsxFile } from './file-parser.ts';
import type { SydneyCalendar } from './sydney-time.ts';
import type { CodedSeries, QuoteRows, TradeRows } from './tick-rows.ts';

/** `Date,Time,Price,Volume,Qualifiers,Venue,BuyerID` → trades. */
export class TradeFileParser extends AsxFileParser {
  protected override readonly fieldNames = ['Date', 'Time', 'Price', 'Volume', 'Qualifiers', 'Venue', 'BuyerID'];
  protected override readonly rows: TradeRows;

  constructor(file: AsxFile, symbols: CompanySymbols, calendar: SydneyCalendar, rows: TradeRows) {
    super(file, symbols, calendar);
    this.rows = rows;
    rows.startFile(file.source);
  }

  protected override readFields(
    bytes: Uint8Array,
    at: number,
    end: number,
    series: CodedSeries,
    eventTimeUs: number,
    sequence: number,
  ): number {
    const priceEnd = commaAt(bytes, at, end);
    const quantityEnd = commaAt(bytes, priceEnd + 1, end);
    const qualifiersEnd = commaAt(bytes, quantityEnd + 1, end);
    const venueEnd = commaAt(bytes, qualifiersEnd + 1, end);
    if (venueEnd >= end || commaAt(bytes, venueEnd + 1, end) < end) return WRONG_FIELD_COUNT;

    const price = decimalAt(bytes, at, priceEnd);
    if (price === null) return 2;
    const quantity = decimalAt(bytes, priceEnd + 1, quantityEnd);
    if (quantity === null) return 3;
    const conditions = this.rows.conditions(bytes, quantityEnd + 1, qualifiersEnd);
    if (conditions === null) return 4;
    const vendorData = this.rows.vendorData(bytes, qualifiersEnd + 1, end);
    if (vendorData === undefined) return 5;

    const { rows, receiveTimeUs } = this;
    if (typeof price === 'number' && typeof quantity === 'number') {
      const conditionsCode = rows.conditionsCode(conditions);
      const vendorDataCode = vendorData === null ? 0 : rows.vendorDataCode(vendorData);
      const code = rows.seriesCode(series);
      rows.builder.append(
        code,
        eventTimeUs,
        receiveTimeUs,
        sequence,
        price,
        quantity,
        0,
        '',
        conditionsCode,
        vendorDataCode,
      );
    } else {
      rows.builder.appendTrade(series.value, {
        eventTimeUs,
        receiveTimeUs,
        venueSequence: sequence,
        vendorData: vendorData?.value ?? null,
        tradeId: null,
        price: BigInt(price),
        quantity: BigInt(quantity),
        aggressorSide: 'UNKNOWN',
        conditions: conditions.value,
      });
    }
    return NO_FAULT;
  }
}

/** `Date,Time,Bid,Ask,BidVolume,AskVolume` → quotes. An empty side has the volume 0 and whatever price was sent. */
export class QuoteFileParser extends AsxFileParser {
  protected override readonly fieldNames = ['Date', 'Time', 'Bid', 'Ask', 'BidVolume', 'AskVolume'];
  protected override readonly rows: QuoteRows;

  constructor(file: AsxFile, symbols: CompanySymbols, calendar: SydneyCalendar, rows: QuoteRows) {
    super(file, symbols, calendar);
    this.rows = rows;
    rows.startFile(file.source);
  }

  protected override readFields(
    bytes: Uint8Array,
    at: number,
    end: number,
    series: CodedSeries,
    eventTimeUs: number,
    sequence: number,
  ): number {
    const bidEnd = commaAt(bytes, at, end);
    const askEnd = commaAt(bytes, bidEnd + 1, end);
    const bidVolumeEnd = commaAt(bytes, askEnd + 1, end);
    if (bidVolumeEnd >= end || commaAt(bytes, bidVolumeEnd + 1, end) < end) return WRONG_FIELD_COUNT;

    const bid = decimalAt(bytes, at, bidEnd);
    if (bid === null) return 2;
    const ask = decimalAt(bytes, bidEnd + 1, askEnd);
    if (ask === null) return 3;
    const bidVolume = decimalAt(bytes, askEnd + 1, bidVolumeEnd);
    if (bidVolume === null) return 4;
    const askVolume = decimalAt(bytes, bidVolumeEnd + 1, end);
    if (askVolume === null) return 5;

    const { rows, receiveTimeUs } = this;
    const areNumbers =
      typeof bid === 'number' &&
      typeof ask === 'number' &&
      typeof bidVolume === 'number' &&
      typeof askVolume === 'number';
    if (areNumbers) {
      const code = rows.seriesCode(series);
      rows.builder.append(code, eventTimeUs, receiveTimeUs, sequence, bid, bidVolume, ask, askVolume, '');
    } else {
      rows.builder.appendQuote(series.value, {
        eventTimeUs,
        receiveTimeUs,
        venueSequence: sequence,
        vendorData: null,
        quoteId: null,
        bidPrice: BigInt(bid),
        bidQuantity: BigInt(bidVolume),
        askPrice: BigInt(ask),
        askQuantity: BigInt(askVolume),
      });
    }
    return NO_FAULT;
  }
}

/** Scaled by 10^8: a number where it is short and plain, which nearly every one is; null where it is no decimal. */
function decimalAt(bytes: Uint8Array, from: number, to: number): number | bigint | null {
  const scaled = scaledAt(bytes, from, to);
  if (!Number.isNaN(scaled)) return scaled;
  try {
    return parseDecimal(new TextDecoder().decode(bytes.subarray(from, to)));
  } catch (error) {
    if (error instanceof DecimalError) return null;
    throw error;
  }
}
