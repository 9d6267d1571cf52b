import duckdb, { type Vector } from '@duckdb/node-bindings';
import type { DictionaryValue } from '@k2/domain/market';
import type { ColumnFacts, ColumnWriter } from './column-writer.ts';
import type { DictionaryCodes } from './table-rows.ts';
import { CHUNK_ROWS, copyWords, STRING_WORDS, PaddedBytes, StringStaging, ValidityMask } from './vector-data.ts';

const encoder = new TextEncoder();
/** A `duckdb_list_entry` (duckdb.h): offset and length in the child vector, 64 bits each. */
const ENTRY_WORDS = 4;

/**
 * Lists of strings and string maps, which are lists of (key, value). The child vectors of a chunk hold each list that
 * occurs in it once; rows of equal lists point at the same entries.
 */
export class ListWriter implements ColumnWriter {
  private readonly codes: DictionaryCodes;
  /** Per code, the list's members, each a string or key and value; null for a null. */
  private readonly lists: readonly (readonly (readonly Uint8Array[])[] | null)[];
  private readonly isMap: boolean;
  private readonly entries = new Uint32Array(ENTRY_WORDS * CHUNK_ROWS);
  private readonly validity = new ValidityMask();
  /** First entry in the child vectors, by code, and the number of the chunk for which it holds. */
  private readonly starts: Uint32Array;
  private readonly placedIn: Uint32Array;
  private readonly lengths: Uint32Array;
  private readonly hasNull: boolean;
  private chunk = 0;
  private nullCount = 0;

  constructor(codes: DictionaryCodes, dictionary: readonly DictionaryValue[], isMap: boolean) {
    this.codes = codes;
    this.isMap = isMap;
    this.lists = dictionary.map(members);
    this.starts = new Uint32Array(dictionary.length);
    this.placedIn = new Uint32Array(dictionary.length);
    this.lengths = Uint32Array.from(this.lists, (list) => list?.length ?? 0);
    this.hasNull = this.lists.includes(null);
  }

  begin(): void {
    this.nullCount = 0;
  }

  fill(vector: Vector, rows: Uint32Array, from: number, count: number): void {
    const { codes, entries, lengths, placedIn, starts } = this;
    const chunk = ++this.chunk;
    const placed: (readonly Uint8Array[])[] = [];
    for (let i = 0, to = 0; i < count; i++, to += ENTRY_WORDS) {
      const code = codes[rows[from + i]];
      if (placedIn[code] !== chunk) {
        placedIn[code] = chunk;
        starts[code] = placed.length;
        placed.push(...(this.lists[code] ?? []));
      }
      entries[to] = starts[code];
      entries[to + 2] = lengths[code];
    }
    this.fillChildren(vector, placed);
    copyWords(vector, entries, ENTRY_WORDS * count);
    if (this.hasNull) this.markNulls(vector, rows, from, count);
  }

  private markNulls(vector: Vector, rows: Uint32Array, from: number, count: number): void {
    this.validity.reset();
    for (let i = 0; i < count; i++) {
      if (this.lists[this.codes[rows[from + i]]] !== null) continue;
      this.validity.setNull(i);
      this.nullCount++;
    }
    this.validity.copyTo(vector);
  }

  private fillChildren(vector: Vector, placed: readonly (readonly Uint8Array[])[]): void {
    duckdb.list_vector_reserve(vector, placed.length);
    duckdb.list_vector_set_size(vector, placed.length);
    if (placed.length === 0) return;
    const child = duckdb.list_vector_get_child(vector);
    if (!this.isMap)
      return fillStrings(
        child,
        placed.map(([element]) => element!),
      );
    fillStrings(
      duckdb.struct_vector_get_child(child, 0),
      placed.map(([key]) => key!),
    );
    fillStrings(
      duckdb.struct_vector_get_child(child, 1),
      placed.map(([, value]) => value!),
    );
  }

  facts(): ColumnFacts {
    return { nullCount: this.nullCount, range: null };
  }
}

function members(value: DictionaryValue): readonly (readonly Uint8Array[])[] | null {
  if (value === null) return null;
  if (typeof value === 'string') throw new RangeError(`${JSON.stringify(value)} is neither a list nor a map`);
  const rows: readonly (readonly string[])[] = Array.isArray(value)
    ? value.map((element) => [element])
    : Object.entries(value);
  return rows.map((row) => row.map((text) => encoder.encode(text)));
}

function fillStrings(vector: Vector, texts: readonly Uint8Array[]): void {
  const strings = new StringStaging(texts.length);
  texts.forEach((text, index) => strings.put(index, PaddedBytes.of(text), 0, text.length));
  strings.pinLong(vector);
  copyWords(vector, strings.words, STRING_WORDS * texts.length);
}
