import type { Vector } from '@duckdb/node-bindings';
import type { FieldType } from '@k2/domain/market';
import { compareCodePoints, type Value } from '../format/single-value.ts';
import { ListWriter } from './list-writer.ts';
import { decimalAt } from './row-order.ts';
import type { DictionaryCodes, TableColumn } from './table-rows.ts';
import { CHUNK_ROWS, copyWords, INLINE_BYTES_MAX, STRING_WORDS, PaddedBytes, StringStaging, ValidityMask } from './vector-data.ts';

/** Puts one column of the rows asked for into DuckDB's vectors, and keeps what a manifest says about them. */
export interface ColumnWriter {
  /** Begins a file. */
  begin(): void;
  /** Rows `rows[from .. from + count)`, at most a chunk. */
  fill(vector: Vector, rows: Uint32Array, from: number, count: number): void;
  /** Of the file begun last. */
  facts(): ColumnFacts;
}

export interface ColumnFacts {
  readonly nullCount: number;
  /** Null where no row has a value, and of lists and maps. */
  readonly range: { readonly min: Value; readonly max: Value } | null;
}

export function columnWriter(column: TableColumn, type: FieldType, required: boolean): ColumnWriter {
  switch (column.kind) {
    case 'integer':
      return type === 'int' ? new Int32Writer(column.values) : new Int64Writer(column.values);
    case 'decimal':
      return new DecimalWriter(column.words);
    case 'bytes':
      return new BytesWriter(column.offsets, column.bytes, type, required);
    case 'dictionary':
      if (type === 'string') return new DictionaryWriter(column.codes, column.dictionary as readonly (string | null)[]);
      return new ListWriter(column.codes, column.dictionary);
  }
}

abstract class IntegerWriter implements ColumnWriter {
  protected readonly values: Float64Array;
  private min = Infinity;
  private max = -Infinity;

  constructor(values: Float64Array) {
    this.values = values;
  }

  begin(): void {
    this.min = Infinity;
    this.max = -Infinity;
  }

  abstract fill(vector: Vector, rows: Uint32Array, from: number, count: number): void;

  protected widen(min: number, max: number): void {
    this.min = Math.min(this.min, min);
    this.max = Math.max(this.max, max);
  }

  facts(): ColumnFacts {
    return { nullCount: 0, range: { min: this.min, max: this.max } };
  }
}

const HIGH_WORD = 2 ** 32;

class Int64Writer extends IntegerWriter {
  private readonly staging = new Int32Array(2 * CHUNK_ROWS);

  override fill(vector: Vector, rows: Uint32Array, from: number, count: number): void {
    const { values, staging } = this;
    let min = Infinity;
    let max = -Infinity;
    for (let i = 0; i < count; i++) {
      const value = values[rows[from + i]];
      if (value < min) min = value;
      if (value > max) max = value;
      const high = Math.floor(value / HIGH_WORD);
      staging[2 * i] = value - high * HIGH_WORD;
      staging[2 * i + 1] = high;
    }
    this.widen(min, max);
    copyWords(vector, staging, 2 * count);
  }
}

class Int32Writer extends IntegerWriter {
  private readonly staging = new Int32Array(CHUNK_ROWS);

  override fill(vector: Vector, rows: Uint32Array, from: number, count: number): void {
    for (let i = 0; i < count; i++) {
      const value = this.values[rows[from + i]];
      this.widen(value, value);
      this.staging[i] = value;
    }
    copyWords(vector, this.staging, count);
  }
}

class DecimalWriter implements ColumnWriter {
  private readonly words: Int32Array;
  private readonly staging = new Int32Array(2 * CHUNK_ROWS);
  private minRow = -1;
  private maxRow = -1;

  constructor(words: Int32Array) {
    this.words = words;
  }

  begin(): void {
    this.minRow = -1;
    this.maxRow = -1;
  }

  fill(vector: Vector, rows: Uint32Array, from: number, count: number): void {
    const { words, staging } = this;
    let minRow = this.minRow < 0 ? rows[from] : this.minRow;
    let maxRow = this.maxRow < 0 ? rows[from] : this.maxRow;
    let minHigh = words[2 * minRow + 1];
    let minLow = words[2 * minRow] >>> 0;
    let maxHigh = words[2 * maxRow + 1];
    let maxLow = words[2 * maxRow] >>> 0;
    for (let i = 0; i < count; i++) {
      const row = rows[from + i];
      const low = words[2 * row];
      const high = words[2 * row + 1];
      const unsignedLow = low >>> 0;
      staging[2 * i] = low;
      staging[2 * i + 1] = high;
      if (high < minHigh || (high === minHigh && unsignedLow < minLow)) {
        minRow = row;
        minHigh = high;
        minLow = unsignedLow;
      }
      if (high > maxHigh || (high === maxHigh && unsignedLow > maxLow)) {
        maxRow = row;
        maxHigh = high;
        maxLow = unsignedLow;
      }
    }
    this.minRow = minRow;
    this.maxRow = maxRow;
    copyWords(vector, staging, 2 * count);
  }

  facts(): ColumnFacts {
    return { nullCount: 0, range: { min: decimalAt(this.words, this.minRow), max: decimalAt(this.words, this.maxRow) } };
  }
}

const encoder = new TextEncoder();

