import { BATCH_ROWS_MAX } from '@k2/domain/market';
import { decodeBlock, wireSchemaId, WIRE_PREFIX_BYTES, type TickDecoder } from '@k2/domain/wire';
import type { LogRecord, TopicPartition } from '@k2/ports';
import { uncompressed } from '../protocol/compression.ts';
import { isIntact, RecordCursor, recordsOf, type RecordBatch } from '../protocol/record-batch.ts';
import type { SchemaEntry, SchemaTable } from './schema-table.ts';

/** A run of ticks is handed on at this many bytes of log records, however few rows they are. */
const RUN_BYTES_MAX = 2 * 2 ** 20;

/**
 * Record batches of one topic partition into log records that tile its offsets: what is between two records, as control
 * records and aborted transactions, counts to the later one. A run of ticks goes into one record. Partitions share the
 * decoders: `flush` before anything else has its turn.
 */
export class PartitionDecoder {
  /** Behind everything that was decoded. */
  nextOffset: number;
  private readonly topicPartition: TopicPartition;
  private readonly schemas: SchemaTable;
  private readonly emit: (record: LogRecord) => void;
  /** Behind everything that was emitted. */
  private emittedOffset: number;
  private run: Run | null = null;
  /** Of the batch that `nextOffset` is behind. */
  private passedUs: number | null = null;

  constructor(
    topicPartition: TopicPartition,
    nextOffset: number,
    schemas: SchemaTable,
    emit: (record: LogRecord) => void,
  ) {
    this.topicPartition = topicPartition;
    this.nextOffset = this.emittedOffset = nextOffset;
    this.schemas = schemas;
    this.emit = emit;
  }

  /** Yields the id of each schema that has to be in the table before it can go on. */
  *decode(batch: RecordBatch): Generator<number, void> {
    const cursor = this.cursorOf(batch);
    if (cursor !== null && this.advance(cursor, batch)) {
      for (let wanted; (wanted = this.decodeFrom(cursor, batch)) !== NO_SCHEMA;) {
        // Other partitions go on with the decoder meanwhile.
        this.endRun();
        yield wanted;
      }
    }
    this.skip(batch);
  }

  /** Passes over a batch that holds nothing for a reader, or nothing more. */
  skip(batch: RecordBatch): void {
    if (batch.nextOffset <= this.nextOffset) return;
    this.nextOffset = batch.nextOffset;
    this.passedUs = appendedUsOf(batch);
  }

  /** Emits what is held back: rows of a run, or offsets at the end that no record is at. */
  flush(): void {
    this.endRun();
    if (this.nextOffset === this.emittedOffset) return;
    // Without it a reader would wait at the log's end for something that is not there, and never be up to date.
    this.emitRecord(this.nextOffset - 1, 0, { kind: 'rejections', rejections: [] }, this.passedUs);
  }

  /** From the record that the cursor is at to the end; stops at one whose schema is not in the table, with its id. */
  private decodeFrom(cursor: RecordCursor, batch: RecordBatch): number {
    let lastId = NO_SCHEMA;
    let entry: SchemaEntry | undefined;
    do {
      const offset = batch.baseOffset + cursor.offsetDelta;
      if (offset < this.nextOffset) continue;
      const appendedUs = knownUs(batch.appendedMs ?? batch.baseTimestampMs + cursor.timestampDelta);
      const schemaId = schemaIdOf(cursor);
      if (schemaId !== lastId) entry = this.schemas.find((lastId = schemaId));
      if (schemaId === NO_SCHEMA) this.refuse(cursor, offset, withoutSchema(cursor), appendedUs);
      else if (entry === undefined) return schemaId;
      else this.record(cursor, entry, offset, appendedUs);
      this.nextOffset = offset + 1;
    } while (this.advance(cursor, batch));
    return NO_SCHEMA;
  }

  private cursorOf(batch: RecordBatch): RecordCursor | null {
    const { compression, bytes, recordCount } = batch;
    const appendedUs = appendedUsOf(batch);
    if (compression === null || !isIntact(batch)) {
      const detail = compression === null ? 'its compression is none that is known' : 'its checksum is wrong';
      this.undecodable(batch.nextOffset - 1, bytes, `the record batch is damaged: ${detail}`, appendedUs);
      return null;
    }
    try {
      return new RecordCursor(uncompressed(compression, recordsOf(batch)), recordCount);
    } catch (error) {
      const detail = `the record batch is no ${compression}: ${(error as Error).message}`;
      this.undecodable(batch.nextOffset - 1, bytes, detail, appendedUs);
      return null;
    }
  }

  private advance(cursor: RecordCursor, batch: RecordBatch): boolean {
    try {
      return cursor.next();
    } catch (error) {
      this.undecodable(batch.nextOffset - 1, batch.bytes, (error as Error).message, appendedUsOf(batch));
      return false;
    }
  }

