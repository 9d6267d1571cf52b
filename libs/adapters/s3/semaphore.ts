import { PortError } from '@k2/ports';

interface Waiter {
  readonly weight: number;
  start(): void;
}

/** Lets work of a total weight run at a time; the rest waits, first come first served. */
export class Semaphore {
  private readonly capacity: number;
  private readonly waitingMax: number;
  private readonly what: string;
  private readonly waiting: Waiter[] = [];
  private free: number;

  /** Where `waitingMax` wait, one more is refused as `unavailable`, retryable. `what` names the work in that error. */
  constructor(capacity: number, waitingMax: number, what: string) {
    this.capacity = capacity;
    this.free = capacity;
    this.waitingMax = waitingMax;
    this.what = what;
  }

  /** Work heavier than the whole runs alone. */
  async use<Result>(weight: number, work: () => Promise<Result>): Promise<Result> {
    const taken = Math.min(weight, this.capacity);
    if (this.waiting.length > 0 || taken > this.free) await this.turn(taken);
    else this.free -= taken;
    try {
      return await work();
    } finally {
      this.free += taken;
      this.wake();
    }
  }

  private turn(weight: number): Promise<void> {
    const { waitingMax, what } = this;
    if (this.waiting.length >= waitingMax) {
      const message = `${waitingMax} ${what} are waiting: ask again later, or raise the bound`;
      throw new PortError('unavailable', message, { waitingMax }, { retryable: true });
    }
    return new Promise((start) => this.waiting.push({ weight, start }));
  }

  private wake(): void {
    while (this.waiting.length > 0 && this.waiting[0].weight <= this.free) {
      const next = this.waiting.shift()!;
      this.free -= next.weight;
      next.start();
    }
  }
}
