import { joinBatches, recordPositions, selectRows, type TickBatch } from '@k2/domain/market';
import { splitPayload, type Framing } from '@k2/domain/wire';
import type {
  AppendReceipt,
  AssignmentListener,
  LogPayload,
  LogPosition,
  LogReadRequest,
  LogRecord,
  TickLog,
  TopicDescription,
  TopicPartition,
} from '@k2/ports';
import type { SeededChance } from './seeded-chance.ts';
import { tickIds } from './tape.ts';

/** What a log record carried when it was appended, whatever readers are told later. */
export interface TrueRecord {
  readonly framing: Framing;
  readonly tickIds: readonly number[];
  readonly rejections: readonly string[];
  readonly isDamaged: boolean;
}

type Spec = Parameters<TickLog['declareTopic']>[0];

/**
 * The log that all processes share, with what a log can do that the one beneath does not: lay every tick into a record of
 * its own, damage records, forget them too early. Remembers the truth about each record.
 */
export class SimulatedLog implements TickLog {
  /** By topic partition and offset. */
  readonly records = new Map<string, TrueRecord[]>();
  /** Up to where retention took records, committed or not. */
  readonly forgotten = new Map<string, number>();
  private readonly log: TickLog;
  private readonly chance: SeededChance;
  private readonly damageRate: number;
  private readonly framings = new Map<string, Framing>();

  constructor(log: TickLog, chance: SeededChance, damageRate: number) {
    this.log = log;
    this.chance = chance;
    this.damageRate = damageRate;
  }

  /** From now on records of the topic are laid the other way. */
  reframe(topic: string): void {
    this.framings.set(topic, this.framings.get(topic) === 'tick' ? 'block' : 'tick');
  }

  /** Forgets everything before the position, as a log does that does not ask its readers. */
  async forget(position: LogPosition): Promise<void> {
    const name = nameOf(position);
    this.forgotten.set(name, Math.max(this.forgotten.get(name) ?? 0, position.nextOffset));
    await this.log.trim([position]);
  }

  /** Declares no fewer partitions than there are: somebody may have added some since the caller was told how many. */
  async declareTopic(spec: Spec): Promise<TopicDescription> {
    if (!this.framings.has(spec.name)) this.framings.set(spec.name, spec.framing);
    const known = (await this.log.topics()).find(({ name }) => name === spec.name);
    const partitions = Math.max(spec.partitions, known?.partitions ?? 0);
    return this.log.declareTopic({ ...spec, partitions, framing: 'block' });
  }

  topics(): Promise<readonly TopicDescription[]> {
    return this.log.topics();
  }

  async append(topic: string, payload: LogPayload): Promise<AppendReceipt> {
    const framing = this.framings.get(topic) ?? 'block';
    const payloads = framing === 'tick' ? tickPayloads(payload) : [payload];
    const { partitions } = (await this.log.topics()).find(({ name }) => name === topic)!;
    const results = await Promise.allSettled(
      payloads.map(async (each) => {
        const parts = splitPayload(each, partitions);
        const receipt = await this.log.append(topic, each);
        receipt.records.forEach((record, at) => this.remember(record, parts[at].payload, framing));
        return receipt.records;
      }),
    );
    const failed = results.find((result) => result.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    return { records: results.flatMap((result) => (result.status === 'fulfilled' ? result.value : [])) };
  }

  async read(request: LogReadRequest, signal?: AbortSignal): Promise<readonly LogRecord[]> {
    const records = await this.log.read(request, signal);
    const read: LogRecord[] = [];
    for (const [name, ofPartition] of Map.groupBy(records, ({ topicPartition }) => nameOf(topicPartition)))
      read.push(...this.asRead(this.records.get(name)!, ofPartition));
    return read;
  }

  offsets(topics: readonly string[]) {
    return this.log.offsets(topics);
  }

  trim(positions: readonly LogPosition[]): Promise<void> {
    return this.log.trim(positions);
  }

  join(group: string, topics: readonly string[], listener: AssignmentListener) {
    return this.log.join(group, topics, listener);
  }

  close(): Promise<void> {
    return this.log.close();
  }

  private remember(
    { topicPartition, offset }: AppendReceipt['records'][number],
    payload: LogPayload,
    framing: Framing,
  ): void {
    const name = nameOf(topicPartition);
    let records = this.records.get(name);
    if (records === undefined) this.records.set(name, (records = []));
    records[offset] = {
      framing,
      tickIds: payload.kind === 'ticks' ? Array.from(tickIds(payload.batch), Number) : [],
      rejections: payload.kind === 'rejections' ? payload.rejections.map((of) => of.quarantineId) : [],
      isDamaged: this.chance.happens(this.damageRate),
    };
  }

  /** Ticks with records of their own come as one batch while nothing stands between them, as from a shared log. */
  private asRead(truth: readonly TrueRecord[], records: readonly LogRecord[]): LogRecord[] {
    const read: LogRecord[] = [];
    let run: LogRecord[] = [];
    const endRun = () => {
      if (run.length > 0) read.push(joinRun(run));
      run = [];
    };
    for (const record of records) {
      const { isDamaged, framing } = truth[record.offset];
      if (!isDamaged && framing === 'tick' && record.payload.kind === 'ticks') {
        const first = run[0]?.payload;
        if (first?.kind === 'ticks' && first.batch.recordType !== record.payload.batch.recordType) endRun();
        run.push(record);
        continue;
      }
      endRun();
      read.push(isDamaged ? { ...record, payload: damaged(record.offset) } : record);
    }
    endRun();
    return read;
  }
}

export function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
}

function tickPayloads(payload: LogPayload): LogPayload[] {
  if (payload.kind !== 'ticks') return [payload];
  const { batch } = payload;
  return Array.from({ length: batch.rowCount }, (_, row) => ({
    kind: 'ticks',
    batch: batch.rowCount === 1 ? batch : selectRows(batch, Uint32Array.of(row)),
  }));
}

function joinRun(run: readonly LogRecord[]): LogRecord {
  const rowOffsets = Float64Array.from(run, ({ offset }) => offset);
  const parts = run.map(({ payload, offset }) => ({
    batch: (payload as { readonly batch: TickBatch }).batch,
    platformSequence: recordPositions(offset, 1),
  }));
  const last = run[run.length - 1];
  return {
    ...run[0],
    nextOffset: last.nextOffset,
    rowOffsets,
    payload: { kind: 'ticks', batch: joinBatches(parts).batch },
    sizeBytes: run.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
  };
}

function damaged(offset: number): LogRecord['payload'] {
  return { kind: 'undecodable', raw: Uint8Array.of(0xff, offset & 0xff), detail: 'damaged by the simulation' };
}
