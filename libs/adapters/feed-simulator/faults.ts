import type { RecordType, Series, VendorData } from '@k2/domain/market';
import type { InjectedFault } from './ledger.ts';
import type { SimulatorConfig } from './options.ts';
import type { Sfc32 } from './random.ts';

type Fault = InjectedFault['fault'];

/**
 * Which ticks faults befall, drawn ahead: the loop compares one number, and where all rates are 0 draws nothing.
 * A kind drawn for a tick that it cannot befall is no fault, which leaves its rate among the others as configured.
 */
export class FaultPlan {
  /** Number of the next tick that a fault befalls; never reached where all rates are 0. */
  next: number;
  private readonly random: Sfc32;
  private readonly kinds: readonly (readonly [Fault, number])[];
  private readonly total: number;

  constructor(config: SimulatorConfig, random: Sfc32) {
    this.random = random;
    this.kinds = [
      ['gap', config.gaps],
      ['duplicate', config.duplicates],
      ['late', config.late],
      ['out-of-order', config.reorder],
      ['reset', config.resets],
      ['crossed-quote', config.crossed],
      ['bad-price', config.badPrices],
    ];
    // Rates are of rare events; where they add up to more than every tick, they share the ticks.
    this.total = Math.min(
      1,
      this.kinds.reduce((sum, [, rate]) => sum + rate, 0),
    );
    this.next = -1;
    this.schedule(0);
  }

  /** Draws the next faulty tick, from `tick` on. */
  schedule(tick: number): void {
    if (this.total === 0) return;
    const distance = this.total === 1 ? 0 : Math.log(1 - this.random.fraction()) / Math.log(1 - this.total);
    this.next = tick + Math.floor(distance);
  }

  draw(): Fault {
    let left = this.random.fraction() * this.kinds.reduce((sum, [, rate]) => sum + rate, 0);
    for (const [kind, rate] of this.kinds) {
      left -= rate;
      if (left < 0) return kind;
    }
    return this.kinds.findLast(([, rate]) => rate > 0)![0];
  }

  /** 1 to `max`. */
  upTo(max: number): number {
    return 1 + Math.floor(this.random.fraction() * max);
  }
}

/** A tick made and not sent yet, or to be sent again. `values` are price and quantity, or those of bid and ask. */
export interface HeldTick {
  readonly fault: 'duplicate' | 'late' | 'out-of-order';
  readonly dueUs: number;
  readonly recordType: RecordType;
  readonly instrument: number;
  readonly venue: number;
  readonly series: Series;
  readonly sequence: number;
  readonly eventTimeUs: number;
  readonly values: readonly number[];
  readonly side: number;
  readonly tradeId: string;
  readonly conditions: readonly string[];
  readonly vendorData: VendorData | null;
}

/** Ticks held at once; at the bound no tick is held, so no more faults of these kinds happen until some are sent. */
const HELD_MAX = 65_536;

/** Held ticks by the time they are due: a binary heap. */
export class HeldTicks {
  /** Infinity where none is held. */
  nextDueUs = Number.POSITIVE_INFINITY;
  private heap: HeldTick[] = [];

  get isFull(): boolean {
    return this.heap.length >= HELD_MAX;
  }

  add(tick: HeldTick): void {
    let at = this.heap.push(tick) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (this.heap[parent].dueUs <= tick.dueUs) break;
      this.heap[at] = this.heap[parent];
      at = parent;
    }
    this.heap[at] = tick;
    this.nextDueUs = this.heap[0].dueUs;
  }

  takeFirst(): HeldTick {
    const first = this.heap[0];
    const last = this.heap.pop()!;
    if (this.heap.length > 0) this.sink(last);
    this.nextDueUs = this.heap[0]?.dueUs ?? Number.POSITIVE_INFINITY;
    return first;
  }

  /** Takes those of one venue, in order. */
  takeVenue(venue: number): readonly HeldTick[] {
    const taken = this.heap.filter((tick) => tick.venue === venue).sort((a, b) => a.dueUs - b.dueUs);
    const kept = this.heap.filter((tick) => tick.venue !== venue);
    this.heap = [];
    this.nextDueUs = Number.POSITIVE_INFINITY;
    for (const tick of kept) this.add(tick);
    return taken;
  }

  private sink(tick: HeldTick): void {
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= this.heap.length) break;
      if (child + 1 < this.heap.length && this.heap[child + 1].dueUs < this.heap[child].dueUs) child++;
      if (this.heap[child].dueUs >= tick.dueUs) break;
      this.heap[at] = this.heap[child];
      at = child;
    }
    this.heap[at] = tick;
  }
}
