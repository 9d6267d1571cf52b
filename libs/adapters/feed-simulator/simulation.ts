import { printTimeUs, US_PER_MS, US_PER_SECOND, utcDate, type RecordType, type TickBatch } from '@k2/domain/market';
import { FaultPlan, HeldTicks, type HeldTick } from './faults.ts';
import type { InjectedFault, Ledger, SeriesFaultKind } from './ledger.ts';
import type { SimulatorConfig } from './options.ts';
import { AUCTION_CLOSE, AUCTION_OPEN, NO_CONDITIONS, OrderFlow } from './order-flow.ts';
import { Publisher } from './publisher.ts';
import { Sfc32 } from './random.ts';
import { Universe } from './universe.ts';
import { ZipfTable } from './zipf.ts';

export interface SessionNotice {
  readonly exchange: string;
  readonly session: string;
  readonly phase: (typeof PHASES)[number];
}

const RANDOM_STREAM_TICKS = 2;
const RANDOM_STREAM_FAULTS = 3;
const GAP_TICKS_MAX = 8;
const DUPLICATE_DELAY_US_MAX = 50_000;
/** A finite run is long enough for closing auctions where it has this many ticks an instrument. */
const CLOSING_TICKS_PER_INSTRUMENT = 10;
const OPENING = 0;
const CONTINUOUS = 1;
const CLOSING = 2;
const PHASES = ['auction-open', 'continuous', 'auction-close'] as const;

/**
 * The venues, without a clock or chance of their own: the same configuration, start and calls give the same ticks bit
 * by bit, and where `followClock` is not used also the same ticks however the calls are cut.
 */
export class Simulation {
  /** Changes of phase since they were last taken. */
  notices: SessionNotice[] = [];
  private readonly config: SimulatorConfig;
  private readonly universe: Universe;
  private readonly zipf: ZipfTable;
  private readonly random: Sfc32;
  private readonly flow: OrderFlow;
  private readonly faults: FaultPlan;
  private readonly held = new HeldTicks();
  private readonly publisher: Publisher;
  private readonly firstSession: string;
  /** Tick `tick` is at `originUs + (tick − originTick) × stepUs`, rounded down. */
  private originTick = 0;
  private originUs: number;
  private stepUs: number;
  private followsClock = false;
  private tick = 0;
  private readonly tickLimit: number;
  private readonly closingFrom: number;
  private readonly closingInstruments: readonly number[];
  /** What is being made: `burstLeft` ticks of one instrument, the trade when so many are left. */
  private instrument = 0;
  private burstLeft = 0;
  private tradeWhenLeft = 0;
  private auction = NO_CONDITIONS;
  private readonly phases: Uint8Array;
  private readonly auctionCursors: Uint32Array;
  private closingCursor = 0;
  private rolloverUs: number;
  private readonly restartsDue: { readonly venue: number; readonly isFault: boolean }[] = [];
  private readonly quietUntilUs: Float64Array;
  private swapped: HeldTick | null = null;

  constructor(config: SimulatorConfig, startUs: number) {
    this.config = config;
    this.universe = new Universe(config.seed, config.venues, config.instruments);
    this.zipf = new ZipfTable(this.universe.size, config.zipf);
    this.random = new Sfc32(config.seed, RANDOM_STREAM_TICKS);
    this.flow = new OrderFlow(this.universe, this.random);
    this.faults = new FaultPlan(config, new Sfc32(config.seed, RANDOM_STREAM_FAULTS));
    this.firstSession = config.session === '' ? sessionLabel(startUs) : config.session;
    this.publisher = new Publisher(this.universe, this.session(0), config.rows);
    this.originUs = startUs;
    this.stepUs = config.rate === 'max' ? config.step : US_PER_SECOND / config.rate;
    this.tickLimit = config.ticks === 'endless' ? Number.POSITIVE_INFINITY : config.ticks;
    this.rolloverUs = config.rollover === 0 ? Number.POSITIVE_INFINITY : startUs + config.rollover * US_PER_SECOND;
    const { venues, size } = this.universe;
    this.phases = new Uint8Array(venues.length);
    this.auctionCursors = new Uint32Array(venues.length);
    this.quietUntilUs = new Float64Array(venues.length);
    const isLong = this.tickLimit >= size * CLOSING_TICKS_PER_INSTRUMENT;
    const ranks = Array.from(this.universe.venueOf.keys());
    this.closingInstruments = ranks.filter((rank) => isLong && venues[this.universe.venueOf[rank]]!.hasAuctions);
    this.closingFrom = this.tickLimit - this.closingInstruments.length;
    venues.forEach((_, venue) => this.openSession(venue));
  }

