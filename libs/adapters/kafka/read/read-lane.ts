import type { LogRecord, TopicPartition } from '@k2/ports';
import type { HandedRecord, LanePosition } from './reader-protocol.ts';

/** What one reader was handed and did not take yet, by partition. */
export class ReadLane {
  readonly id: number;
  /** Counts seeks: what was handed over for an earlier one is not for this. */
  epoch = 0;
  isBusy = false;
  failure: Error | null = null;
  private readonly partitions = new Map<string, Ahead>();
  private turn = 0;

  constructor(id: number) {
    this.id = id;
  }

  /** How many of the positions go on where the lane's last read ended. */
  matches(positions: readonly LanePosition[]): number {
    return positions.filter((position) => this.continues(position)).length;
  }

  /** Whether the lane reads exactly these already; where not, it has to be sought, and everything before is forgotten. */
  isAt(positions: readonly LanePosition[]): boolean {
    return positions.length === this.partitions.size && this.matches(positions) === positions.length;
  }

  seek(positions: readonly LanePosition[]): void {
    this.epoch++;
    this.failure = null;
    this.partitions.clear();
    for (const position of positions) {
      const { topicId, nextOffset } = position;
      this.partitions.set(keyOf(position), { topicId, nextOffset, records: [] });
    }
  }

  add(handed: readonly HandedRecord<LogRecord>[]): void {
    for (const of of handed) this.partitions.get(keyOf(of.record.topicPartition))?.records.push(of);
  }

  get hasRecords(): boolean {
    for (const { records } of this.partitions.values()) if (records.length > 0) return true;
    return false;
  }

  /** One record of each partition in turn, starting with another one at each call, until the bytes are used up. */
  take(bytesMax: number): { readonly records: readonly LogRecord[]; readonly memoryBytes: number } {
    const found: LogRecord[] = [];
    let memoryBytes = 0;
    let leftBytes = bytesMax;
    const all = [...this.partitions.values()].filter(({ records }) => records.length > 0);
    const first = all.length === 0 ? 0 : this.turn++ % all.length;
    let open = [...all.slice(first), ...all.slice(0, first)];
    while (open.length > 0) {
      open = open.filter((ahead) => {
        const next = ahead.records[0];
        if (next === undefined || (next.record.sizeBytes > leftBytes && found.length > 0)) return false;
        ahead.records.shift();
        ahead.nextOffset = next.record.nextOffset;
        leftBytes -= next.record.sizeBytes;
        memoryBytes += next.memoryBytes;
        found.push(next.record);
        return true;
      });
    }
    return { records: found, memoryBytes };
  }

  private continues(position: LanePosition): boolean {
    const ahead = this.partitions.get(keyOf(position));
    return ahead?.nextOffset === position.nextOffset && ahead.topicId === position.topicId;
  }
}

interface Ahead {
  readonly topicId: string;
  /** Where the next read has to begin. */
  nextOffset: number;
  readonly records: HandedRecord<LogRecord>[];
}

function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
}
