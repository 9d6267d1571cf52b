import type { Rejection } from '@k2/domain/lake';
import {
  messageId,
  parseDecimal,
  QuoteBatchBuilder,
  TradeBatchBuilder,
  type RecordType,
  type Series,
  type TickBatch,
} from '@k2/domain/market';
import { seriesKey } from '@k2/domain/sequencing';
import type { FeedEvent } from '@k2/ports';
import type { DrawnTopic, DrawnWorld } from './drawn-world.ts';
import { SeededChance } from './seeded-chance.ts';

/** A tick that was sent. Its `id` is its quantity, so that it is known again wherever its row turns up. */
export interface SentTick {
  readonly id: number;
  readonly recordType: RecordType;
  /** The session as the table is to say it: of a venue without sessions, by the resets. */
  readonly series: Series;
  readonly sequence: number;
  readonly isRefused: boolean;
  readonly isPoison: boolean;
  /** Its venue has no sessions: the one of `series` is what its resets make of it. */
  readonly isOfResets: boolean;
}

const decoder = new TextDecoder();

export const POISON = 'poison';
const PRICE = 100_000_000n;
const START_US = 1_767_225_600_000_000;
const YEAR_2100_US = 4_102_444_800_000_000;

interface Symbol {
  series: Series;
  generation: number;
  sessions: number;
  next: number;
  timeUs: number;
}

/** All ticks sent in a world, by id (from 1: a quantity of 0 is no tick). */
export class SentTicks {
  private readonly byId: SentTick[] = [];

  add(tick: Omit<SentTick, 'id'>): SentTick {
    const sent = { ...tick, id: this.byId.length + 1 };
    this.byId.push(sent);
    return sent;
  }

  get count(): number {
    return this.byId.length;
  }

  tick(id: number): SentTick | undefined {
    return this.byId[id - 1];
  }
}

export function nameOf({ recordType, series, sequence }: Pick<SentTick, 'recordType' | 'series' | 'sequence'>): string {
  return `${recordType}/${messageId(series, sequence)}`;
}

export function seriesKeyOf({ recordType, series }: Pick<SentTick, 'recordType' | 'series'>): string {
  return seriesKey(recordType, series);
}

export function tickIds(batch: TickBatch): BigInt64Array {
  return batch.recordType === 'trades' ? batch.quantity : batch.bidQuantity;
}

/** Of a tick as JSON, as the quarantine has it. */
export function tickIdOf(raw: Uint8Array): number {
  const tick = JSON.parse(decoder.decode(raw)) as { readonly quantity?: string; readonly bid_quantity?: string };
  return Number(parseDecimal(tick.quantity ?? tick.bid_quantity ?? '0'));
}

/** What the venue of one topic sends: the events of one feed, made when they are asked for and then kept. */
export class Tape {
  readonly topic: DrawnTopic;
  private readonly world: DrawnWorld;
  private readonly sent: SentTicks;
  private readonly chance: SeededChance;
  private readonly symbols: Symbol[];
  private readonly events: FeedEvent[] = [];
  private readonly indexes = new Map<FeedEvent, number>();
  private readonly acknowledged = new Set<number>();
  private readonly builder: TradeBatchBuilder | QuoteBatchBuilder;
  private readonly rates;
  private held: { readonly row: () => void; inBatches: number }[] = [];
  private rejectionCount = 0;

  constructor(topic: DrawnTopic, world: DrawnWorld, sent: SentTicks) {
    this.topic = topic;
    this.world = world;
    this.sent = sent;
    this.chance = SeededChance.named(world.seed, `tape of ${topic.name}`);
    this.builder = topic.recordType === 'trades' ? new TradeBatchBuilder(256) : new QuoteBatchBuilder(256);
    const rate = (hazard: Parameters<typeof world.hazards.has>[0], most: number) =>
      world.hazards.has(hazard) ? this.chance.next() * most : 0;
    this.rates = {
      loss: rate('losses', 0.2),
      late: rate('late-ticks', 0.2),
      repeat: rate('repeats', 0.2),
      refused: rate('refused-ticks', 0.1),
      future: rate('future-ticks', 0.2),
      reset: rate('resets', 0.1),
      session: this.chance.rate(0.05),
      rejections: rate('rejections', 0.1),
      poison: rate('poison', 0.01),
    };
    this.symbols = Array.from({ length: topic.symbols }, (_, at) => this.symbol(at));
  }

  /** Where a feed that is opened starts: everything before it is acknowledged. */
  get firstUnacknowledged(): number {
    for (let at = 0; ; at++) if (!this.acknowledged.has(at)) return at;
  }

