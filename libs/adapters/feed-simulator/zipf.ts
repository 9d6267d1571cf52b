import type { Sfc32 } from './random.ts';

/**
 * Draws a rank from 0, of weight 1 / (rank + 1)^exponent, in constant time
 * (alias method: M. D. Vose, "A linear algorithm for generating random numbers with a given distribution", 1991).
 */
export class ZipfTable {
  private readonly size: number;
  /** Of 2^32: how often a slot gives its own rank rather than its alias. */
  private readonly thresholds: Float64Array;
  private readonly aliases: Uint32Array;

  constructor(size: number, exponent: number) {
    this.size = size;
    this.thresholds = new Float64Array(size);
    this.aliases = new Uint32Array(size);
    const weights = Float64Array.from({ length: size }, (_, rank) => (rank + 1) ** -exponent);
    const mean = weights.reduce((sum, weight) => sum + weight, 0) / size;
    const shares = weights.map((weight) => weight / mean);
    const small: number[] = [];
    const large: number[] = [];
    shares.forEach((share, rank) => (share < 1 ? small : large).push(rank));
    while (small.length > 0 && large.length > 0) {
      const less = small.pop()!;
      const more = large.at(-1)!;
      this.thresholds[less] = shares[less] * 4_294_967_296;
      this.aliases[less] = more;
      shares[more] = shares[more] + shares[less] - 1;
      if (shares[more] < 1) small.push(large.pop()!);
    }
    for (const rank of [...small, ...large]) this.thresholds[rank] = 4_294_967_296;
  }

  draw(random: Sfc32): number {
    const slot = Math.floor(((random.next() >>> 0) * this.size) / 4_294_967_296);
    return random.next() >>> 0 < this.thresholds[slot] ? slot : this.aliases[slot];
  }
}
