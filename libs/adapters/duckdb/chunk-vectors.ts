import duckdb from '@duckdb/node-bindings';

/** One column of one chunk, as DuckDB lays it out in memory; valid while the chunk is held. */
export interface ChunkVector {
  readonly vector: duckdb.Vector;
  readonly rowCount: number;
  /** One bit a row, set where there is a value; null where every row has one. */
  readonly validity: Uint8Array | null;
}

export function chunkVector(chunk: duckdb.DataChunk, column: number, rowCount: number): ChunkVector {
  return vectorOf(duckdb.data_chunk_get_vector(chunk, column), rowCount);
}

export function listChild({ vector }: ChunkVector): ChunkVector {
  return vectorOf(duckdb.list_vector_get_child(vector), duckdb.list_vector_get_size(vector));
}

export function structChild({ vector, rowCount }: ChunkVector, index: number): ChunkVector {
  return vectorOf(duckdb.struct_vector_get_child(vector, index), rowCount);
}

function vectorOf(vector: duckdb.Vector, rowCount: number): ChunkVector {
  const validity = rowCount === 0 ? null : duckdb.vector_get_validity(vector, Math.ceil(rowCount / 64) * 8);
  return { vector, rowCount, validity: validity !== null && isAllSet(validity, rowCount) ? null : validity };
}

function isAllSet(validity: Uint8Array, rowCount: number): boolean {
  const wholeBytes = rowCount >> 3;
  for (let at = 0; at < wholeBytes; at++) if (validity[at] !== 0xff) return false;
  for (let row = wholeBytes * 8; row < rowCount; row++) if (!isValid(validity, row)) return false;
  return true;
}

export function isValid(validity: Uint8Array | null, row: number): boolean {
  return validity === null || (validity[row >> 3] & (1 << (row & 7))) !== 0;
}

/** The vector's own memory, `bytes` a row. */
export function dataOf({ vector, rowCount }: ChunkVector, bytes: number): Uint8Array {
  return duckdb.vector_get_data(vector, rowCount * bytes);
}

const INLINE_BYTES_MAX = 12;

/** DuckDB's string_t: { u32 length, 12 bytes inline } or { u32 length, 4 bytes prefix, pointer }. */
export class StringVector {
  /** Four words a row. */
  readonly words: Uint32Array;
  private readonly data: Uint8Array;

  constructor(source: ChunkVector) {
    this.data = dataOf(source, 16);
    this.words = new Uint32Array(this.data.buffer, this.data.byteOffset, source.rowCount * 4);
  }

  isInline(row: number): boolean {
    return this.words[row * 4] <= INLINE_BYTES_MAX;
  }

  byteLength(row: number): number {
    return this.words[row * 4];
  }

  bytes(row: number): Uint8Array {
    const length = this.byteLength(row);
    if (length <= INLINE_BYTES_MAX) return this.data.subarray(row * 16 + 4, row * 16 + 4 + length);
    return duckdb.get_data_from_pointer(this.data.buffer as ArrayBuffer, this.data.byteOffset + row * 16 + 8, length);
  }
}
