import { QuoteBatchBuilder, TradeBatchBuilder, type RecordType, type Series, type TickBatch } from '@k2/domain/market';
import type { HeldTick } from './faults.ts';
import { Ledger, type SeriesSummary } from './ledger.ts';
import type { OrderFlow } from './order-flow.ts';
import type { Universe } from './universe.ts';

/** Numbers of one record type, for each instrument. */
interface Numbering {
  readonly next: Float64Array;
  readonly lost: Float64Array;
  readonly highestSent: Float64Array;
}

/** Numbers ticks, and puts them into batches: one builder for each venue and record type. */
export class Publisher {
  /** Full batches, to be taken. */
  ready: TickBatch[] = [];
  readonly ledger: Ledger;
  receiveTimeUs = 0;
  private readonly universe: Universe;
  private readonly series: Series[];
  private readonly trades: readonly Lane<TradeBatchBuilder>[];
  private readonly quotes: readonly Lane<QuoteBatchBuilder>[];
  private readonly numbers: Readonly<Record<RecordType, Numbering>>;
  private readonly lastTradeNumber: Float64Array;
  private readonly restarts: Uint32Array;

  constructor(universe: Universe, session: string, rowsMax: number) {
    this.universe = universe;
    this.series = universe.symbols.map((_, instrument) => seriesOf(universe, instrument, session));
    this.trades = universe.venues.map(() => new Lane(new TradeBatchBuilder(rowsMax), universe.size));
    this.quotes = universe.venues.map(() => new Lane(new QuoteBatchBuilder(rowsMax), universe.size));
    this.numbers = { trades: numbering(universe.size), quotes: numbering(universe.size) };
    this.lastTradeNumber = new Float64Array(universe.venues.length);
    this.restarts = new Uint32Array(universe.venues.length);
    this.ledger = new Ledger(() => universe.venues.flatMap((_, venue) => this.summaries(venue)));
  }

  sendTrade(instrument: number, eventTimeUs: number, flow: OrderFlow): void {
    const venue = this.universe.venueOf[instrument];
    const lane = this.trades[venue];
    const { next, highestSent } = this.numbers.trades;
    const sequence = next[instrument]++;
    highestSent[instrument] = sequence;
    const { builder } = lane;
    builder.append(
      lane.code(instrument, this.series),
      eventTimeUs,
      this.receiveTimeUs,
      sequence,
      flow.price,
      flow.quantity,
      flow.side,
      this.nextTradeId(venue),
      flow.conditions.length === 0 ? 0 : builder.conditionsCode(flow.conditions),
      flow.vendorData === null ? 0 : builder.vendorDataCode(flow.vendorData),
    );
    this.ledger.sentTicks++;
    this.ledger.distinctTicks++;
    if (builder.isFull) this.take(lane);
  }

  sendQuote(instrument: number, eventTimeUs: number, flow: OrderFlow): void {
    const lane = this.quotes[this.universe.venueOf[instrument]]!;
    const { next, highestSent } = this.numbers.quotes;
    const sequence = next[instrument]++;
    highestSent[instrument] = sequence;
    lane.builder.append(
      lane.code(instrument, this.series),
      eventTimeUs,
      this.receiveTimeUs,
      sequence,
      flow.bidPrice,
      flow.bidQuantity,
      flow.askPrice,
      flow.askQuantity,
      '',
    );
    this.ledger.sentTicks++;
    this.ledger.distinctTicks++;
    if (lane.builder.isFull) this.take(lane);
  }

  /** A tick with its number, to be sent by `sendHeld`. */
  hold(
    fault: HeldTick['fault'],
    recordType: RecordType,
    instrument: number,
    eventTimeUs: number,
    dueUs: number,
    flow: OrderFlow,
  ): HeldTick {
    const venue = this.universe.venueOf[instrument];
    const isTrade = recordType === 'trades';
    return {
      fault,
      dueUs,
      recordType,
      instrument,
      venue,
      series: this.series[instrument],
      sequence: this.numbers[recordType].next[instrument]++,
      eventTimeUs,
      values: isTrade
        ? [flow.price, flow.quantity]
        : [flow.bidPrice, flow.bidQuantity, flow.askPrice, flow.askQuantity],
      side: flow.side,
      tradeId: isTrade ? this.nextTradeId(venue) : '',
      conditions: flow.conditions,
      vendorData: isTrade ? flow.vendorData : null,
    };
  }

