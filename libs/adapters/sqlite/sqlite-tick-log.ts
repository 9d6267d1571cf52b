import { decodeBlock, encodeBlock, splitPayload, type PartitionPayload, type TopicSpec } from '@k2/domain/wire';
import {
  PortError,
  type AppendReceipt,
  type AssignmentListener,
  type Clock,
  type LogPayload,
  type LogPosition,
  type LogReadRequest,
  type LogRecord,
  type Membership,
  type PartitionOffsets,
  type Random,
  type Scheduler,
  type TickLog,
  type TopicDescription,
} from '@k2/ports';
import { Arrivals, assertDeclarable, GroupCoordinator } from '@k2/ports/in-process';
import { AppendQueue, type EncodedRecord } from './append-queue.ts';
import type { LogSlice, StoredRecord, StoredTopic } from './log-database.ts';
import { SqliteClient } from './sqlite-client.ts';
import { TopicTable } from './topic-table.ts';

export interface SqliteTickLogOptions {
  /** The database file, `DIR/log.db`; created if it is missing. One SqliteTickLog at a time may have it open. */
  readonly path: string;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly random: Random;
  /** Bound of the stored payloads. An append beyond it, when nothing trimmed is left to delete, fails with `log-full`. */
  readonly bytesMax?: number;
  /** Encoded appends that wait for the disk; at the bound `append` waits. */
  readonly queuedBytesMax?: number;
}

const DEFAULT_BYTES_MAX = 64 * 2 ** 30;
const DEFAULT_QUEUED_BYTES_MAX = 16 * 2 ** 20;
const GROUP_BYTES_MAX = 4 * 2 ** 20;
/** Trimmed records deleted in one transaction, so that appends never wait long behind it. */
const RECLAIM_ROWS_MAX = 256;
/** Waits between attempts to delete: a disk that was full gets room again, and nobody else would ask. */
const RECLAIM_RETRY_MS_MIN = 100;
const RECLAIM_RETRY_MS_MAX = 10_000;

/**
 * A TickLog in one SQLite file, for one process. Appends are encoded on the caller's thread and written by a worker
 * thread, many to a transaction; what is acknowledged survives power loss. Records are blocks whatever the topic's
 * framing is: nobody but K2 reads this file. A failed append leaves nothing behind, but appends of the same caller that
 * were already under way may have succeeded.
 */
export class SqliteTickLog implements TickLog {
  private readonly options: SqliteTickLogOptions;
  private readonly client: SqliteClient<'log'>;
  private readonly queue: AppendQueue;
  private readonly arrivals: Arrivals;
  private readonly groups: GroupCoordinator;
  private readonly topicTable = new TopicTable();
  private storedBytes = 0;
  private reclaiming: Promise<void> | null = null;
  /** Trimmed records may be left to delete. */
  private reclaimWanted = false;
  /** Why the last attempt to delete failed; null while deleting works. */
  private reclaimFailure: unknown = null;
  private readonly closed = new AbortController();
  private closing: Promise<void> | null = null;
  private readTurn = 0;

  /** Rejects with `unavailable` if the file cannot be opened, is damaged, or is open elsewhere. */
  static async open(options: SqliteTickLogOptions): Promise<SqliteTickLog> {
    const log = new SqliteTickLog(options);
    try {
      for (const { partitions } of await log.loadTopics()) {
        for (const { storedBytes } of partitions) log.storedBytes += storedBytes;
      }
    } catch (error) {
      await log.endThread();
      throw error;
    }
    // What was trimmed before a crash and not yet deleted.
    void log.reclaim();
    return log;
  }

  private constructor(options: SqliteTickLogOptions) {
    this.options = options;
    this.client = new SqliteClient('log', options.path);
    this.queue = new AppendQueue({
      queuedBytesMax: options.queuedBytesMax ?? DEFAULT_QUEUED_BYTES_MAX,
      groupBytesMax: GROUP_BYTES_MAX,
      admit: (bytes, queuedBytes) => this.admit(bytes, queuedBytes),
      write: (records) => this.write(records),
    });
    this.arrivals = new Arrivals(options.scheduler);
    this.groups = new GroupCoordinator(options.scheduler, (topics) => this.topicTable.partitionsOf(topics));
  }

