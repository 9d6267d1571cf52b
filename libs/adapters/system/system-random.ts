import { randomFillSync } from 'node:crypto';
import type { Clock, Random } from '@k2/ports';

const POOL_BYTES = 4_096;

/** Chance from the operating system. */
export class SystemRandom implements Random {
  private readonly clock: Clock;
  private readonly pool = new DataView(new ArrayBuffer(POOL_BYTES));
  private used = POOL_BYTES;
  /** Time of the last UUID, in 1/4,096 ms. */
  private lastTick = 0n;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  next(): number {
    return Number(this.nextUint64() >> 11n) / 2 ** 53;
  }

  /**
   * The 12 bits after the milliseconds hold the fraction of the millisecond, and count on where two UUIDs would have
   * the same or the clock went back (RFC 9562, 6.2 method 3): UUIDs of one SystemRandom sort by creation.
   */
  uuid(): string {
    const nowUs = this.clock.nowUs();
    const tick = (BigInt(nowUs) << 12n) / 1_000n;
    this.lastTick = tick > this.lastTick ? tick : this.lastTick + 1n;
    const ms = hex(this.lastTick >> 12n, 12);
    const random = hex((this.nextUint64() & 0x3fff_ffff_ffff_ffffn) | 0x8000_0000_0000_0000n, 16);
    return `${ms.slice(0, 8)}-${ms.slice(8)}-7${hex(this.lastTick & 0xfffn, 3)}-${random.slice(0, 4)}-${random.slice(4)}`;
  }

  int63(): bigint {
    const value = this.nextUint64() >> 1n;
    return value === 0n ? 1n : value;
  }

  private nextUint64(): bigint {
    if (this.used === POOL_BYTES) {
      randomFillSync(this.pool);
      this.used = 0;
    }
    const value = this.pool.getBigUint64(this.used);
    this.used += 8;
    return value;
  }
}

const hex = (value: bigint, digits: number) => value.toString(16).padStart(digits, '0');