  get ledger(): Ledger {
    return this.publisher.ledger;
  }

  /** Venue time at which a finite run ends; unknown, and so infinite, where it follows the clock. */
  private get endUs(): number {
    if (this.followsClock) return Number.POSITIVE_INFINITY;
    return this.originUs + (this.tickLimit - this.originTick) * this.stepUs;
  }

  get isDone(): boolean {
    return this.tick >= this.tickLimit;
  }

  /** Venue time of the next tick. */
  get nextTimeUs(): number {
    return this.originUs + Math.floor((this.tick - this.originTick) * this.stepUs);
  }

  /** Spreads the next `ticks` ticks from the time reached to `nowUs`; where that is past, they get the time reached. */
  followClock(nowUs: number, ticks: number): void {
    const reachedUs = this.nextTimeUs;
    this.followsClock = true;
    this.originTick = this.tick;
    this.originUs = reachedUs;
    this.stepUs = Math.max(0, nowUs - reachedUs) / ticks;
  }

  /**
   * Makes at most `ticksMax` ticks of a venue time up to `untilUs`; stops earlier when a batch is full.
   * `receiveTimeUs` is put on all of them; null stands for their own venue time.
   */
  advance(untilUs: number, ticksMax: number, receiveTimeUs: number | null): void {
    const { publisher, flow, faults } = this;
    const end = Math.min(this.tickLimit, this.tick + ticksMax);
    if (receiveTimeUs !== null) publisher.receiveTimeUs = receiveTimeUs;
    while (this.tick < end && publisher.ready.length === 0) {
      const timeUs = this.originUs + Math.floor((this.tick - this.originTick) * this.stepUs);
      if (timeUs > untilUs) return;
      if (receiveTimeUs === null) publisher.receiveTimeUs = timeUs;
      if (this.burstLeft === 0 && this.swapped === null && !this.startBurst(timeUs)) continue;
      if (this.tick === faults.next) {
        this.makeFaulty(timeUs);
      } else if (this.burstLeft-- === this.tradeWhenLeft) {
        this.draw('trades');
        publisher.sendTrade(this.instrument, timeUs, flow);
      } else {
        flow.drawQuote(this.instrument);
        publisher.sendQuote(this.instrument, timeUs, flow);
      }
      this.tick++;
    }
  }

  /** Full batches since they were last taken. */
  takeBatches(): readonly TickBatch[] {
    const taken = this.publisher.ready;
    if (taken.length > 0) this.publisher.ready = [];
    return taken;
  }

  takeNotices(): readonly SessionNotice[] {
    const taken = this.notices;
    if (taken.length > 0) this.notices = [];
    return taken;
  }

  /** Makes batches of what is not in one yet. */
  flush(): void {
    this.publisher.flush();
  }

  /** Sends what is held back for a fault, and flushes: after it, everything made is in a batch. */
  finish(): void {
    if (this.swapped !== null) this.sendHeld(this.swapped, this.nextTimeUs);
    this.swapped = null;
    this.sendDue(Number.MAX_SAFE_INTEGER, this.nextTimeUs);
    this.flush();
  }

  /** Chooses what comes next; false where venue time jumped instead, because the venues are quiet. */
  private startBurst(timeUs: number): boolean {
    if (timeUs >= this.held.nextDueUs) this.sendDue(timeUs, timeUs);
    if (timeUs >= this.rolloverUs) this.rollOver();
    for (let due = this.restartsDue.pop(); due !== undefined; due = this.restartsDue.pop()) {
      this.restart(due.venue, due.isFault, timeUs);
    }
    if (this.tick >= this.closingFrom) return this.startClosingTrade(timeUs);
    let instrument = this.zipf.draw(this.random);
    let venue = this.universe.venueOf[instrument];
    if (timeUs < this.quietUntilUs[venue]) {
      const awake = this.quietUntilUs.findIndex((untilUs) => untilUs <= timeUs);
      if (awake < 0) return this.jumpTo(Math.min(...this.quietUntilUs));
      instrument += awake - venue;
      venue = awake;
    }
    if (this.phases[venue] === CONTINUOUS) this.startTradeAndQuotes(instrument);
    else this.startAuctionTrade(venue);
    return true;
  }

