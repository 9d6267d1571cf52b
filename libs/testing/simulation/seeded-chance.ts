/** Chance of a simulated world: the same seed, the same world (mulberry32). */
export class SeededChance {
  private state: number;

  constructor(seed: number) {
    this.state = seed | 0;
  }

  /** Chance of its own for one concern: what is drawn there shifts nothing that is drawn elsewhere. */
  static named(seed: number, name: string): SeededChance {
    let hash = 0x811c9dc5 ^ seed;
    for (let at = 0; at < name.length; at++) hash = Math.imul(hash ^ name.charCodeAt(at), 0x01000193);
    const chance = new SeededChance(hash);
    chance.next();
    return chance;
  }

  /** Uniform in [0, 1). */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), this.state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  }

  /** Uniform in 0 … bound - 1. */
  below(bound: number): number {
    return Math.floor(this.next() * bound);
  }

  happens(probability: number): boolean {
    return this.next() < probability;
  }

  pick<Item>(items: readonly Item[]): Item {
    return items[this.below(items.length)];
  }

  /**
   * A limit of the code under test: the least it may be in one draw of four, otherwise any order of magnitude as likely
   * as another. What a limit hides shows where it is reached all the time.
   */
  limit(least: number, most: number): number {
    if (this.happens(0.25)) return least;
    const decades = Math.log((most + 1) / Math.max(least, 1));
    return Math.min(most, Math.max(least, Math.floor(Math.max(least, 1) * Math.exp(this.next() * decades))));
  }

  /** A probability: none in two draws of five, otherwise up to `most`, small ones more often. */
  rate(most: number): number {
    return this.happens(0.4) ? 0 : most * this.next() ** 2;
  }
}
