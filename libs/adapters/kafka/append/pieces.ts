import { selectRows } from '@k2/domain/market';
import {
  encodeBlock,
  encodeTicks,
  wirePrefix,
  type BlockPayload,
  type EncodedTicks,
  type Framing,
} from '@k2/domain/wire';
import type { RecordsWriter } from '../protocol/record-batch-builder.ts';

/**
 * A part of an append that goes into one partition and one record batch: a block, or a run of ticks. `offset` is where
 * its first record went.
 */
export interface Piece {
  readonly rowCount: number;
  readonly recordCount: number;
  readonly sizeBytes: number;
  writeTo(records: RecordsWriter): void;
  /** As two pieces of fewer rows; null if it is a single row. */
  halves(): readonly [Piece, Piece] | null;
}

/** The payload in the topic's framing, in pieces of at most `pieceBytesMax` if they have more than a row. */
export function piecesOf(payload: BlockPayload, framing: Framing, schemaId: number, pieceBytesMax: number): Piece[] {
  const prefix = wirePrefix(schemaId);
  const whole =
    framing === 'tick' && payload.kind === 'ticks' ? tickRun(payload.batch, prefix) : new BlockPiece(payload, prefix);
  const pieces: Piece[] = [];
  cut(whole, pieceBytesMax, pieces);
  return pieces;
}

function cut(piece: Piece, bytesMax: number, into: Piece[]): void {
  const halves = piece.sizeBytes > bytesMax ? piece.halves() : null;
  if (halves === null) into.push(piece);
  else for (const half of halves) cut(half, bytesMax, into);
}

class BlockPiece implements Piece {
  readonly recordCount = 1;
  private readonly payload: BlockPayload;
  private readonly prefix: Uint8Array;
  private readonly value: Uint8Array;

  constructor(payload: BlockPayload, prefix: Uint8Array) {
    this.payload = payload;
    this.prefix = prefix;
    const block = encodeBlock(payload);
    this.value = new Uint8Array(prefix.length + block.length);
    this.value.set(prefix);
    this.value.set(block, prefix.length);
  }

  get rowCount(): number {
    return this.payload.kind === 'ticks' ? this.payload.batch.rowCount : this.payload.rejections.length;
  }

  get sizeBytes(): number {
    return this.value.length;
  }

  writeTo(records: RecordsWriter): void {
    records.add(null, this.value, 0, this.value.length);
  }

  halves(): readonly [Piece, Piece] | null {
    const { payload, rowCount } = this;
    if (rowCount < 2) return null;
    const middle = rowCount >>> 1;
    const half = (start: number, end: number) => new BlockPiece(rowsOf(payload, start, end), this.prefix);
    return [half(0, middle), half(middle, rowCount)];
  }
}

function rowsOf(payload: BlockPayload, start: number, end: number): BlockPayload {
  if (payload.kind === 'rejections') return { ...payload, rejections: payload.rejections.slice(start, end) };
  const rows = Uint32Array.from({ length: end - start }, (_, index) => start + index);
  return { kind: 'ticks', batch: selectRows(payload.batch, rows) };
}

type TickPayload = Extract<BlockPayload, { kind: 'ticks' }>['batch'];

const encoder = new TextEncoder();

/** Keys made so far; at the bound they are made anew. */
const knownKeys = new Map<string, Uint8Array>();
const KNOWN_KEYS_MAX = 65_536;

function keyOf(instrument: string): Uint8Array {
  let key = knownKeys.get(instrument);
  if (key === undefined) {
    if (knownKeys.size >= KNOWN_KEYS_MAX) knownKeys.clear();
    key = encoder.encode(instrument);
    knownKeys.set(instrument, key);
  }
  return key;
}

function tickRun(batch: TickPayload, prefix: Uint8Array): Piece {
  const keys = batch.series.map(({ exchange, symbol }) => keyOf(`${exchange}.${symbol}`));
  return new TickPiece({ encoded: encodeTicks(batch, prefix), keys, keyCode: batch.seriesCode }, 0, batch.rowCount);
}

interface EncodedRun {
  readonly encoded: EncodedTicks;
  /** `exchange.symbol` by series. */
  readonly keys: readonly Uint8Array[];
  readonly keyCode: Uint16Array;
}

class TickPiece implements Piece {
  private readonly run: EncodedRun;
  private readonly start: number;
  private readonly end: number;

  constructor(run: EncodedRun, start: number, end: number) {
    this.run = run;
    this.start = start;
    this.end = end;
  }

  get rowCount(): number {
    return this.end - this.start;
  }

  get recordCount(): number {
    return this.rowCount;
  }

  get sizeBytes(): number {
    const { offsets } = this.run.encoded;
    return offsets[this.end] - offsets[this.start];
  }

  writeTo(records: RecordsWriter): void {
    const { encoded, keys, keyCode } = this.run;
    const { bytes, offsets } = encoded;
    for (let row = this.start; row < this.end; row++) {
      records.add(keys[keyCode[row]], bytes, offsets[row], offsets[row + 1]);
    }
  }

  halves(): readonly [Piece, Piece] | null {
    const { run, start, end } = this;
    if (end - start < 2) return null;
    const middle = (start + end) >>> 1;
    return [new TickPiece(run, start, middle), new TickPiece(run, middle, end)];
  }
}
