/** How the instruments of a topic are laid over its partitions. The same everywhere that appends to the topic. */
export type PartitionerSpec =
  /** By a hash of `exchange.symbol`. */
  | { readonly kind: 'hash' }
  /**
   * By tiers of volume. Each of `own` has a partition of its own, in order from 0; those of `shared` are dealt out to the
   * next `sharedPartitions`, back and forth; everything else goes by its hash to what is left, at least one partition.
   */
  | {
      readonly kind: 'volume';
      /** Instruments as `ASX.BHP`, the heaviest first; so in `shared`. */
      readonly own: readonly string[];
      readonly shared: readonly string[];
      readonly sharedPartitions: number;
    };

/** The partition of an instrument, 0 to partitions - 1. */
export type Partitioner = (exchange: string, symbol: string) => number;

export const HASH_PARTITIONER: PartitionerSpec = { kind: 'hash' };

/** Throws RangeError where the partitions are too few for the tiers, or an instrument is in them twice. */
export function partitioner(spec: PartitionerSpec, partitions: number): Partitioner {
  if (!Number.isInteger(partitions) || partitions < 1) {
    throw new RangeError(`a topic has ${partitions} partitions: expected 1 or more`);
  }
  if (spec.kind === 'hash') return (exchange, symbol) => partitionOf(exchange, symbol, partitions);
  const { own, shared, sharedPartitions } = spec;
  const tierPartitions = own.length + sharedPartitions;
  assertTiers(spec, partitions);
  const places = new Map<string, number>();
  own.forEach((instrument, index) => places.set(instrument, index));
  shared.forEach((instrument, index) => places.set(instrument, own.length + backAndForth(index, sharedPartitions)));
  if (places.size < own.length + shared.length) {
    const twice = [...own, ...shared].find((instrument, index, all) => all.indexOf(instrument) < index);
    throw new RangeError(`${twice} is in the tiers of the volume partitioner twice: expected once`);
  }
  const rest = partitions - tierPartitions;
  return (exchange, symbol) =>
    places.get(`${exchange}.${symbol}`) ?? tierPartitions + partitionOf(exchange, symbol, rest);
}

/** The default: all ticks of an instrument in one partition (32-bit FNV-1a of `exchange.symbol`). */
export function partitionOf(exchange: string, symbol: string, partitions: number): number {
  if (partitions === 1) return 0;
  const key = `${exchange}.${symbol}`;
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  return (hash >>> 0) % partitions;
}

/** 0 1 2 2 1 0 0 1 2 …: whoever gets the heaviest of one round gets the lightest of the next. */
function backAndForth(index: number, count: number): number {
  const turn = index % count;
  return Math.floor(index / count) % 2 === 0 ? turn : count - 1 - turn;
}

type VolumeSpec = Extract<PartitionerSpec, { kind: 'volume' }>;

function assertTiers({ own, shared, sharedPartitions }: VolumeSpec, partitions: number): void {
  if (!Number.isInteger(sharedPartitions) || sharedPartitions < 0 || (sharedPartitions === 0 && shared.length > 0)) {
    throw new RangeError(
      `sharedPartitions is ${sharedPartitions} for ${shared.length} instruments: expected ${shared.length > 0 ? 1 : 0} or more`,
    );
  }
  const needed = own.length + sharedPartitions + 1;
  if (partitions < needed) {
    throw new RangeError(
      `the volume partitioner needs ${needed} partitions (${own.length} own, ${sharedPartitions} shared, 1 for the rest): the topic has ${partitions}`,
    );
  }
}
