import type { Vector } from '@duckdb/node-bindings';
import { compareCodePoints } from '../format/single-value.ts';
import type { ColumnFacts, ColumnWriter } from './column-writer.ts';
import type { DictionaryCodes } from './table-rows.ts';
import {
  CHUNK_ROWS,
  copyWords,
  INLINE_BYTES_MAX,
  PaddedBytes,
  STRING_WORDS,
  StringStaging,
  ValidityMask,
} from './vector-data.ts';

const encoder = new TextEncoder();

/** Strings of which many rows share each. */
export class DictionaryWriter implements ColumnWriter {
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