  private startTradeAndQuotes(instrument: number): void {
    const bits = this.random.next();
    const quotes = 2 + (bits & 3);
    this.instrument = instrument;
    this.auction = NO_CONDITIONS;
    // Cut where the closing auctions begin.
    this.burstLeft = Math.min(quotes + 1, this.closingFrom - this.tick);
    this.tradeWhenLeft = Math.min(this.burstLeft, 1 + (((bits >>> 2) & 255) % quotes));
  }

  private startAuctionTrade(venue: number): void {
    const isOpening = this.phases[venue] === OPENING;
    const instrument = venue + this.universe.venues.length * this.auctionCursors[venue]++;
    this.startTrade(instrument, isOpening ? AUCTION_OPEN : AUCTION_CLOSE);
    if (this.auctionCursors[venue] < this.config.instruments) return;
    if (isOpening) this.enter(venue, CONTINUOUS);
    else this.restartsDue.push({ venue, isFault: false });
  }

  /** The end of a finite run: the most active instruments close, as many as there are ticks left. */
  private startClosingTrade(timeUs: number): boolean {
    const { venues, venueOf } = this.universe;
    const instrument = this.closingInstruments[this.closingCursor % this.closingInstruments.length];
    const quietUntilUs = this.quietUntilUs[venueOf[instrument]]!;
    if (timeUs < quietUntilUs) return this.jumpTo(quietUntilUs);
    if (this.closingCursor === 0) venues.forEach(({ hasAuctions }, venue) => hasAuctions && this.enter(venue, CLOSING));
    this.closingCursor++;
    this.startTrade(instrument, AUCTION_CLOSE);
    return true;
  }

  private startTrade(instrument: number, auction: readonly string[]): void {
    this.instrument = instrument;
    this.auction = auction;
    this.burstLeft = 1;
    this.tradeWhenLeft = 1;
  }

  private draw(recordType: RecordType): void {
    if (recordType === 'quotes') this.flow.drawQuote(this.instrument);
    else if (this.auction === NO_CONDITIONS) this.flow.drawTrade(this.instrument);
    else this.flow.drawAuctionTrade(this.instrument, this.auction);
  }

  private send(recordType: RecordType, timeUs: number): void {
    if (recordType === 'trades') this.publisher.sendTrade(this.instrument, timeUs, this.flow);
    else this.publisher.sendQuote(this.instrument, timeUs, this.flow);
  }

  private makeFaulty(timeUs: number): void {
    if (this.swapped !== null) {
      const { recordType } = this.swapped;
      this.draw(recordType);
      this.send(recordType, timeUs);
      this.sendHeld(this.swapped, timeUs);
      this.swapped = null;
      this.faults.schedule(this.tick + 1);
      return;
    }
    const recordType = this.burstLeft-- === this.tradeWhenLeft ? 'trades' : 'quotes';
    this.draw(recordType);
    this.inject(this.faults.draw(), recordType, timeUs);
    if (this.swapped === null) this.faults.schedule(this.tick + 1);
    else this.faults.next = this.tick + 1;
  }

