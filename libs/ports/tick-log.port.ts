import type { Rejection } from '@k2/domain/lake';
import type { TickBatch } from '@k2/domain/market';
import type { TopicSpec } from '@k2/domain/wire';
import type { PortError } from './port-error.ts';

/**
 * `disk-full`: nothing was done, and the same call succeeds once there is room.
 * `unavailable`: the log cannot be reached or written now. `unknown-topic`: it was never declared.
 * `topic-recreated`: a topic of this name exists with another id, its offsets mean nothing.
 * `offset-trimmed`: the offset asked for is gone, `context.startOffset` is the first that is left.
 * `log-full`: the bound on stored bytes is reached, `context.bytesMax`. `closed`: this log was closed.
 */
export type TickLogErrorKind =
  'unavailable' | 'disk-full' | 'unknown-topic' | 'topic-recreated' | 'offset-trimmed' | 'log-full' | 'closed';
export type TickLogError = PortError<TickLogErrorKind>;

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

export interface TopicDescription extends TopicSpec {
  /** Changes when a topic is deleted and created again under the same name. */
  readonly topicId: string;
}

/** What one record of the log carries. */
export type LogPayload =
  | { readonly kind: 'ticks'; readonly batch: TickBatch }
  | { readonly kind: 'rejections'; readonly rejections: readonly Rejection[] };

/** One record of the log, or in `tick` framing a run of them as one batch. */
export interface LogRecord {
  readonly topicPartition: TopicPartition;
  /** The log offsets `[offset, nextOffset)` are accounted for. The records of one read follow each other without a hole. */
  readonly offset: number;
  readonly nextOffset: number;
  /** Log offset of each row where rows are log records of their own; else all are of the log record `nextOffset - 1`. */
  readonly rowOffsets: Float64Array | null;
  /** When the log took it, UTC µs; of a run, its first. Null if the log does not know. */
  readonly appendedUs: number | null;
  /** `undecodable`: the bytes are not what the topic's framing says; a reader quarantines and goes on. */
  readonly payload: LogPayload | { readonly kind: 'undecodable'; readonly raw: Uint8Array; readonly detail: string };
  readonly sizeBytes: number;
}

export interface AppendReceipt {
  /** Where the rows went: one entry for each log record, or for each run of them where a row is one; its first offset. */
  readonly records: readonly {
    readonly topicPartition: TopicPartition;
    readonly offset: number;
    readonly rowCount: number;
  }[];
}

export interface LogPosition extends TopicPartition {
  readonly nextOffset: number;
}

export interface LogReadRequest {
  readonly positions: readonly LogPosition[];
  /** A read stops before it would exceed this, but always returns one record where there is one. */
  readonly bytesMax: number;
  /** Waits this long for the first record where there is none. */
  readonly waitMs: number;
}

export interface PartitionOffsets extends TopicPartition {
  readonly topicId: string;
  /** First offset still stored. */
  readonly startOffset: number;
  /** Offset that the next append gets. */
  readonly endOffset: number;
}

/** Called with the partitions won or lost. A loss waits for `revoked` before another member gets them. */
export interface AssignmentListener {
  assigned(partitions: readonly TopicPartition[]): Promise<void>;
  revoked(partitions: readonly TopicPartition[]): Promise<void>;
}

export interface Membership {
  /** Changes the topics that the member takes a share of. */
  subscribe(topics: readonly string[]): Promise<void>;
  leave(): Promise<void>;
}

/** The durable, ordered log between feeds and store. Offsets of a topic partition rise by one a record. */
export interface TickLog {
  /** Declares a topic. Declaring it again is allowed, also with a multiple of its partitions, never with fewer. */
  declareTopic(spec: TopicSpec): Promise<TopicDescription>;
  topics(): Promise<readonly TopicDescription[]>;
  /**
   * Resolves when the payload is durable. Ticks of one series go to one partition in order; a batch may be split by
   * partition, but a call's rows are acknowledged together. Appends of one caller to one topic keep their order.
   */
  append(topic: string, payload: LogPayload): Promise<AppendReceipt>;
  /** Records from the positions on, in offset order within each partition; empty when `waitMs` passed without any. */
  read(request: LogReadRequest, signal?: AbortSignal): Promise<readonly LogRecord[]>;
  offsets(topics: readonly string[]): Promise<readonly PartitionOffsets[]>;
  /**
   * Allows the log to forget everything before the positions. Trimming less than before is a no-op, and a log that others
   * read too may go by its topics' retention instead.
   */
  trim(positions: readonly LogPosition[]): Promise<void>;
  /**
   * Joins a group: every partition of the topics, also of those declared later, belongs to exactly one member. A member
   * that is not heard of for the log's session time-out loses its partitions without a word; writers are fenced by claims.
   */
  join(group: string, topics: readonly string[], listener: AssignmentListener): Promise<Membership>;
  close(): Promise<void>;
}
