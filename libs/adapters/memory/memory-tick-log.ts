import { decodeBlock, encodeBlock, splitPayload, type TopicSpec } from '@k2/domain/wire';
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
  type TopicPartition,
} from '@k2/ports';
import { Arrivals, assertDeclarable, GroupCoordinator } from '@k2/ports/in-process';

export interface MemoryTickLogOptions {
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly random: Random;
  /** Bound of the stored blocks; an append beyond it fails with `log-full`. Unbounded where absent. */
  readonly bytesMax?: number;
}

interface Topic {
  readonly description: TopicDescription;
  readonly partitions: readonly Partition[];
}

interface Partition {
  readonly topicPartition: TopicPartition;
  startOffset: number;
  /** The record at `startOffset + i`, encoded: what a reader gets has been through the codec, as on every other log. */
  blocks: StoredBlock[];
}

interface StoredBlock {
  readonly bytes: Uint8Array;
  readonly appendedUs: number;
}

/** A TickLog for tests and simulation: an append takes effect, whole, before `append` returns its promise. */
export class MemoryTickLog implements TickLog {
  private readonly options: MemoryTickLogOptions;
  private readonly arrivals: Arrivals;
  private readonly groups: GroupCoordinator;
  private readonly topicsByName = new Map<string, Topic>();
  private storedBytes = 0;
  private readTurn = 0;
  private isClosed = false;

  constructor(options: MemoryTickLogOptions) {
    this.options = options;
    this.arrivals = new Arrivals(options.scheduler);
    this.groups = new GroupCoordinator(options.scheduler, (topics) => this.partitionsOf(topics));
  }

  async declareTopic(spec: TopicSpec): Promise<TopicDescription> {
    this.assertOpen();
    const existing = this.topicsByName.get(spec.name);
    if (existing !== undefined) assertDeclarable(spec, existing.description);
    if (existing?.partitions.length === spec.partitions) return existing.description;
    const description = { ...spec, topicId: existing?.description.topicId ?? this.options.random.uuid() };
    const partitions = Array.from(
      { length: spec.partitions },
      (_, partition): Partition =>
        existing?.partitions[partition] ?? {
          topicPartition: { topic: spec.name, partition },
          startOffset: 0,
          blocks: [],
        },
    );
    this.topicsByName.set(spec.name, { description, partitions });
    this.groups.topicsChanged();
    return description;
  }

  async topics(): Promise<readonly TopicDescription[]> {
    this.assertOpen();
    return [...this.topicsByName.values()].map(({ description }) => description);
  }

  async append(topic: string, payload: LogPayload): Promise<AppendReceipt> {
    this.assertOpen();
    const { partitions } = this.topic(topic);
    const parts = splitPayload(payload, partitions.length).map((part) => ({
      ...part,
      block: encodeBlock(part.payload),
    }));
    const bytes = parts.reduce((sum, { block }) => sum + block.byteLength, 0);
    this.assertRoom(bytes);
    this.storedBytes += bytes;
    const appendedUs = this.options.clock.nowUs();
    const records = parts.map(({ partition, payload: part, block: bytes }) => {
      const { topicPartition, startOffset, blocks } = partitions[partition];
      const offset = startOffset + blocks.push({ bytes, appendedUs }) - 1;
      return { topicPartition, offset, rowCount: part.kind === 'ticks' ? part.batch.rowCount : part.rejections.length };
    });
    this.arrivals.notify();
    return { records };
  }

  async read({ positions, bytesMax, waitMs }: LogReadRequest, signal?: AbortSignal): Promise<readonly LogRecord[]> {
    this.assertOpen();
    await this.arrivals.wait(() => this.isClosed || this.available(positions).length > 0, waitMs, signal);
    this.assertOpen();
    const available = signal?.aborted ? [] : this.available(positions);
    if (available.length === 0) return [];
    return roundRobin(available, this.readTurn++, bytesMax);
  }

  async offsets(topics: readonly string[]): Promise<readonly PartitionOffsets[]> {
    this.assertOpen();
    return topics.flatMap((name) => {
      const { description, partitions } = this.topic(name);
      return partitions.map(({ topicPartition, startOffset, blocks }) => ({
        ...topicPartition,
        topicId: description.topicId,
        startOffset,
        endOffset: startOffset + blocks.length,
      }));
    });
  }

