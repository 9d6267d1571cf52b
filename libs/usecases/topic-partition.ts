import type { TopicPartition } from '@k2/ports';

/** Printed name, for map keys and messages: `market.equities.trades.asx/0`. */
export function partitionName({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
}
