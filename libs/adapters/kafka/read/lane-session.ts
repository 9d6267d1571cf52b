import type { LogRecord } from '@k2/ports';
import { PartitionDecoder } from './partition-decoder.ts';
import type { LanePosition } from './reader-protocol.ts';
import type { SchemaTable } from './schema-table.ts';

export interface LanePartition {
  readonly position: LanePosition;
  readonly decoder: PartitionDecoder;
  /** Decoded and not yet handed over. */
  readonly emitted: LogRecord[];
  fetchOffset: number;
}

/** What a lane does between two seeks. */
export class LaneSession {
  readonly epoch: number;
  readonly partitions: readonly LanePartition[];
  private readonly ending = new AbortController();

  constructor(epoch: number, positions: readonly LanePosition[], schemas: SchemaTable) {
    this.epoch = epoch;
    this.partitions = positions.map((position) => {
      const { topic, partition, nextOffset } = position;
      const emitted: LogRecord[] = [];
      const decoder = new PartitionDecoder({ topic, partition }, nextOffset, schemas, (record) => emitted.push(record));
      return { position, decoder, emitted, fetchOffset: nextOffset };
    });
  }

  get isOver(): boolean {
    return this.ending.signal.aborted;
  }

  get signal(): AbortSignal {
    return this.ending.signal;
  }

  end(): void {
    this.ending.abort();
  }

  /** What was fetched and not decoded is fetched again. */
  rewind(): void {
    for (const partition of this.partitions) partition.fetchOffset = partition.decoder.nextOffset;
  }
}