  async declareTopic(spec: TopicSpec): Promise<TopicDescription> {
    this.assertOpen();
    const existing = this.topicTable.find(spec.name)?.description;
    if (existing !== undefined) assertDeclarable(spec, existing);
    if (existing === undefined || existing.partitions < spec.partitions) {
      const { name, partitions, framing } = spec;
      await this.client.call('declareTopic', [name, partitions, framing, this.options.random.uuid()]);
      await this.loadTopics();
      this.groups.topicsChanged();
    }
    return this.topicTable.topic(spec.name).description;
  }

  async topics(): Promise<readonly TopicDescription[]> {
    this.assertOpen();
    return this.topicTable.descriptions;
  }

  async append(topic: string, payload: LogPayload): Promise<AppendReceipt> {
    this.assertOpen();
    const { partitions } = this.topicTable.topic(topic);
    let parts: readonly PartitionPayload[] = [];
    const offsets = await this.queue.push(() => {
      parts = splitPayload(payload, partitions.length);
      return parts.map((part) => ({
        partitionKey: partitions[part.partition].partitionKey,
        payload: encodeBlock(part.payload),
      }));
    });
    return {
      records: parts.map((part, index) => ({
        topicPartition: partitions[part.partition].topicPartition,
        offset: offsets[index],
        rowCount: rowCountOf(part.payload),
      })),
    };
  }

  async read({ positions, bytesMax, waitMs }: LogReadRequest, signal?: AbortSignal): Promise<readonly LogRecord[]> {
    this.assertOpen();
    const isReady = () => this.closing !== null || this.slices(positions).length > 0;
    await this.arrivals.wait(isReady, waitMs, signal);
    this.assertOpen();
    const slices = signal?.aborted ? [] : this.slices(positions);
    if (slices.length === 0) return [];
    // Each read starts at another partition, so that a small bytesMax starves none.
    const turn = this.readTurn++ % slices.length;
    const fair = [...slices.slice(turn), ...slices.slice(0, turn)];
    const found = await this.client.call('read', [fair, bytesMax]);
    return found.map((record) => this.logRecord(record));
  }

  async offsets(topics: readonly string[]): Promise<readonly PartitionOffsets[]> {
    this.assertOpen();
    return topics.flatMap((name) => {
      const { description, partitions } = this.topicTable.topic(name);
      return partitions.map(({ topicPartition, startOffset, endOffset }) => ({
        ...topicPartition,
        topicId: description.topicId,
        startOffset,
        endOffset,
      }));
    });
  }

  async trim(positions: readonly LogPosition[]): Promise<void> {
    this.assertOpen();
    const starts = positions
      .map((position) => {
        const partition = this.topicTable.partition(position);
        return { partition, startOffset: Math.min(position.nextOffset, partition.endOffset) };
      })
      .filter(({ partition, startOffset }) => startOffset > partition.startOffset);
    if (starts.length === 0) return;
    const rows = starts.map(({ partition, startOffset }) => ({ partitionKey: partition.partitionKey, startOffset }));
    await this.client.call('trim', [rows]);
    for (const { partition, startOffset } of starts) {
      partition.startOffset = Math.max(partition.startOffset, startOffset);
    }
    void this.reclaim();
  }

  async join(group: string, topics: readonly string[], listener: AssignmentListener): Promise<Membership> {
    this.assertOpen();
    return this.groups.join(group, topics, listener);
  }

  async close(): Promise<void> {
    this.closing ??= this.finish();
    await this.closing;
  }

  private async finish(): Promise<void> {
    this.closed.abort();
    this.groups.close();
    await this.queue.idle();
    this.arrivals.notify();
    await this.reclaiming;
    await this.endThread();
  }

  private async endThread(): Promise<void> {
    // A thread that is already gone, or a file that never opened, has nothing left to close.
    await this.client.call('close', []).catch(() => undefined);
    await this.client.ended();
  }

  private async loadTopics(): Promise<readonly StoredTopic[]> {
    const stored = await this.client.call('topics', []);
    this.topicTable.update(stored);
    return stored;
  }

