import { keyBits } from './id-keys.ts';

export interface RotatingBloomFilterOptions {
  readonly windowUs: number;
  /** Added within one window. With more the filter says "perhaps" more often; it never says a wrong "no". */
  readonly idsExpected: number;
  /** Share of keys never added for which it says "perhaps", when as many as expected were. */
  readonly falsePositiveRate: number;
}

/** 512 MiB, twice. */
const BITS_MAX = 2 ** 32;

/**
 * Which keys were added within a window, for sure not or perhaps (Bloom, 1970; positions by double hashing, Kirsch and
 * Mitzenmacher, 2006). Of its two filters the younger takes the keys; when a window has passed the older one is emptied
 * and becomes the younger. So a key is known for one to two windows, in memory that never grows.
 */
export class RotatingBloomFilter {
  private readonly windowUs: number;
  private readonly bits: number;
  private readonly positions: number;
  private younger: Uint32Array;
  private older: Uint32Array;
  private youngerFromUs: number;

  constructor({ windowUs, idsExpected, falsePositiveRate }: RotatingBloomFilterOptions, nowUs: number) {
    if (!(falsePositiveRate > 0 && falsePositiveRate < 1)) {
      throw new RangeError(`falsePositiveRate is ${falsePositiveRate}: expected more than 0, less than 1`);
    }
    // Each of the two may be wrong.
    const rate = falsePositiveRate / 2;
    this.bits = Math.ceil((Math.max(idsExpected, 1) * -Math.log(rate)) / Math.LN2 ** 2);
    if (!(this.bits <= BITS_MAX)) {
      throw new RangeError(`a filter for ${idsExpected} ids has ${this.bits} bits: expected at most ${BITS_MAX}`);
    }
    this.positions = Math.max(1, Math.round(-Math.log2(rate)));
    this.windowUs = windowUs;
    this.younger = new Uint32Array(Math.ceil(this.bits / 32));
    this.older = new Uint32Array(this.younger.length);
    this.youngerFromUs = nowUs;
  }

  get sizeBytes(): number {
    return this.younger.byteLength + this.older.byteLength;
  }

  add(key: string, nowUs: number): void {
    this.rotate(nowUs);
    let bit = keyBits(key, 0);
    const step = keyBits(key, 7);
    for (let i = 0; i < this.positions; i++, bit += step) {
      const at = bit % this.bits;
      this.younger[Math.floor(at / 32)] |= 1 << (at & 31);
    }
  }

  /** False: it was not added within the window. */
  mayHave(key: string, nowUs: number): boolean {
    this.rotate(nowUs);
    return this.isIn(this.younger, key) || this.isIn(this.older, key);
  }

  private isIn(filter: Uint32Array, key: string): boolean {
    let bit = keyBits(key, 0);
    const step = keyBits(key, 7);
    for (let i = 0; i < this.positions; i++, bit += step) {
      const at = bit % this.bits;
      if ((filter[Math.floor(at / 32)] & (1 << (at & 31))) === 0) return false;
    }
    return true;
  }

  private rotate(nowUs: number): void {
    const windows = Math.floor((nowUs - this.youngerFromUs) / this.windowUs);
    if (windows < 1) return;
    this.youngerFromUs += windows * this.windowUs;
    [this.younger, this.older] = [this.older, this.younger];
    this.younger.fill(0);
    if (windows > 1) this.older.fill(0);
  }
}