  private record(cursor: RecordCursor, entry: SchemaEntry, offset: number, appendedUs: number | null): void {
    const { bytes, valueStart, valueEnd } = cursor;
    if (entry.kind === 'foreign') return this.refuse(cursor, offset, entry.detail, appendedUs);
    try {
      if (entry.kind === 'tick') {
        this.appendTick(entry.decoder, bytes, valueStart, valueEnd, offset, appendedUs);
      } else {
        const payload = decodeBlock(bytes.subarray(valueStart + WIRE_PREFIX_BYTES, valueEnd));
        this.endRun();
        this.emitRecord(offset, valueEnd - valueStart, payload, appendedUs);
      }
    } catch (error) {
      this.refuse(cursor, offset, (error as Error).message, appendedUs);
    }
  }

  private refuse(
    { bytes, valueStart, valueEnd }: RecordCursor,
    offset: number,
    detail: string,
    appendedUs: number | null,
  ) {
    const value = bytes.subarray(Math.max(0, valueStart), Math.max(0, valueEnd));
    this.undecodable(offset, value, detail, appendedUs);
  }

  private appendTick(
    decoder: TickDecoder,
    bytes: Uint8Array,
    valueStart: number,
    valueEnd: number,
    offset: number,
    appendedUs: number | null,
  ): void {
    let run = this.run;
    if (run !== null && (run.decoder !== decoder || decoder.isFull || run.sizeBytes >= RUN_BYTES_MAX)) {
      this.endRun();
      run = null;
    }
    decoder.append(bytes, valueStart + WIRE_PREFIX_BYTES, valueEnd);
    this.run = run ??= { decoder, offsets: runOffsets, appendedUs, sizeBytes: 0 };
    run.offsets[decoder.rowCount - 1] = offset;
    run.sizeBytes += valueEnd - valueStart;
  }

  private endRun(): void {
    const { run } = this;
    if (run === null) return;
    this.run = null;
    const batch = run.decoder.finish()!;
    const rowOffsets = run.offsets.slice(0, batch.rowCount);
    const last = rowOffsets[batch.rowCount - 1];
    this.emitRecord(last, run.sizeBytes, { kind: 'ticks', batch }, run.appendedUs, rowOffsets);
  }

  private undecodable(offset: number, bytes: Uint8Array, detail: string, appendedUs: number | null): void {
    this.endRun();
    const raw = new Uint8Array(bytes);
    this.emitRecord(offset, raw.length, { kind: 'undecodable', raw, detail }, appendedUs);
  }

  private emitRecord(
    offset: number,
    sizeBytes: number,
    payload: LogRecord['payload'],
    appendedUs: number | null,
    rowOffsets: Float64Array | null = null,
  ): void {
    const { topicPartition, emittedOffset } = this;
    this.emittedOffset = offset + 1;
    this.nextOffset = Math.max(this.nextOffset, this.emittedOffset);
    this.emit({
      topicPartition,
      offset: emittedOffset,
      nextOffset: offset + 1,
      rowOffsets,
      appendedUs,
      payload,
      sizeBytes,
    });
  }
}

const NO_SCHEMA = -1;

function appendedUsOf({ appendedMs, baseTimestampMs }: RecordBatch): number | null {
  return knownUs(appendedMs ?? baseTimestampMs);
}

/** Kafka's time of a record that has none is -1. */
function knownUs(timestampMs: number): number | null {
  return timestampMs < 0 ? null : timestampMs * 1_000;
}

/** In the Confluent wire format; NO_SCHEMA if the value is not in it. */
function schemaIdOf({ bytes, valueStart: at, valueEnd }: RecordCursor): number {
  if (at < 0 || valueEnd - at < WIRE_PREFIX_BYTES || bytes[at] !== 0 || bytes[at + 1] > 127) return NO_SCHEMA;
  return (bytes[at + 1] << 24) | (bytes[at + 2] << 16) | (bytes[at + 3] << 8) | bytes[at + 4];
}

function withoutSchema({ bytes, valueStart, valueEnd }: RecordCursor): string {
  if (valueStart < 0) return 'the record has no value';
  try {
    return `schema id ${wireSchemaId(bytes.subarray(valueStart, valueEnd))} is none`;
  } catch (error) {
    return (error as Error).message;
  }
}

/** Rows of one partition that are in a decoder and not yet handed on. */
interface Run {
  readonly decoder: TickDecoder;
  readonly offsets: Float64Array;
  readonly appendedUs: number | null;
  sizeBytes: number;
}

/** Of the run being built; one at a time, as its decoder. */
const runOffsets = new Float64Array(BATCH_ROWS_MAX);
