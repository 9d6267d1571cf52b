import type { Vector } from '@duckdb/node-bindings';
import type { FieldType } from '@k2/domain/market';
import type { Value } from '../format/single-value.ts';
import type { ColumnFacts, ColumnWriter } from './column-writer.ts';
import { CHUNK_ROWS, copyWords, STRING_WORDS, StringStaging, ValidityMask, type PaddedBytes } from './vector-data.ts';

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** A string or binary that each row has for itself; an empty one is null where the field is optional. */
export class BytesWriter implements ColumnWriter {
  private readonly offsets: Uint32Array;
  private readonly source: PaddedBytes;
  private readonly isText: boolean;
  private readonly required: boolean;
  private readonly strings = new StringStaging(CHUNK_ROWS);
  private readonly validity = new ValidityMask();
  private nullCount = 0;
  /** Start and end of the least and the greatest value; null before the first. */
  private range: { minStart: number; minEnd: number; maxStart: number; maxEnd: number } | null = null;
  /** Values whose key lies between these need no closer look. */
  private minKey = Infinity;
  private maxKey = -Infinity;

  constructor(offsets: Uint32Array, source: PaddedBytes, type: FieldType, required: boolean) {
    this.offsets = offsets;
    this.source = source;
    this.isText = type === 'string';
    this.required = required;
  }

  begin(): void {
    this.nullCount = 0;
    this.range = null;
    this.minKey = Infinity;
    this.maxKey = -Infinity;
  }

  fill(vector: Vector, rows: Uint32Array, from: number, count: number): void {
    const { offsets, source, strings, validity, required } = this;
    strings.reset();
    validity.reset();
    for (let i = 0; i < count; i++) {
      const row = rows[from + i];
      const start = offsets[row];
      const end = offsets[row + 1];
      strings.put(i, source, start, end - start);
      if (start === end && !required) {
        validity.setNull(i);
        this.nullCount++;
        continue;
      }
      const key = prefixKey(source, start, end);
      if (!(key > this.minKey && key < this.maxKey)) this.widen(start, end);
    }
    strings.pinLong(vector);
    copyWords(vector, strings.words, STRING_WORDS * count);
    validity.copyTo(vector);
  }

  /** UTF-8 bytes are ordered as their code points are, so that nothing is decoded here. */
  private widen(start: number, end: number): void {
    const range = (this.range ??= { minStart: start, minEnd: end, maxStart: start, maxEnd: end });
    if (compareRanges(this.source, start, end, range.minStart, range.minEnd) < 0) {
      range.minStart = start;
      range.minEnd = end;
    } else if (compareRanges(this.source, start, end, range.maxStart, range.maxEnd) > 0) {
      range.maxStart = start;
      range.maxEnd = end;
    }
    this.minKey = prefixKey(this.source, range.minStart, range.minEnd);
    this.maxKey = prefixKey(this.source, range.maxStart, range.maxEnd);
  }

  facts(): ColumnFacts {
    if (this.range === null) return { nullCount: this.nullCount, range: null };
    const { minStart, minEnd, maxStart, maxEnd } = this.range;
    return {
      nullCount: this.nullCount,
      range: { min: this.value(minStart, minEnd), max: this.value(maxStart, maxEnd) },
    };
  }

  private value(start: number, end: number): Value {
    const bytes = this.source.bytes.slice(start, end);
    return this.isText ? decoder.decode(bytes) : bytes;
  }
}

/** The first six bytes as a number, which orders as they do; NaN, which is between nothing, where there are fewer. */
function prefixKey({ view }: PaddedBytes, start: number, end: number): number {
  return end - start < 6 ? NaN : view.getUint32(start) * 65_536 + view.getUint16(start + 4);
}

/** Order of two byte strings of one source; four bytes at a time while both have them. */
function compareRanges(
  { bytes, view }: PaddedBytes,
  aStart: number,
  aEnd: number,
  bStart: number,
  bEnd: number,
): number {
  const length = Math.min(aEnd - aStart, bEnd - bStart);
  let i = 0;
  for (; i + 4 <= length; i += 4) {
    const difference = view.getUint32(aStart + i) - view.getUint32(bStart + i);
    if (difference !== 0) return difference;
  }
  for (; i < length; i++) {
    const difference = bytes[aStart + i] - bytes[bStart + i];
    if (difference !== 0) return difference;
  }
  return aEnd - aStart - (bEnd - bStart);
}
