import { Worker } from 'node:worker_threads';
import { isPortError, PortError, type LogRecord, type Scheduler, type SchemaRegistry, type Telemetry } from '@k2/ports';
import { Arrivals } from '@k2/ports/in-process';
import { SeriesByNumber } from './handed-series.ts';
import { ReadLane } from './read-lane.ts';
import type { FromReader, LanePosition, ReaderOptions, ToReader, WireFailure } from './reader-protocol.ts';

export interface LogReaderPorts {
  readonly registry: SchemaRegistry;
  readonly scheduler: Scheduler;
  readonly telemetry: Telemetry;
  /** Whether nothing is at the positions. Rejects if that cannot be found out. */
  readonly isAtEnd: (positions: readonly LanePosition[], signal?: AbortSignal) => Promise<boolean>;
  /** Told when the reading thread learns that a topic is not the one that was known. */
  readonly recreated: (topic: string, topicId: string) => void;
}

export interface LogReaderOptions extends ReaderOptions {
  /** Memory of records read ahead for one reader. */
  readonly readAheadBytesMax: number;
}

/** Lanes that wait for the reader who may come back; a further one goes to the reader that read longest ago. */
const IDLE_LANES_MAX = 2;
/** Reads at the same time. Beyond, a read is refused. */
const LANES_MAX = 16;

/**
 * Reads through a thread of its own. For a caller who reads on where it ended, it reads ahead up to a bound of memory;
 * positions that jump throw that away. Several readers do not disturb each other.
 */
export class LogReader {
  private readonly options: LogReaderOptions;
  private readonly ports: LogReaderPorts;
  private readonly arrivals: Arrivals;
  /** Who only appends needs none. */
  private thread: { readonly worker: Worker; readonly exited: Promise<void> } | null = null;
  /** The one used last is last. */
  private lanes: ReadLane[] = [];
  private lastLaneId = 0;
  private isClosed = false;
  private readonly requests;
  private readonly bytes;
  private series = new SeriesByNumber();
  private aheadBytes = 0;

  constructor(options: LogReaderOptions, ports: LogReaderPorts) {
    this.options = options;
    this.ports = ports;
    this.arrivals = new Arrivals(ports.scheduler);
    this.requests = ports.telemetry.counter('k2_kafka_fetches', 'Answers to fetches.');
    this.bytes = ports.telemetry.counter('k2_kafka_fetched_bytes', 'Record batches fetched, as they are on disk.');
    ports.telemetry.gauge('k2_kafka_read_ahead_bytes', 'Memory of records decoded and not yet read.', () => [
      [this.aheadBytes, {}],
    ]);
  }

  /** Starts the thread for someone who is going to read. */
  warmUp(): void {
    if (!this.isClosed) this.thread ??= this.start();
  }

  /** See `TickLog.read`. `waitMs` counts while the log can be reached; while it cannot, a read waits for up to `patienceMs`. */
  async read(
    positions: readonly LanePosition[],
    { bytesMax, waitMs }: { readonly bytesMax: number; readonly waitMs: number },
    signal?: AbortSignal,
  ): Promise<readonly LogRecord[]> {
    if (signal?.aborted || positions.length === 0) return [];
    const lane = this.laneFor(positions);
    lane.isBusy = true;
    try {
      const isSequential = lane.isAt(positions);
      this.post({ kind: 'limit', lane: lane.id, aheadBytesMax: isSequential ? this.options.readAheadBytesMax : 1 });
      if (!isSequential) this.seek(lane, positions);
      if (!(await this.arrived(lane, waitMs, signal))) {
        if (signal?.aborted || (await this.ports.isAtEnd(positions, signal))) return [];
        // There is something: on its way, or refused.
        const patienceMs = this.options.patienceMs + this.options.connection.requestTimeoutMs;
        if (!(await this.arrived(lane, patienceMs, signal)) && !signal?.aborted) throw this.overdue(positions);
      }
      if (signal?.aborted) return [];
      return this.take(lane, bytesMax);
    } finally {
      lane.isBusy = false;
      this.trimLanes();
    }
  }

  /** Reads that wait reject with `closed`. Resolves when the thread has ended. */
  async close(): Promise<void> {
    this.isClosed = true;
    this.arrivals.notify();
    if (this.thread === null) return;
    const { worker, exited } = this.thread;
    worker.postMessage({ kind: 'close' } satisfies ToReader);
    const stopped = new AbortController();
    await Promise.race([exited, this.ports.scheduler.sleep(CLOSE_WAIT_MS, stopped.signal)]);
    stopped.abort();
    await worker.terminate();
  }

  /** Whether there is something to take; throws if there is a reason why not. */
  private async arrived(lane: ReadLane, waitMs: number, signal: AbortSignal | undefined): Promise<boolean> {
    const look = () => this.isClosed || lane.failure !== null || lane.hasRecords;
    await this.arrivals.wait(look, waitMs, signal);
    if (this.isClosed) throw new PortError('closed', 'the log was closed');
    if (lane.failure !== null) {
      // The next read begins anew.
      const { failure } = lane;
      this.forget(lane);
      lane.seek([]);
      throw failure;
    }
    return lane.hasRecords;
  }

  private take(lane: ReadLane, bytesMax: number): readonly LogRecord[] {
    const { records, memoryBytes } = lane.take(bytesMax);
    this.aheadBytes -= memoryBytes;
    this.post({ kind: 'taken', lane: lane.id, epoch: lane.epoch, bytes: memoryBytes });
    return records;
  }