class DictionaryWriter implements ColumnWriter {
  private readonly codes: DictionaryCodes;
  private readonly dictionary: readonly (string | null)[];
  private readonly texts: readonly (Uint8Array | null)[];
  /** The dictionary's strings as DuckDB wants them. Pointers of long ones hold for the chunk being filled. */
  private readonly strings: StringStaging;
  private readonly staging = new Int32Array(STRING_WORDS * CHUNK_ROWS);
  private readonly validity = new ValidityMask();
  private readonly used: Uint8Array;
  /** Number of the chunk in which a long string was last pinned, by code; -1 for a short one. */
  private readonly pinnedIn: Int32Array;
  private readonly hasLong: boolean;
  private readonly hasNull: boolean;
  private chunk = 0;
  private nullCount = 0;
  /** The code with which all of `staging` is filled; -1 where it is not. */
  private stagedCode = -1;

  constructor(codes: DictionaryCodes, dictionary: readonly (string | null)[]) {
    this.codes = codes;
    this.dictionary = dictionary;
    this.texts = dictionary.map((text) => (text === null ? null : encoder.encode(text)));
    this.strings = new StringStaging(dictionary.length);
    this.used = new Uint8Array(dictionary.length);
    this.pinnedIn = Int32Array.from(this.texts, (text) => (text !== null && text.length > INLINE_BYTES_MAX ? 0 : -1));
    this.hasLong = this.pinnedIn.includes(0);
    this.hasNull = this.texts.includes(null);
    this.texts.forEach((text, code) => {
      if (text !== null) this.strings.put(code, PaddedBytes.of(text), 0, text.length);
    });
  }

  begin(): void {
    this.used.fill(0);
    this.nullCount = 0;
    this.stagedCode = -1;
  }

  fill(vector: Vector, rows: Uint32Array, from: number, count: number): void {
    if (this.hasLong) this.pinLong(vector, rows, from, count);
    // Rows are sorted, and most columns follow the first key or the partition: chunks of one value are the rule.
    const code = this.soleCode(rows, from, count);
    if (code < 0) this.stage(rows, from, count);
    else if (code !== this.stagedCode || this.hasLong) this.stageSole(code);
    copyWords(vector, this.staging, STRING_WORDS * count);
    if (this.hasNull) this.markNulls(vector, rows, from, count);
  }

  /** The code that all of the rows have; -1 where they differ. */
  private soleCode(rows: Uint32Array, from: number, count: number): number {
    const { codes } = this;
    const code = codes[rows[from]];
    if (this.dictionary.length === 1) return code;
    for (let i = from + 1; i < from + count; i++) {
      if (codes[rows[i]] !== code) return -1;
    }
    return code;
  }

  private stageSole(code: number): void {
    const { staging, strings } = this;
    this.used[code] = 1;
    staging.set(strings.words.subarray(STRING_WORDS * code, STRING_WORDS * (code + 1)));
    for (let filled = STRING_WORDS; filled < staging.length; filled *= 2) staging.copyWithin(filled, 0, filled);
    this.stagedCode = code;
  }

  private stage(rows: Uint32Array, from: number, count: number): void {
    const { codes, used, staging } = this;
    const { words } = this.strings;
    for (let i = 0, to = 0; i < count; i++, to += STRING_WORDS) {
      const code = codes[rows[from + i]];
      const at = STRING_WORDS * code;
      used[code] = 1;
      staging[to] = words[at];
      staging[to + 1] = words[at + 1];
      staging[to + 2] = words[at + 2];
      staging[to + 3] = words[at + 3];
    }
    this.stagedCode = -1;
  }

  private pinLong(vector: Vector, rows: Uint32Array, from: number, count: number): void {
    this.chunk++;
    this.strings.reset();
    for (let i = 0; i < count; i++) {
      const code = this.codes[rows[from + i]];
      if (this.pinnedIn[code] === -1 || this.pinnedIn[code] === this.chunk) continue;
      this.pinnedIn[code] = this.chunk;
      const text = this.texts[code]!;
      this.strings.put(code, PaddedBytes.of(text), 0, text.length);
    }
    this.strings.pinLong(vector);
  }

  private markNulls(vector: Vector, rows: Uint32Array, from: number, count: number): void {
    this.validity.reset();
    for (let i = 0; i < count; i++) {
      if (this.dictionary[this.codes[rows[from + i]]] !== null) continue;
      this.validity.setNull(i);
      this.nullCount++;
    }
    this.validity.copyTo(vector);
  }

  facts(): ColumnFacts {
    let range: { min: string; max: string } | null = null;
    for (let code = 0; code < this.used.length; code++) {
      const text = this.dictionary[code];
      if (this.used[code] === 0 || text === null) continue;
      range ??= { min: text, max: text };
      if (compareCodePoints(text, range.min) < 0) range.min = text;
      if (compareCodePoints(text, range.max) > 0) range.max = text;
    }
    return { nullCount: this.nullCount, range };
  }
}

const decoder = new TextDecoder();

/** A string or binary that each row has for itself; an empty one is null where the field is optional. */
class BytesWriter implements ColumnWriter {
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
    return { nullCount: this.nullCount, range: { min: this.value(minStart, minEnd), max: this.value(maxStart, maxEnd) } };
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
function compareRanges({ bytes, view }: PaddedBytes, aStart: number, aEnd: number, bStart: number, bEnd: number): number {
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