  async trim(positions: readonly LogPosition[]): Promise<void> {
    this.assertOpen();
    for (const position of positions) {
      const partition = this.partition(position);
      const dropped = partition.blocks.splice(0, Math.max(0, position.nextOffset - partition.startOffset));
      partition.startOffset += dropped.length;
      for (const { bytes } of dropped) this.storedBytes -= bytes.byteLength;
    }
  }

  async join(group: string, topics: readonly string[], listener: AssignmentListener): Promise<Membership> {
    this.assertOpen();
    return this.groups.join(group, topics, listener);
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.groups.close();
    this.arrivals.notify();
  }

  /** Damages a stored record, as a failing disk would. For tests. */
  overwrite(at: TopicPartition & { readonly offset: number }, bytes: Uint8Array): void {
    const { startOffset, blocks } = this.partition(at);
    blocks[at.offset - startOffset] = { ...blocks[at.offset - startOffset], bytes };
  }

  private assertRoom(bytes: number): void {
    const { bytesMax = Infinity } = this.options;
    if (this.storedBytes + bytes <= bytesMax) return;
    const message = `the log holds ${this.storedBytes} of at most ${bytesMax} bytes: trim it, or raise the bound`;
    throw new PortError('log-full', message, { bytesMax, storedBytes: this.storedBytes }, { retryable: true });
  }

  private available(positions: readonly LogPosition[]): Reading[] {
    return positions.flatMap((position) => {
      const { topicPartition, startOffset, blocks } = this.partition(position);
      if (position.nextOffset < startOffset) throw trimmed(position, startOffset);
      const index = position.nextOffset - startOffset;
      return index < blocks.length ? [{ topicPartition, startOffset, blocks, index }] : [];
    });
  }

  private partitionsOf(topics: ReadonlySet<string>): readonly TopicPartition[] {
    return [...topics].flatMap(
      (name) => this.topicsByName.get(name)?.partitions.map(({ topicPartition }) => topicPartition) ?? [],
    );
  }

  private topic(name: string): Topic {
    const topic = this.topicsByName.get(name);
    if (topic === undefined)
      throw new PortError('unknown-topic', `topic ${name} is not declared: declare it first`, { topic: name });
    return topic;
  }

  private partition({ topic, partition }: TopicPartition): Partition {
    const { partitions } = this.topic(topic);
    if (partition in partitions) return partitions[partition];
    const message = `topic ${topic} has ${partitions.length} partitions, and no partition ${partition}`;
    throw new PortError('unknown-topic', message, { topic, partition });
  }

  private assertOpen(): void {
    if (this.isClosed) throw new PortError('closed', 'the log was closed');
  }
}

interface Reading {
  readonly topicPartition: TopicPartition;
  readonly startOffset: number;
  readonly blocks: readonly StoredBlock[];
  index: number;
}

/** One record of each partition in turn, starting with another one at each read, until the bytes are used up. */
function roundRobin(readings: Reading[], turn: number, bytesMax: number): LogRecord[] {
  const found: LogRecord[] = [];
  let leftBytes = bytesMax;
  let open = [...readings.slice(turn % readings.length), ...readings.slice(0, turn % readings.length)];
  while (open.length > 0) {
    open = open.filter((reading) => {
      const block = reading.blocks[reading.index];
      if (block === undefined || (block.bytes.byteLength > leftBytes && found.length > 0)) return false;
      leftBytes -= block.bytes.byteLength;
      const offset = reading.startOffset + reading.index++;
      found.push({
        topicPartition: reading.topicPartition,
        offset,
        nextOffset: offset + 1,
        rowOffsets: null,
        appendedUs: block.appendedUs,
        payload: decoded(block.bytes),
        sizeBytes: block.bytes.byteLength,
      });
      return true;
    });
  }
  return found;
}

function decoded(block: Uint8Array): LogRecord['payload'] {
  try {
    return decodeBlock(block);
  } catch (error) {
    return { kind: 'undecodable', raw: block, detail: (error as Error).message };
  }
}

function trimmed(position: LogPosition, startOffset: number): PortError {
  const { topic, partition, nextOffset } = position;
  const message = `${topic}/${partition}: offset ${nextOffset} was trimmed; the first one left is ${startOffset}`;
  return new PortError('offset-trimmed', message, { topic, partition, nextOffset, startOffset });
}