  /** Events made so far. */
  get length(): number {
    return this.events.length;
  }

  get acknowledgedEvents(): readonly FeedEvent[] {
    return this.events.filter((_, at) => this.acknowledged.has(at));
  }

  event(at: number): FeedEvent {
    while (this.events.length <= at) {
      const event = this.next();
      this.indexes.set(event, this.events.length);
      this.events.push(event);
    }
    return this.events[at];
  }

  acknowledge(event: FeedEvent): void {
    this.acknowledged.add(this.indexes.get(event)!);
  }

  private symbol(at: number): Symbol {
    const hasSessions = !this.world.hazards.has('resets');
    const { exchange, assetClass } = this.topic;
    const firstSequence = !hasSessions || this.chance.happens(0.8) ? 1 : null;
    const series: Series = {
      exchange,
      symbol: `S${at}`,
      assetClass,
      currency: 'AUD',
      session: hasSessions ? 's0' : '',
      sequenceOrigin: 'venue',
      firstSequence,
    };
    return { series, generation: 0, sessions: 1, next: 1, timeUs: START_US };
  }

  private next(): FeedEvent {
    if (this.chance.happens(this.rates.rejections)) return { kind: 'rejections', rejections: [this.rejection()] };
    if (this.events.length > 0 && this.chance.happens(this.rates.repeat)) {
      const again = this.events[Math.max(0, this.events.length - 1 - this.chance.below(6))];
      return { ...again };
    }
    const rows = 1 + this.chance.below(this.world.batchRowsMax);
    for (let row = 0; row < rows; row++) this.addRow();
    for (const held of this.held) if (--held.inBatches <= 0) held.row();
    this.held = this.held.filter(({ inBatches }) => inBatches > 0);
    const batch = this.builder.take();
    // Every tick was held back.
    return batch === null ? this.next() : { kind: 'ticks', batch };
  }

  private addRow(): void {
    const of = this.chance.pick(this.symbols);
    let isFirst = false;
    if (of.next > 1 && this.chance.happens(this.rates.reset)) {
      of.generation++;
      of.next = 1;
      of.timeUs += this.world.sinkOptions(new SeededChance(0)).sequencing.resetQuietUs;
      isFirst = true;
    } else if (of.series.session !== '' && this.chance.happens(this.rates.session)) {
      of.series = { ...of.series, session: `s${of.sessions++}` };
      of.next = 1;
    }
    while (this.chance.happens(this.rates.loss)) of.next++;
    of.timeUs += 1 + this.chance.below(1_000);
    const isFuture = !isFirst && this.chance.happens(this.rates.future);
    const isPriceless = !isFirst && this.chance.happens(this.rates.refused);
    const isPoison = this.chance.happens(this.rates.poison);
    const sent = this.sent.add({
      recordType: this.topic.recordType,
      series: of.generation === 0 ? of.series : { ...of.series, session: `reset-${of.generation}` },
      sequence: of.next++,
      isRefused: isFuture || isPriceless,
      isPoison,
      isOfResets: of.series.session === '',
    });
    const { series, timeUs } = of;
    const row = () => this.append(sent, series, timeUs, isFuture, isPriceless);
    if (this.chance.happens(this.rates.late)) this.held.push({ row, inBatches: 1 + this.chance.below(4) });
    else row();
  }

  private append(sent: SentTick, series: Series, timeUs: number, isFuture: boolean, isPriceless: boolean): void {
    const common = {
      eventTimeUs: isFuture ? YEAR_2100_US : timeUs,
      receiveTimeUs: timeUs,
      venueSequence: sent.sequence,
      vendorData: null,
    };
    const id = sent.isPoison ? POISON : null;
    const quantity = BigInt(sent.id);
    const price = isPriceless ? 0n : PRICE;
    if (this.builder instanceof TradeBatchBuilder)
      this.builder.appendTrade(series, {
        ...common,
        tradeId: id,
        price,
        quantity,
        aggressorSide: 'BUY',
        conditions: [],
      });
    else
      this.builder.appendQuote(series, {
        ...common,
        quoteId: id,
        bidPrice: price,
        bidQuantity: quantity,
        askPrice: PRICE,
        askQuantity: PRICE,
      });
  }

  private rejection(): Rejection {
    return {
      quarantineId: `${this.topic.name}:${this.rejectionCount++}:line`,
      exchange: this.topic.exchange,
      recordType: this.topic.recordType,
      source: 'lines',
      position: this.rejectionCount,
      reason: 'malformed-row',
      detail: 'not a line',
      raw: Uint8Array.of(this.rejectionCount & 0xff),
      receiveTimeUs: START_US,
    };
  }
}
