import type { AppendReceipt, PartitionOffsets, TopicDescription } from '@k2/ports';
import { partitionName } from '../topic-partition.ts';

/** Where a feed's rows went in the log. Records between them are of others, which wrote there at the same time. */
export class AppendedRecords {
  private readonly partitions = new Map<string, { readonly records: number; readonly nextOffset: number }>();

  take({ records }: AppendReceipt, framing: TopicDescription['framing']): void {
    for (const { topicPartition, offset, rowCount } of records) {
      const name = partitionName(topicPartition);
      const known = this.partitions.get(name) ?? { records: 0, nextOffset: 0 };
      const count = framing === 'tick' ? rowCount : 1;
      const nextOffset = Math.max(known.nextOffset, offset + count);
      this.partitions.set(name, { records: known.records + count, nextOffset });
    }
  }

  /**
   * Whether others wrote before the last of these records and behind the ends that the partitions had before the first.
   * Also true if the log has a record twice, as after an append whose reply was lost.
   */
  isAmongOthers(endsBefore: readonly PartitionOffsets[]): boolean {
    const ends = new Map(endsBefore.map((end) => [partitionName(end), end.endOffset]));
    return [...this.partitions].some(([name, { records, nextOffset }]) => nextOffset - (ends.get(name) ?? 0) > records);
  }
}