  private admit(bytes: number, queuedBytes: number): 'now' | 'later' | Error {
    const bytesMax = this.options.bytesMax ?? DEFAULT_BYTES_MAX;
    if (this.storedBytes + queuedBytes + bytes <= bytesMax) return 'now';
    const { reclaimFailure: cause } = this;
    if (this.reclaiming !== null && cause === null) return 'later';
    const advice =
      cause === null
        ? 'let the sink catch up so that the log can be trimmed, or raise the bound'
        : `what was trimmed cannot be deleted yet, and is tried again (${String(cause)})`;
    return new PortError(
      'log-full',
      `${this.options.path} holds ${this.storedBytes} of at most ${bytesMax} bytes: ${advice}`,
      { bytesMax, storedBytes: this.storedBytes },
      { retryable: true, cause },
    );
  }

  private async write(records: readonly EncodedRecord[]): Promise<readonly number[]> {
    const sizes = records.map(({ payload }) => payload.byteLength);
    const owned = records.map((record) => ({ ...record, payload: wholeBuffer(record.payload) }));
    const offsets = await this.client.call(
      'append',
      [owned, this.options.clock.nowUs()],
      owned.map(({ payload }) => payload.buffer),
    );
    offsets.forEach((offset, index) => {
      this.topicTable.partitionByKey(records[index].partitionKey).endOffset = offset + 1;
      this.storedBytes += sizes[index];
    });
    this.arrivals.notify();
    return offsets;
  }

  /** Deletes what was trimmed, a bounded transaction at a time, between the appends. */
  private reclaim(): Promise<void> {
    this.reclaimWanted = true;
    this.reclaiming ??= this.reclaimAll().finally(() => {
      this.reclaiming = null;
      this.queue.pump();
    });
    return this.reclaiming;
  }

  private async reclaimAll(): Promise<void> {
    let delayMs = RECLAIM_RETRY_MS_MIN;
    while (this.reclaimWanted && this.closing === null) {
      this.reclaimWanted = false;
      try {
        const freed = await this.client.call('reclaim', [RECLAIM_ROWS_MAX]);
        this.reclaimFailure = null;
        delayMs = RECLAIM_RETRY_MS_MIN;
        if (freed === null) continue;
        this.storedBytes -= freed.freedBytes;
      } catch (error) {
        this.reclaimFailure = error;
      }
      this.reclaimWanted = true;
      // Appends that waited for room go on, or are told why there is none.
      this.queue.pump();
      if (this.reclaimFailure === null) continue;
      await this.options.scheduler.sleep(delayMs * (0.5 + this.options.random.next() / 2), this.closed.signal);
      delayMs = Math.min(2 * delayMs, RECLAIM_RETRY_MS_MAX);
    }
  }

  private slices(positions: readonly LogPosition[]): LogSlice[] {
    return positions.flatMap((position) => {
      const { partitionKey, startOffset, endOffset } = this.topicTable.partition(position);
      if (position.nextOffset < startOffset) throw trimmed(position, startOffset);
      return position.nextOffset < endOffset
        ? [{ partitionKey, fromOffset: position.nextOffset, toOffset: endOffset }]
        : [];
    });
  }

  private logRecord({ partitionKey, offset, appendedUs, payload }: StoredRecord): LogRecord {
    const { topicPartition } = this.topicTable.partitionByKey(partitionKey);
    return {
      topicPartition,
      offset,
      nextOffset: offset + 1,
      rowOffsets: null,
      appendedUs,
      payload: decoded(payload),
      sizeBytes: payload.byteLength,
    };
  }

  private assertOpen(): void {
    if (this.closing !== null)
      throw new PortError('closed', `the log ${this.options.path} was closed`, { path: this.options.path });
  }
}

function decoded(bytes: Uint8Array): LogRecord['payload'] {
  try {
    return decodeBlock(bytes);
  } catch (error) {
    return { kind: 'undecodable', raw: bytes, detail: (error as Error).message };
  }
}

function rowCountOf(payload: LogPayload): number {
  return payload.kind === 'ticks' ? payload.batch.rowCount : payload.rejections.length;
}

/** Only a whole buffer can move to another thread. */
function wholeBuffer(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const isWhole = bytes.byteLength === bytes.buffer.byteLength && bytes.buffer instanceof ArrayBuffer;
  return isWhole ? (bytes as Uint8Array<ArrayBuffer>) : bytes.slice();
}

function trimmed(position: LogPosition, startOffset: number): PortError {
  const { topic, partition, nextOffset } = position;
  return new PortError(
    'offset-trimmed',
    `${topic}/${partition}: offset ${nextOffset} was trimmed; the first one left is ${startOffset}`,
    { topic, partition, nextOffset, startOffset },
  );
}
