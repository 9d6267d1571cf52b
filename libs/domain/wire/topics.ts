import type { AssetClass } from '../market/instrument.ts';
import type { RecordType } from '../market/tick-batch.ts';

/**
 * How records are laid into log records. `block`: the ticks of one append as columns, one record for all of them.
 * `tick`: one record a tick, for consumers outside K2.
 */
export type Framing = 'block' | 'tick';

export interface TopicSpec {
  /** `market.<asset_class>.<type>.<venue>` or `audit.rejections`. */
  readonly name: string;
  readonly partitions: number;
  readonly framing: Framing;
}

/** Where feeds put what they could not take. */
export const REJECTIONS_TOPIC = 'audit.rejections';

export function tickTopic(assetClass: AssetClass, recordType: RecordType, exchange: string): string {
  return `market.${assetClass}.${recordType}.${exchange.toLowerCase()}`;
}

/** The default partitioner: all ticks of an instrument in one partition (32-bit FNV-1a of `exchange.symbol`). */
export function partitionOf(exchange: string, symbol: string, partitions: number): number {
  if (partitions === 1) return 0;
  const key = `${exchange}.${symbol}`;
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  return (hash >>> 0) % partitions;
}
