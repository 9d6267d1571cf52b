import type { AbortedTransaction } from '../protocol/fetch-request.ts';
import type { RecordBatch } from '../protocol/record-batch.ts';

/** Which batches of a fetch belong to transactions that were not committed, or are the marks of their ends. */
export class AbortedRecords {
  private readonly transactions: AbortedTransaction[];
  private readonly producers = new Set<bigint>();

  constructor(transactions: readonly AbortedTransaction[]) {
    this.transactions = [...transactions].sort((a, b) => a.firstOffset - b.firstOffset);
  }

  /** To be asked for every batch, in order. */
  skips({ nextOffset, producerId, isControl, isTransactional }: RecordBatch): boolean {
    while (this.transactions.length > 0 && this.transactions[0].firstOffset < nextOffset) {
      this.producers.add(this.transactions.shift()!.producerId);
    }
    if (isControl) this.producers.delete(producerId);
    return isControl || (isTransactional && this.producers.has(producerId));
  }
}
