import type { AssetClass } from '../market/instrument.ts';
import type { RecordType } from '../market/tick-batch.ts';
import { HASH_PARTITIONER, type PartitionerSpec } from './partitioners.ts';

/**
 * How records are laid into log records. `block`: the ticks of one append as columns, one record for all of them.
 * `tick`: one record a tick, for consumers outside K2.
 */
export const FRAMINGS = ['block', 'tick'] as const;
export type Framing = (typeof FRAMINGS)[number];

export const COMPRESSIONS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;
export type Compression = (typeof COMPRESSIONS)[number];

/** How a shared log keeps a topic. A log that K2 alone uses keeps what is not yet committed, and nothing else. */
export interface TopicSettings {
  /** Records older than this may go; null: none does for its age. */
  readonly retentionMs: number | null;
  /** Of a partition, beyond which its oldest records may go; null: no bound. */
  readonly retentionBytes: number | null;
  /** Of what a producer sends. */
  readonly compression: Compression;
  readonly partitioner: PartitionerSpec;
}

export interface TopicSpec {
  /** `market.<asset_class>.<type>.<venue>` or `audit.rejections`. */
  readonly name: string;
  readonly partitions: number;
  readonly framing: Framing;
  /** TOPIC_SETTINGS where absent. */
  readonly settings?: TopicSettings;
}

/** A week, compressed, by hash. */
export const TOPIC_SETTINGS: TopicSettings = {
  retentionMs: 7 * 86_400_000,
  retentionBytes: null,
  compression: 'zstd',
  partitioner: HASH_PARTITIONER,
};

/** Where feeds put what they could not take. */
export const REJECTIONS_TOPIC = 'audit.rejections';

export function tickTopic(assetClass: AssetClass, recordType: RecordType, exchange: string): string {
  return `market.${assetClass}.${recordType}.${exchange.toLowerCase()}`;
}
