import type { Clock, Random } from '@k2/ports';

/** Chance that repeats with its seed: xoshiro128** (Blackman & Vigna, 2018), seeded by SplitMix32. */
export class SeededRandom implements Random {
  private readonly state: Uint32Array;
  private readonly clock: Clock | null;
  private uuidCount = 0;

  /** UUIDs carry the clock's time, or 0 without one. */
  constructor(seed: number, clock: Clock | null = null) {
    this.clock = clock;
    let mixed = seed | 0;
    this.state = Uint32Array.from({ length: 4 }, () => {
      mixed = (mixed + 0x9e3779b9) | 0;
      let word = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad);
      word = Math.imul(word ^ (word >>> 15), 0x735a2d97);
      return word ^ (word >>> 15);
    });
  }

  next(): number {
    return ((this.nextWord() >>> 5) * 2 ** 26 + (this.nextWord() >>> 6)) / 2 ** 53;
  }

  /** The 12 bits after the time count up, so that UUIDs of one instant sort by creation (RFC 9562, 6.2 method 1). */
  uuid(): string {
    const ms = Math.floor((this.clock?.nowUs() ?? 0) / 1_000);
    const time = ms.toString(16).padStart(12, '0');
    const counter = hex(this.uuidCount++ & 0xfff, 3);
    const tail = hex(0x8000 | (this.nextWord() & 0x3fff), 4);
    const node = hex(this.nextWord(), 8) + hex(this.nextWord() & 0xffff, 4);
    return `${time.slice(0, 8)}-${time.slice(8)}-7${counter}-${tail}-${node}`;
  }

  int63(): bigint {
    const high = BigInt(this.nextWord() & 0x7fffffff);
    const value = (high << 32n) | BigInt(this.nextWord());
    return value === 0n ? 1n : value;
  }

  private nextWord(): number {
    const s = this.state;
    const scrambled = Math.imul(rotateLeft(Math.imul(s[1], 5), 7), 9) >>> 0;
    const shifted = s[1] << 9;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotateLeft(s[3], 11);
    return scrambled;
  }
}

const rotateLeft = (word: number, bits: number) => (word << bits) | (word >>> (32 - bits));
const hex = (value: number, digits: number) => value.toString(16).padStart(digits, '0');
