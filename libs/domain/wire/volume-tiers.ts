import { HASH_PARTITIONER, partitioner, type PartitionerSpec } from './partitioners.ts';

export interface VolumeTierOptions {
  readonly partitions: number;
  /** Volume from which an instrument gets a partition of its own, in even shares (1 is the total / partitions). */
  readonly ownFromShare: number;
  /** Bound on the instruments that are dealt out by volume: all are named in the specification. */
  readonly sharedMax: number;
}

export const VOLUME_TIER_OPTIONS: Omit<VolumeTierOptions, 'partitions'> = { ownFromShare: 0.7, sharedMax: 500 };

/**
 * The tiers for these volumes, of instruments as `ASX.BHP` in any unit, that make the heaviest partition lightest; the
 * hash where no tiers make it lighter. Depends on the volumes alone, not on their order. Throws RangeError where one is
 * no amount.
 */
export function volumeTiers(
  volumes: ReadonlyMap<string, number>,
  { partitions, ownFromShare, sharedMax }: VolumeTierOptions,
): PartitionerSpec {
  const heaviestFirst = inOrder(volumes);
  const ownFrom = ownFromShare * (total(heaviestFirst) / partitions);
  const own = [...heaviestFirst].filter(([, volume]) => volume >= ownFrom).map(([instrument]) => instrument);
  own.splice(partitions - 1);
  const others = new Map([...heaviestFirst].slice(own.length));
  const left = partitions - own.length;

  let best: PartitionerSpec = HASH_PARTITIONER;
  let bestShare = heaviestShare(best, partitions, heaviestFirst);
  for (let sharedPartitions = 0; sharedPartitions < left; sharedPartitions++) {
    // As much volume as these partitions are of all that are left.
    const max = sharedPartitions === 0 ? 0 : sharedMax;
    const shared = heaviestOf(others, total(others) * (sharedPartitions / left), max);
    if (sharedPartitions > 0 && shared.length === 0) continue;
    const spec = { kind: 'volume' as const, own, shared, sharedPartitions };
    const share = heaviestShare(spec, partitions, heaviestFirst);
    if (share < bestShare) [best, bestShare] = [spec, share];
  }
  return best;
}

/** The first instruments whose volumes add up to `volume`, and at most `max`. */
function heaviestOf(heaviestFirst: ReadonlyMap<string, number>, volume: number, max: number): readonly string[] {
  const taken: string[] = [];
  let sum = 0;
  for (const [instrument, amount] of heaviestFirst) {
    sum += amount;
    if (sum > volume || taken.length >= max) break;
    taken.push(instrument);
  }
  return taken;
}

/** The part of all volume, 0 to 1, that the heaviest partition would get. */
export function heaviestShare(spec: PartitionerSpec, partitions: number, volumes: ReadonlyMap<string, number>): number {
  const partitionOfInstrument = partitioner(spec, partitions);
  const loads = new Float64Array(partitions);
  for (const [instrument, volume] of volumes) {
    const dot = instrument.indexOf('.');
    loads[partitionOfInstrument(instrument.slice(0, dot), instrument.slice(dot + 1))] += volume;
  }
  const sum = total(volumes);
  return sum === 0 ? 0 : loads.reduce((heaviest, load) => Math.max(heaviest, load)) / sum;
}

function inOrder(volumes: ReadonlyMap<string, number>): ReadonlyMap<string, number> {
  for (const [instrument, volume] of volumes) {
    if (!(volume >= 0 && volume < Infinity)) {
      throw new RangeError(`the volume of ${instrument} is ${volume}: expected 0 or more`);
    }
  }
  return new Map([...volumes].sort(([a, volumeA], [b, volumeB]) => volumeB - volumeA || (a < b ? -1 : 1)));
}

function total(volumes: ReadonlyMap<string, number>): number {
  let sum = 0;
  for (const volume of volumes.values()) sum += volume;
  return sum;
}