  /** Makes the tick drawn, with the fault where it can befall this tick, and without where not. */
  private inject(fault: InjectedFault['fault'], recordType: RecordType, timeUs: number): void {
    const { publisher, instrument, flow, ledger } = this;
    const series = publisher.seriesAt(instrument);
    const hold = (kind: HeldTick['fault'], dueUs: number) =>
      publisher.hold(kind, recordType, instrument, timeUs, dueUs, flow);
    const befell = () => {
      const sequence = publisher.nextSequence(recordType, instrument);
      ledger.addSeries(fault as SeriesFaultKind, recordType, series, [sequence, sequence], timeUs);
    };
    switch (fault) {
      case 'gap':
        ledger.addSeries(
          'gap',
          recordType,
          series,
          publisher.lose(recordType, instrument, this.faults.upTo(GAP_TICKS_MAX)),
          timeUs,
        );
        break;
      case 'duplicate': {
        if (this.held.isFull) break;
        const tick = hold('duplicate', timeUs + this.faults.upTo(DUPLICATE_DELAY_US_MAX));
        publisher.sendHeld(tick, false);
        this.held.add(tick);
        return;
      }
      case 'late': {
        const dueUs = timeUs + this.config.lateMs * US_PER_MS;
        if (this.held.isFull || dueUs > this.endUs) break;
        this.held.add(hold('late', dueUs));
        return;
      }
      case 'out-of-order':
        if (this.tick + 1 >= this.tickLimit) break;
        this.swapped = hold('out-of-order', timeUs);
        return;
      case 'reset':
        if (this.restartsDue.length === 0) {
          this.restartsDue.push({ venue: this.universe.venueOf[instrument], isFault: true });
        }
        break;
      case 'crossed-quote':
        if (recordType !== 'quotes') break;
        flow.crossQuote(instrument);
        befell();
        break;
      case 'bad-price':
        if (recordType !== 'trades' || series.assetClass !== 'equities') break;
        flow.spoilPrice();
        befell();
        break;
    }
    this.send(recordType, timeUs);
  }

  private sendDue(dueUs: number, timeUs: number): void {
    while (this.held.nextDueUs <= dueUs) this.sendHeld(this.held.takeFirst(), timeUs);
  }

  /** A tick that no later one of its series has overtaken is sent in order after all: no fault. */
  private sendHeld(tick: HeldTick, timeUs: number): void {
    const { fault, recordType, series, sequence, eventTimeUs } = tick;
    const isRepeat = fault === 'duplicate';
    const isFault = isRepeat || this.publisher.isOvertaken(tick);
    this.publisher.sendHeld(tick, isRepeat);
    if (isFault) this.ledger.addSeries(fault, recordType, series, [sequence, sequence], eventTimeUs, timeUs);
  }

  private rollOver(): void {
    this.rolloverUs += this.config.rollover * US_PER_SECOND;
    this.universe.venues.forEach(({ hasAuctions }, venue) => {
      if (hasAuctions) this.enter(venue, CLOSING);
      else this.restartsDue.push({ venue, isFault: false });
    });
  }

  /** What the venue still holds back goes first, in the old session. */
  private restart(venue: number, isFault: boolean, timeUs: number): void {
    for (const tick of this.held.takeVenue(venue)) this.sendHeld(tick, timeUs);
    const { exchange } = this.universe.venues[venue];
    const restarts = this.publisher.restartCount(venue);
    const [previousSession, session] = [this.session(restarts), this.session(restarts + 1)];
    if (isFault) this.ledger.add({ fault: 'reset', exchange, previousSession, session, eventTimeUs: timeUs });
    this.publisher.restart(venue, session);
    if (this.config.resetMode === 'unlabelled') this.quietUntilUs[venue] = timeUs + this.config.quiet * US_PER_SECOND;
    this.openSession(venue);
  }

  private openSession(venue: number): void {
    this.enter(venue, this.universe.venues[venue].hasAuctions ? OPENING : CONTINUOUS);
  }

  private enter(venue: number, phase: number): void {
    this.phases[venue] = phase;
    this.auctionCursors[venue] = 0;
    const { exchange } = this.universe.venues[venue];
    this.notices.push({ exchange, session: this.session(this.publisher.restartCount(venue)), phase: PHASES[phase] });
  }

  private session(restarts: number): string {
    if (this.config.resetMode === 'unlabelled') return '';
    return restarts === 0 ? this.firstSession : `${this.firstSession}-${restarts}`;
  }

  private jumpTo(timeUs: number): false {
    this.originTick = this.tick;
    this.originUs = timeUs;
    return false;
  }
}

/** `2026-11-21T110000.123456`: another one at every start. */
function sessionLabel(startUs: number): string {
  const time = printTimeUs(startUs).slice(11, -1).replaceAll(':', '');
  return `${utcDate(startUs)}T${time.padEnd('hhmmss.ffffff'.length, '0')}`;
}