  /** Sends a held tick; again, where it is a duplicate that was sent before. */
  sendHeld(tick: HeldTick, isRepeat: boolean): void {
    const { venue, series, eventTimeUs, sequence, values } = tick;
    const [a, b, c, d] = values;
    const { receiveTimeUs, ledger } = this;
    const lane = tick.recordType === 'trades' ? this.trades[venue] : this.quotes[venue];
    const { builder } = lane;
    const code = builder.seriesCode(series);
    const vendorData = builder.vendorDataCode(tick.vendorData);
    if (builder instanceof TradeBatchBuilder) {
      const conditions = builder.conditionsCode(tick.conditions);
      const { side, tradeId } = tick;
      builder.append(code, eventTimeUs, receiveTimeUs, sequence, a!, b!, side, tradeId, conditions, vendorData);
    } else {
      builder.append(code, eventTimeUs, receiveTimeUs, sequence, a!, b!, c!, d!, '', vendorData);
    }
    ledger.sentTicks++;
    if (!isRepeat) ledger.distinctTicks++;
    const { highestSent } = this.numbers[tick.recordType];
    highestSent[tick.instrument] = Math.max(highestSent[tick.instrument], sequence);
    if (builder.isFull) this.take(lane);
  }

  /** Whether a later number of the tick's series has been sent. */
  isOvertaken({ recordType, instrument, sequence }: HeldTick): boolean {
    return this.numbers[recordType].highestSent[instrument] > sequence;
  }

  /** Gives `count` numbers to no tick; returns the first and the last. */
  lose(recordType: RecordType, instrument: number, count: number): readonly [number, number] {
    const { next, lost } = this.numbers[recordType];
    const from = next[instrument];
    next[instrument] = from + count;
    lost[instrument] = lost[instrument] + count;
    this.ledger.lostTicks += count;
    return [from, from + count - 1];
  }

  nextSequence(recordType: RecordType, instrument: number): number {
    return this.numbers[recordType].next[instrument];
  }

  seriesAt(instrument: number): Series {
    return this.series[instrument];
  }

  restartCount(venue: number): number {
    return this.restarts[venue];
  }

  /** All series of the venue start from 1. */
  restart(venue: number, session: string): void {
    this.ledger.close(this.summaries(venue));
    this.restarts[venue]++;
    for (let i = venue; i < this.universe.size; i += this.universe.venues.length) {
      this.series[i] = seriesOf(this.universe, i, session);
      for (const { next, lost, highestSent } of [this.numbers.trades, this.numbers.quotes]) {
        next[i] = 1;
        lost[i] = 0;
        highestSent[i] = 0;
      }
    }
    this.trades[venue].forgetCodes();
    this.quotes[venue].forgetCodes();
  }

  /** Makes batches of what there is. */
  flush(): void {
    for (const lane of [...this.trades, ...this.quotes]) if (lane.builder.rowCount > 0) this.take(lane);
  }

  private take(lane: Lane<TradeBatchBuilder> | Lane<QuoteBatchBuilder>): void {
    const batch = lane.builder.take();
    lane.forgetCodes();
    if (batch !== null) this.ready.push(batch);
  }

  private nextTradeId(venue: number): string {
    return `T${++this.lastTradeNumber[venue]}`;
  }

  private summaries(venue: number): SeriesSummary[] {
    const found: SeriesSummary[] = [];
    for (let i = venue; i < this.universe.size; i += this.universe.venues.length) {
      const { exchange, symbol, session } = this.series[i];
      for (const recordType of ['trades', 'quotes'] as const) {
        const lastSequence = this.numbers[recordType].next[i] - 1;
        if (lastSequence === 0) continue;
        const distinctTicks = lastSequence - this.numbers[recordType].lost[i];
        found.push({
          recordType,
          exchange,
          symbol,
          session,
          restart: this.restarts[venue],
          lastSequence,
          distinctTicks,
        });
      }
    }
    return found;
  }
}

/** A builder and, by instrument, the series codes of the batch it is building. */
class Lane<Builder extends TradeBatchBuilder | QuoteBatchBuilder> {
  readonly builder: Builder;
  private readonly codes: Int32Array;

  constructor(builder: Builder, instruments: number) {
    this.builder = builder;
    this.codes = new Int32Array(instruments).fill(-1);
  }

  code(instrument: number, series: readonly Series[]): number {
    const known = this.codes[instrument];
    if (known >= 0) return known;
    return (this.codes[instrument] = this.builder.seriesCode(series[instrument]));
  }

  forgetCodes(): void {
    this.codes.fill(-1);
  }
}

function numbering(size: number): Numbering {
  return { next: new Float64Array(size).fill(1), lost: new Float64Array(size), highestSent: new Float64Array(size) };
}

function seriesOf(universe: Universe, instrument: number, session: string): Series {
  const { exchange, assetClass, currency } = universe.venues[universe.venueOf[instrument]]!;
  const symbol = universe.symbols[instrument];
  return { exchange, symbol, assetClass, currency, session, sequenceOrigin: 'venue', firstSequence: 1 };
}
