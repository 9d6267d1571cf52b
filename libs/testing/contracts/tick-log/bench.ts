import { tradeAt } from '@k2/domain/market';
import type { Framing } from '@k2/domain/wire';
import type { AssignmentListener, LogPayload, LogPosition, LogRecord, TickLog, TopicPartition } from '@k2/ports';
import { series, tradeBatch } from '../../builders/index.ts';

export interface TickLogHarness {
  readonly log: TickLog;
  /** Closes the log and opens it again. Only of a durable one. */
  reopen?(): Promise<TickLog>;
  /** Replaces a stored record by bytes that are no block; gives the log to go on with. */
  damage?(at: TopicPartition & { readonly offset: number }): Promise<TickLog>;
  close(): Promise<void>;
}

export interface TickLogCapabilities {
  /** Survives `reopen`. */
  readonly durable: boolean;
  /** Honours `bytesMax` of `create`. */
  readonly bounded: boolean;
  /** Has `damage`. */
  readonly damageable: boolean;
  /** `trim` makes it forget; else only its retention does. */
  readonly trims: boolean;
}

export interface TickLogBench {
  readonly harness: TickLogHarness;
  readonly log: TickLog;
  /** Of every topic of the suite. */
  readonly framing: Framing;
  /** A topic name not used before. */
  topicName(): string;
  declare(partitions?: number): Promise<string>;
  create(options: { readonly bytesMax: number }): Promise<TickLog>;
}

/** One record of `count` BHP trades, numbered from `firstSequence`. */
export function trades(firstSequence = 1, count = 3, symbol = 'BHP'): LogPayload {
  return { kind: 'ticks', batch: tradeBatch({ series: { symbol }, firstSequence, count }) };
}

/** One row of each symbol in turn, `rounds` times; sequences count up within each symbol. */
export function mixedTrades(symbols: readonly string[], rounds: number): LogPayload {
  const all = symbols.map((symbol) => series({ symbol }));
  const rows = Array.from({ length: rounds }, (_, round) =>
    all.map((of) => ({ series: of, venueSequence: round + 1 })),
  ).flat();
  return { kind: 'ticks', batch: tradeBatch({ rows }) };
}

/** The trades of the records as `symbol:sequence`; throws on a record of anything else. */
export function ticksOf(records: readonly LogRecord[]): string[] {
  return records.flatMap(({ payload }) => {
    if (payload.kind !== 'ticks' || payload.batch.recordType !== 'trades')
      throw new Error(`not trades: ${payload.kind}`);
    const { batch } = payload;
    return Array.from(
      batch.seriesCode,
      (code, row) => `${batch.series[code].symbol}:${tradeAt(batch, row).venueSequence}`,
    );
  });
}

/** Each row of the records with its place in the log, whatever records they came in. */
export function placesOf(records: readonly LogRecord[]): string[] {
  return records.flatMap((record) => {
    const { topicPartition, nextOffset, rowOffsets } = record;
    return ticksOf([record]).map(
      (tick, row) => `${nameOf(topicPartition)}/${rowOffsets?.[row] ?? nextOffset - 1} ${tick}`,
    );
  });
}

/** How many log records so many rows of one append and one partition make. */
export function logRecords({ framing }: TickLogBench, rowCount: number): number {
  return framing === 'tick' ? rowCount : 1;
}

/** Everything there is now from the positions on. */
export async function readAll(log: TickLog, positions: readonly LogPosition[]): Promise<LogRecord[]> {
  const found: LogRecord[] = [];
  let next = [...positions];
  for (;;) {
    const records = await log.read({ positions: next, bytesMax: 1 << 20, waitMs: 0 });
    if (records.length === 0) return found;
    found.push(...records);
    next = advanced(next, records);
  }
}

/** The positions behind the records. */
export function advanced(positions: readonly LogPosition[], records: readonly LogRecord[]): LogPosition[] {
  const nexts = new Map(records.map(({ topicPartition, nextOffset }) => [nameOf(topicPartition), nextOffset]));
  return positions.map((position) => ({ ...position, nextOffset: nexts.get(nameOf(position)) ?? position.nextOffset }));
}

export const at = (topic: string, nextOffset = 0, partition = 0): LogPosition => ({ topic, partition, nextOffset });
export const nameOf = ({ topic, partition }: TopicPartition) => `${topic}/${partition}`;

/** A member that remembers what it owns and what happened, and gives partitions up when it is let. */
export class RecordingMember implements AssignmentListener {
  readonly owned = new Set<string>();
  /** What `revoked` waits for. */
  handOver: Promise<void> = Promise.resolve();
  revocationCount = 0;
  private watchers: (() => void)[] = [];

  async assigned(partitions: readonly TopicPartition[]): Promise<void> {
    for (const partition of partitions) this.owned.add(nameOf(partition));
    this.tell();
  }

  async revoked(partitions: readonly TopicPartition[]): Promise<void> {
    this.revocationCount++;
    this.tell();
    await this.handOver;
    for (const partition of partitions) this.owned.delete(nameOf(partition));
    this.tell();
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.watchers.push(resolve));
  }

  private tell(): void {
    for (const watcher of this.watchers.splice(0)) watcher();
  }
}
