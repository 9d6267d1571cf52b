import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  HASH_PARTITIONER,
  heaviestShare,
  partitioner,
  partitionOf,
  VOLUME_TIER_OPTIONS,
  volumeTiers,
  type PartitionerSpec,
} from './index.ts';

const tiers = (own: string[], shared: string[], sharedPartitions: number): PartitionerSpec => ({
  kind: 'volume',
  own,
  shared,
  sharedPartitions,
});

describe('partitioner', () => {
  it('is the hash of exchange and symbol by default', () => {
    const byHash = partitioner(HASH_PARTITIONER, 7);
    for (const symbol of ['BHP', 'CBA', '']) expect(byHash('ASX', symbol)).toBe(partitionOf('ASX', symbol, 7));
  });

  it('gives the heaviest a partition each, deals the next out, and hashes the rest over what is left', () => {
    const byVolume = partitioner(tiers(['ASX.BHP', 'ASX.CBA'], ['ASX.D', 'ASX.E', 'ASX.F', 'ASX.G', 'ASX.H'], 2), 7);
    expect(['BHP', 'CBA', 'D', 'E', 'F', 'G', 'H'].map((symbol) => byVolume('ASX', symbol))).toEqual([
      0, 1, 2, 3, 3, 2, 2,
    ]);
    const rest = Array.from({ length: 200 }, (_, i) => byVolume('ASX', `X${i}`));
    expect([...new Set(rest)].sort()).toEqual([4, 5, 6]);
    expect(byVolume('NYSE', 'BHP')).toBeGreaterThan(3);
  });

  it('puts every instrument into exactly one partition that there is, the same each time', () => {
    const names = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 5 }), { maxLength: 12 });
    fc.assert(
      fc.property(names, fc.nat(12), fc.integer({ min: 1, max: 5 }), fc.nat(5), (symbols, cut, shared, spare) => {
        const instruments = symbols.map((symbol) => `ASX.${symbol}`);
        const spec = tiers(instruments.slice(0, cut), instruments.slice(cut), shared);
        const partitions = Math.min(cut, instruments.length) + shared + 1 + spare;
        const one = partitioner(spec, partitions);
        const other = partitioner(structuredClone(spec), partitions);
        for (const symbol of [...symbols, 'any', 'other']) {
          const partition = one('ASX', symbol);
          expect(Number.isInteger(partition) && partition >= 0 && partition < partitions).toBe(true);
          expect(other('ASX', symbol)).toBe(partition);
        }
      }),
    );
  });

  it('leaves the tiers where they are when a topic gets more partitions', () => {
    const spec = tiers(['ASX.BHP'], ['ASX.CBA', 'ASX.NAB'], 2);
    for (const symbol of ['BHP', 'CBA', 'NAB']) {
      expect(partitioner(spec, 20)('ASX', symbol)).toBe(partitioner(spec, 4)('ASX', symbol));
    }
  });

  it.each([
    [tiers(['A.A', 'A.B'], ['A.C'], 2), 4, 'needs 5 partitions (2 own, 2 shared, 1 for the rest): the topic has 4'],
    [tiers(['A.A'], ['A.A'], 1), 9, 'A.A is in the tiers of the volume partitioner twice'],
    [tiers(['A.B', 'A.A', 'A.A'], [], 0), 9, 'A.A is in the tiers of the volume partitioner twice'],
    [tiers([], ['A.A'], 0), 9, 'sharedPartitions is 0 for 1 instruments: expected 1 or more'],
    [tiers([], [], -1), 9, 'sharedPartitions is -1 for 0 instruments: expected 0 or more'],
    [HASH_PARTITIONER, 0, 'a topic has 0 partitions: expected 1 or more'],
  ])('refuses %j over %d partitions', (spec, partitions, message) => {
    expect(() => partitioner(spec, partitions)).toThrow(RangeError);
    expect(() => partitioner(spec, partitions)).toThrow(message);
  });
});

describe('volumeTiers', () => {
  /** Volume falls with rank as 1 / rank^exponent; names say nothing of the rank. */
  const zipf = (instruments: number, exponent: number) =>
    new Map(
      Array.from({ length: instruments }, (_, i) => [
        `ASX.${((i * 7_919) % 100_003).toString(36).toUpperCase()}`,
        1e9 / (i + 1) ** exponent,
      ]),
    );
  const options = (partitions: number) => ({ partitions, ...VOLUME_TIER_OPTIONS });

  it.each([
    [200, 1, 8],
    [200, 1, 16],
    [2_000, 1, 4],
    [2_000, 1, 8],
    [2_000, 1, 32],
    [2_000, 0.7, 16],
    [2_000, 1.3, 12],
  ])('lightens the heaviest partition of %d instruments of Zipf %d over %d', (instruments, exponent, partitions) => {
    const volumes = zipf(instruments, exponent);
    const hashed = heaviestShare(HASH_PARTITIONER, partitions, volumes);
    const tiered = heaviestShare(volumeTiers(volumes, options(partitions)), partitions, volumes);
    expect(tiered).toBeLessThan(hashed * 0.95);
    // Nothing can go below the heaviest instrument or an even share; this is near the larger of them.
    const heaviest = Math.max(...volumes.values()) / [...volumes.values()].reduce((sum, volume) => sum + volume);
    expect(tiered).toBeLessThan(Math.max(heaviest, 1 / partitions) * 1.25);
  });

  it('never makes the heaviest partition heavier, and depends on volumes and not on their order', () => {
    const volumes = fc.uniqueArray(fc.tuple(fc.string({ maxLength: 4 }), fc.nat(1_000)), {
      selector: ([name]) => name,
    });
    fc.assert(
      fc.property(volumes, fc.integer({ min: 1, max: 12 }), (entries, partitions) => {
        const map = new Map(entries.map(([symbol, volume]) => [`X.${symbol}`, volume]));
        const spec = volumeTiers(map, options(partitions));
        expect(heaviestShare(spec, partitions, map)).toBeLessThanOrEqual(
          heaviestShare(HASH_PARTITIONER, partitions, map),
        );
        expect(volumeTiers(new Map([...map].reverse()), options(partitions))).toEqual(spec);
      }),
    );
  });

  it('stays with the hash where there is nothing to gain', () => {
    expect(volumeTiers(new Map(), options(8))).toEqual(HASH_PARTITIONER);
    expect(volumeTiers(new Map([['ASX.BHP', 0]]), options(1))).toEqual(HASH_PARTITIONER);
    expect(volumeTiers(zipf(500, 1), options(1))).toEqual(HASH_PARTITIONER);
  });

  it('refuses a volume that is no amount', () => {
    expect(() => volumeTiers(new Map([['ASX.BHP', NaN]]), options(4))).toThrow('the volume of ASX.BHP is NaN');
  });
});
