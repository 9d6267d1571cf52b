import type { AppendReceipt, TopicPartition } from '@k2/ports';

type Landed = AppendReceipt['records'][number];

/** One call of `append`: settled when all of its pieces are, or the first of them failed. */
export class PendingAppend {
  readonly receipt: Promise<AppendReceipt>;
  /** What was not sent by this monotonic time is given up. */
  readonly dueUs: number;
  private readonly outcome = Promise.withResolvers<AppendReceipt>();
  private readonly landedRecords: Landed[] = [];
  private piecesLeft = 0;

  constructor(dueUs: number) {
    this.dueUs = dueUs;
    this.receipt = this.outcome.promise;
  }

  /** More pieces to wait for; with none at all it is settled. */
  expect(pieces: number): void {
    this.piecesLeft += pieces;
    if (this.piecesLeft === 0) this.outcome.resolve({ records: [] });
  }

  landed(topicPartition: TopicPartition, offset: number, rowCount: number): void {
    this.landedRecords.push({ topicPartition, offset, rowCount });
    if (--this.piecesLeft > 0) return;
    const records = this.landedRecords.sort(
      (a, b) => a.topicPartition.partition - b.topicPartition.partition || a.offset - b.offset,
    );
    this.outcome.resolve({ records });
  }

  fail(error: unknown): void {
    this.outcome.reject(error as Error);
  }
}