  private laneFor(positions: readonly LanePosition[]): ReadLane {
    const free = this.lanes.filter(({ isBusy }) => !isBusy);
    const best = free.reduce<ReadLane | null>(
      (found, lane) => (lane.matches(positions) > (found?.matches(positions) ?? 0) ? lane : found),
      null,
    );
    const lane = best ?? (free.length >= IDLE_LANES_MAX ? free[0] : this.newLane());
    this.lanes = [...this.lanes.filter((other) => other !== lane), lane];
    return lane;
  }

  private newLane(): ReadLane {
    if (this.lanes.length >= LANES_MAX) {
      const message = `${LANES_MAX} reads of the log are under way: read again when one has ended`;
      throw new PortError('unavailable', message, { readsMax: LANES_MAX }, { retryable: true });
    }
    return new ReadLane(++this.lastLaneId);
  }

  private trimLanes(): void {
    const idle = this.lanes.filter(({ isBusy }) => !isBusy);
    for (const lane of idle.slice(0, Math.max(0, idle.length - IDLE_LANES_MAX))) {
      this.lanes = this.lanes.filter((other) => other !== lane);
      this.forget(lane);
      this.post({ kind: 'drop', lane: lane.id });
    }
  }

  private seek(lane: ReadLane, positions: readonly LanePosition[]): void {
    this.forget(lane);
    lane.seek(positions);
    this.post({ kind: 'seek', lane: lane.id, epoch: lane.epoch, positions });
    // A lane that is new in the thread has no limit before it was sought.
    this.post({ kind: 'limit', lane: lane.id, aheadBytesMax: 1 });
  }

  private forget(lane: ReadLane): void {
    this.aheadBytes -= lane.take(Infinity).memoryBytes;
  }

  private receive(message: FromReader): void {
    switch (message.kind) {
      case 'records':
        return this.handed(message);
      case 'failed':
        return this.failed(message.lane, message.epoch, message.failure);
      case 'schema-wanted':
        return void this.answerSchema(message.schemaId);
      case 'fetched':
        this.requests.add(message.requests);
        return this.bytes.add(message.bytes);
      case 'log':
        return this.ports.telemetry.log('debug', message.message, message.fields);
    }
  }

  private handed({ lane: laneId, epoch, records, series }: Extract<FromReader, { kind: 'records' }>): void {
    this.series.take(series);
    const lane = this.lanes.find(({ id }) => id === laneId);
    if (lane?.epoch !== epoch) return;
    for (const { memoryBytes } of records) this.aheadBytes += memoryBytes;
    lane.add(records.map(({ record, memoryBytes }) => ({ record: this.series.named(record), memoryBytes })));
    this.arrivals.notify();
  }

  private failed(laneId: number, epoch: number, failure: WireFailure): void {
    const { kind, message, context, retryable } = failure;
    if (kind === 'topic-recreated' && context.topicId !== undefined) {
      this.ports.recreated(context.topic as string, context.topicId as string);
    }
    const lane = this.lanes.find(({ id }) => id === laneId);
    if (lane?.epoch !== epoch) return;
    lane.failure = new PortError(kind, message, context, { retryable });
    this.arrivals.notify();
  }

  private async answerSchema(schemaId: number): Promise<void> {
    let answer: ToReader;
    try {
      answer = { kind: 'schema', schemaId, schema: await this.ports.registry.schemaById(schemaId) };
    } catch (error) {
      answer = isPortError(error, 'unknown-schema')
        ? { kind: 'schema', schemaId, schema: null }
        : { kind: 'schema', schemaId, schema: null, failure: registryFailure(schemaId, error) };
    }
    this.post(answer);
  }

  private post(message: ToReader): void {
    if (this.isClosed) return;
    this.thread ??= this.start();
    this.thread.worker.postMessage(message);
  }

  private start(): NonNullable<typeof this.thread> {
    const { connection, fetchWaitMs, fetchBytesMax, partitionBytesMax, patienceMs } = this.options;
    const workerData: ReaderOptions = { connection, fetchWaitMs, fetchBytesMax, partitionBytesMax, patienceMs };
    const worker = new Worker(
      new URL(import.meta.url.endsWith('.ts') ? './reader-worker.ts' : './reader-worker.js', import.meta.url),
      { workerData, name: 'kafka reader' },
    );
    worker.on('message', (message: FromReader) => this.receive(message));
    let cause: unknown;
    worker.on('error', (error) => (cause = error));
    const exited = new Promise<void>((resolve) =>
      worker.on('exit', () => {
        this.threadLost(cause);
        resolve();
      }),
    );
    return { worker, exited };
  }

  /** Reads under way fail; the next one starts another thread. */
  private threadLost(cause: unknown): void {
    this.thread = null;
    const message = 'the thread that reads Kafka ended before it answered';
    for (const lane of this.lanes) {
      this.forget(lane);
      lane.failure = new PortError('unavailable', message, {}, { retryable: true, cause });
    }
    this.lanes = this.lanes.filter(({ isBusy }) => isBusy);
    this.series = new SeriesByNumber();
    this.arrivals.notify();
  }

  private overdue(positions: readonly LanePosition[]): PortError {
    const topics = [...new Set(positions.map(({ topic }) => topic))];
    const message = `Kafka has records of ${topics.join(', ')}, but hands over none`;
    return new PortError('unavailable', message, { topics }, { retryable: true });
  }
}

const CLOSE_WAIT_MS = 2_000;

/** Never a record's fault: without the registry nobody knows whether it can be decoded. */
function registryFailure(schemaId: number, error: unknown): WireFailure {
  const detail = error instanceof Error ? error.message : String(error);
  return {
    kind: 'unavailable',
    message: `the schema registry did not give schema ${schemaId}, so records cannot be decoded: ${detail}`,
    context: { schemaId },
    retryable: !isPortError(error) || error.retryable,
  };
}
