import type { Compression } from '@k2/domain/wire';
import type { TopicPartition } from '@k2/ports';
import { compressed } from '../protocol/compression.ts';
import { RecordsWriter } from '../protocol/record-batch-builder.ts';
import type { PendingAppend } from './pending-append.ts';
import type { Piece } from './pieces.ts';
import type { Identity } from './producer-identity.ts';

/** A piece on its way, and whose it is. */
export interface QueuedPiece {
  readonly piece: Piece;
  readonly append: PendingAppend;
}

/** Pieces that are sent, and sent again, as one record batch: always the same bytes under the same sequence numbers. */
export interface SentBatch {
  readonly bytes: Uint8Array;
  readonly recordCount: number;
  readonly pieces: readonly QueuedPiece[];
}

const SEQUENCE_LIMIT = 2 ** 31;

/**
 * What waits for one partition, in order, and the batch that is being sent: one at a time, so that a batch that has to be
 * repeated is never overtaken, and the broker knows it by its sequence number if it has it already.
 */
export class PartitionQueue {
  readonly topicPartition: TopicPartition;
  readonly topicId: string;
  readonly kafkaTopic: string;
  sent: SentBatch | null = null;
  /** Part of a request that is under way. */
  isBusy = false;
  /** Not to be sent before this monotonic time: its broker refused it a moment ago. */
  notBeforeUs = 0;
  private readonly compression: Compression;
  private readonly pieces: QueuedPiece[] = [];
  /** Lowered if the topic turns out to take less. */
  private batchBytesMax: number;
  private identity: Identity | null = null;
  private nextSequence = 0;

  constructor(
    topicPartition: TopicPartition,
    topic: { readonly kafkaTopic: string; readonly topicId: string },
    { compression, batchBytesMax }: { readonly compression: Compression; readonly batchBytesMax: number },
  ) {
    this.topicPartition = topicPartition;
    this.kafkaTopic = topic.kafkaTopic;
    this.topicId = topic.topicId;
    this.compression = compression;
    this.batchBytesMax = batchBytesMax;
  }

  get isEmpty(): boolean {
    return this.sent === null && this.pieces.length === 0;
  }

  /** What the next batch takes of a request, more or less. */
  get nextBytes(): number {
    return this.sent?.bytes.length ?? Math.min(this.batchBytesMax, sizeOf(this.pieces));
  }

  push(piece: QueuedPiece): void {
    this.pieces.push(piece);
  }

  /** The batch to send now: the one before, as long as it was not settled, or the next pieces. Never called twice at once. */
  async batch(identity: Identity, nowMs: number): Promise<SentBatch> {
    if (this.sent !== null) return this.sent;
    const taken = this.takePieces();
    const writer = new RecordsWriter(sizeOf(taken) + recordsOverhead(taken));
    for (const { piece } of taken) piece.writeTo(writer);
    const { recordCount } = writer;
    if (this.identity !== identity) {
      this.identity = identity;
      this.nextSequence = 0;
    }
    const baseSequence = this.nextSequence;
    this.nextSequence = (baseSequence + recordCount) % SEQUENCE_LIMIT;
    const { compression } = this;
    const records = await compressed(compression, writer.content).catch((error: unknown) => {
      this.pieces.unshift(...taken);
      this.nextSequence = baseSequence;
      throw error;
    });
    const head = { ...identity, baseSequence, timestampMs: Math.floor(nowMs) };
    this.sent = { bytes: writer.finish(compression, records, head), recordCount, pieces: taken };
    return this.sent;
  }

  /** The broker has it, from this offset on. */
  landed(baseOffset: number): void {
    const { pieces } = this.settle();
    let offset = baseOffset;
    for (const { piece, append } of pieces) {
      append.landed(this.topicPartition, offset, piece.rowCount);
      offset += piece.recordCount;
    }
  }

  /**
   * The batch was refused for its size, so nothing of it is there and its sequence numbers are free: its pieces go in
   * smaller batches; if it is one piece, that is cut in two. Returns false, and does nothing, if it is a single row.
   */
  shrink(): boolean {
    const { pieces, recordCount } = this.sent!;
    const [{ piece, append }] = pieces;
    const halves = pieces.length === 1 ? piece.halves() : null;
    if (pieces.length === 1 && halves === null) return false;
    this.settle();
    this.nextSequence = (this.nextSequence - recordCount + SEQUENCE_LIMIT) % SEQUENCE_LIMIT;
    this.batchBytesMax = Math.max(1, sizeOf(pieces) >>> 1);
    if (halves === null) {
      this.pieces.unshift(...pieces);
    } else {
      append.expect(1);
      this.pieces.unshift(...halves.map((half) => ({ piece: half, append })));
    }
    return true;
  }

  /** Whoever waits for the batch is told that it failed. */
  fail(error: unknown): void {
    for (const { append } of this.settle().pieces) append.fail(error);
  }

  failAll(error: unknown): void {
    if (this.sent !== null) this.fail(error);
    for (const { append } of this.pieces.splice(0)) append.fail(error);
  }

  /** Those not sent whose time is over. */
  failOverdue(nowUs: number, error: unknown): void {
    while (this.pieces.length > 0 && this.pieces[0].append.dueUs <= nowUs) this.pieces.shift()!.append.fail(error);
  }

  /** Whether the time of what is next is over. */
  isOverdue(nowUs: number): boolean {
    const [first] = this.sent?.pieces ?? this.pieces;
    return first !== undefined && first.append.dueUs <= nowUs;
  }

  private takePieces(): QueuedPiece[] {
    let count = 1;
    let bytes = this.pieces[0].piece.sizeBytes;
    while (count < this.pieces.length && bytes + this.pieces[count].piece.sizeBytes <= this.batchBytesMax) {
      bytes += this.pieces[count++].piece.sizeBytes;
    }
    return this.pieces.splice(0, count);
  }

  private settle(): SentBatch {
    const batch = this.sent!;
    this.sent = null;
    return batch;
  }
}

function sizeOf(pieces: readonly QueuedPiece[]): number {
  return pieces.reduce((bytes, { piece }) => bytes + piece.sizeBytes, 0);
}

/** Lengths and keys beside the values, at a guess. */
function recordsOverhead(pieces: readonly QueuedPiece[]): number {
  return pieces.reduce((bytes, { piece }) => bytes + piece.recordCount * RECORD_OVERHEAD_BYTES, 0);
}

const RECORD_OVERHEAD_BYTES = 40;
