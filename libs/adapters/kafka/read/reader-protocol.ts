import type { KafkaConnectionOptions } from '../connection/connection-options.ts';
import type { HandedSeries, NumberedRecord } from './handed-series.ts';

/** Messages between the log and its reading thread. A lane is one reader with its own connections and read-ahead. */

export interface ReaderOptions {
  readonly connection: KafkaConnectionOptions;
  /** How long a fetch waits at the broker for the first record. */
  readonly fetchWaitMs: number;
  /** Of the record batches in one answer, as they are on disk. */
  readonly fetchBytesMax: number;
  readonly partitionBytesMax: number;
  /** How long a broker may be away before the reader is told. */
  readonly patienceMs: number;
}

export interface LanePosition {
  readonly topic: string;
  /** As Kafka knows the topic. */
  readonly kafkaTopic: string;
  readonly topicId: string;
  readonly partition: number;
  readonly nextOffset: number;
}

export type ToReader =
  /** Reads from there, and forgets what it was doing before; answers carry the epoch. */
  | {
      readonly kind: 'seek';
      readonly lane: number;
      readonly epoch: number;
      readonly positions: readonly LanePosition[];
    }
  /** Fetches as long as it has handed over less than this more than was taken. */
  | { readonly kind: 'limit'; readonly lane: number; readonly aheadBytesMax: number }
  | { readonly kind: 'taken'; readonly lane: number; readonly epoch: number; readonly bytes: number }
  | { readonly kind: 'drop'; readonly lane: number }
  /** `schema` null: the registry has none. `failure`: it did not answer. */
  | {
      readonly kind: 'schema';
      readonly schemaId: number;
      readonly schema: string | null;
      readonly failure?: WireFailure;
    }
  | { readonly kind: 'close' };

export type FromReader =
  | {
      readonly kind: 'records';
      readonly lane: number;
      readonly epoch: number;
      readonly records: readonly HandedRecord<NumberedRecord>[];
      readonly series: HandedSeries;
    }
  | { readonly kind: 'failed'; readonly lane: number; readonly epoch: number; readonly failure: WireFailure }
  | { readonly kind: 'schema-wanted'; readonly schemaId: number }
  | { readonly kind: 'fetched'; readonly requests: number; readonly bytes: number }
  | { readonly kind: 'log'; readonly message: string; readonly fields: Readonly<Record<string, unknown>> };

/** A record and the memory that it holds. */
export interface HandedRecord<Record> {
  readonly record: Record;
  readonly memoryBytes: number;
}

/** A PortError as plain data. */
export interface WireFailure {
  readonly kind: string;
  readonly message: string;
  readonly context: Readonly<Record<string, unknown>>;
  readonly retryable: boolean;
}
