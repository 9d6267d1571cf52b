import duckdb, { type Vector } from '@duckdb/node-bindings';

/** Rows of a DuckDB chunk: its standard vector size. */
export const CHUNK_ROWS = 2_048;
/** A `duckdb_string_t` (duckdb.h): length, then 12 bytes of text, or 4 of it and a pointer to all. */
export const STRING_WORDS = 4;
export const INLINE_BYTES_MAX = 12;

/** Copies the first words of a staging array into a vector. */
export function copyWords(
  vector: Vector,
  staging: Int32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>,
  words: number,
): void {
  duckdb.copy_data_to_vector(vector, 0, staging.buffer, staging.byteOffset, words * 4);
}

/** One bit a row, set where the row is valid. */
export class ValidityMask {
  private readonly bytes = new Uint8Array(CHUNK_ROWS / 8).fill(0xff);
  private hasNulls = false;

  reset(): void {
    if (this.hasNulls) this.bytes.fill(0xff);
    this.hasNulls = false;
  }

  setNull(index: number): void {
    this.bytes[index >> 3] &= ~(1 << (index & 7));
    this.hasNulls = true;
  }

  copyTo(vector: Vector): void {
    if (!this.hasNulls) return;
    duckdb.vector_ensure_validity_writable(vector);
    duckdb.copy_data_to_vector_validity(vector, 0, this.bytes.buffer, 0, this.bytes.length);
  }
}

/** Bytes that can be read a few words beyond their end. */
export class PaddedBytes {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly view: DataView;

  /** `byteCount` zeros to be filled. */
  constructor(byteCount: number) {
    this.bytes = new Uint8Array(byteCount + INLINE_BYTES_MAX);
    this.view = new DataView(this.bytes.buffer);
  }

  static of(bytes: Uint8Array): PaddedBytes {
    const padded = new PaddedBytes(bytes.length);
    padded.bytes.set(bytes);
    return padded;
  }
}

/** For lengths 0 to 12, what to keep of three little-endian words. */
const INLINE_MASKS = Int32Array.from({ length: 3 * (INLINE_BYTES_MAX + 1) }, (_, index) => {
  const kept = Math.min(4, Math.max(0, Math.floor(index / 3) - 4 * (index % 3)));
  return kept === 4 ? -1 : (1 << (8 * kept)) - 1;
});

/**
 * Strings of one vector. Long ones need memory that the vector owns: all of a chunk's are handed to DuckDB as one
 * string, and each row's pointer is that string's plus an offset. One call a chunk instead of one a row.
 */
export class StringStaging {
  readonly words: Int32Array<ArrayBuffer>;
  private heap = new Uint8Array(4_096);
  private heapUsed = 0;
  /** Index of the string and where its bytes begin in the heap, by turns. */
  private long = new Uint32Array(2 * CHUNK_ROWS);
  private longCount = 0;

  constructor(capacity: number) {
    this.words = new Int32Array(STRING_WORDS * capacity);
  }

  reset(): void {
    this.heapUsed = 0;
    this.longCount = 0;
  }

  /** Puts `source[start .. start + length)`, UTF-8, as string `index`. */
  put(index: number, source: PaddedBytes, start: number, length: number): void {
    const { words } = this;
    const { view } = source;
    const at = STRING_WORDS * index;
    words[at] = length;
    if (length > INLINE_BYTES_MAX) {
      words[at + 1] = view.getInt32(start, true);
      this.putLong(index, source.bytes.subarray(start, start + length));
      return;
    }
    const mask = 3 * length;
    words[at + 1] = view.getInt32(start, true) & INLINE_MASKS[mask];
    words[at + 2] = view.getInt32(start + 4, true) & INLINE_MASKS[mask + 1];
    words[at + 3] = view.getInt32(start + 8, true) & INLINE_MASKS[mask + 2];
  }

  private putLong(index: number, text: Uint8Array): void {
    if (this.heapUsed + text.length > this.heap.length) {
      const grown = new Uint8Array(2 * (this.heapUsed + text.length));
      grown.set(this.heap.subarray(0, this.heapUsed));
      this.heap = grown;
    }
    if (2 * this.longCount === this.long.length) {
      const grown = new Uint32Array(2 * this.long.length);
      grown.set(this.long);
      this.long = grown;
    }
    this.heap.set(text, this.heapUsed);
    this.long[2 * this.longCount] = index;
    this.long[2 * this.longCount + 1] = this.heapUsed;
    this.longCount++;
    this.heapUsed += text.length;
  }

  /** Gives the long strings to the vector and completes their pointers. Before the words are copied or spread. */
  pinLong(vector: Vector): void {
    if (this.longCount === 0) return;
    duckdb.vector_assign_string_element_len(vector, 0, this.heap.subarray(0, this.heapUsed));
    const pinned = new DataView(Uint8Array.from(duckdb.vector_get_data(vector, 4 * STRING_WORDS)).buffer);
    if (pinned.getUint32(0, true) !== this.heapUsed) {
      throw new Error(`DuckDB did not take ${this.heapUsed} bytes of strings: expected valid UTF-8`);
    }
    const baseLow = pinned.getUint32(8, true);
    const baseHigh = pinned.getUint32(12, true);
    for (let i = 0; i < this.longCount; i++) {
      const low = baseLow + this.long[2 * i + 1];
      const at = STRING_WORDS * this.long[2 * i];
      this.words[at + 2] = low;
      this.words[at + 3] = baseHigh + (low >= 2 ** 32 ? 1 : 0);
    }
  }
}
