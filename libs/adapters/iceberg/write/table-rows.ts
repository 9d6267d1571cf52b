import { int64At, int64Words, isSafeAt, type Column, type DictionaryValue } from '@k2/domain/market';
import { PaddedBytes } from './vector-data.ts';
import type { WriteJob } from './write-job.ts';

/** A column over all batches of a job. Dictionaries of the batches are one. */
export type TableColumn =
  | { readonly kind: 'integer'; readonly values: Float64Array }
  /** Int64, and decimals as scaled ones, as words: see `int64Words`. */
  | { readonly kind: 'int64'; readonly words: Int32Array }
  | { readonly kind: 'dictionary'; readonly codes: DictionaryCodes; readonly dictionary: readonly DictionaryValue[] }
  | { readonly kind: 'bytes'; readonly offsets: Uint32Array; readonly bytes: PaddedBytes };

/** As narrow as the dictionary allows: rows are fetched in sort order, so that every byte less is fewer cache misses. */
export type DictionaryCodes = Uint16Array | Uint32Array;

export interface TableRows {
  readonly rowCount: number;
  readonly columns: readonly TableColumn[];
}

/** The rows of all batches, one after the other. */
export function tableRows({ batches, fields }: Pick<WriteJob, 'batches' | 'fields'>): TableRows {
  const rowCount = batches.reduce((sum, batch) => sum + batch.rowCount, 0);
  return {
    rowCount,
    columns: fields.map((_, position) =>
      concatenated(
        batches.map((batch) => batch.columns[position]),
        rowCount,
      ),
    ),
  };
}

function concatenated(parts: readonly Column[], rowCount: number): TableColumn {
  const kind = parts[0].kind;
  switch (kind) {
    case 'integer':
      return { kind, values: joinedIntegers(ofKind(parts, kind), rowCount) };
    case 'int64':
    case 'decimal':
      return { kind: 'int64', words: joinedWords(ofKind(parts, kind), rowCount) };
    case 'dictionary':
      return joinedDictionaries(ofKind(parts, kind), rowCount);
    case 'utf8':
    case 'binary':
      return joinedBytes(ofKind(parts, kind), rowCount);
  }
}

type ColumnOf<Kind extends Column['kind']> = Extract<Column, { readonly kind: Kind }>;

function ofKind<Kind extends Column['kind']>(parts: readonly Column[], _: Kind): readonly ColumnOf<Kind>[] {
  return parts as readonly ColumnOf<Kind>[];
}

function joinedIntegers(parts: readonly ColumnOf<'integer'>[], rowCount: number): Float64Array {
  if (parts.length === 1) return parts[0].values;
  const values = new Float64Array(rowCount);
  let at = 0;
  for (const part of parts) {
    values.set(part.values, at);
    at += part.values.length;
  }
  return values;
}

function joinedWords(parts: readonly ColumnOf<'int64' | 'decimal'>[], rowCount: number): Int32Array {
  if (parts.length === 1) return int64Words(parts[0].values);
  const words = new Int32Array(2 * rowCount);
  let at = 0;
  for (const part of parts) {
    words.set(int64Words(part.values), at);
    at += 2 * part.values.length;
  }
  return words;
}

function joinedDictionaries(parts: readonly ColumnOf<'dictionary'>[], rowCount: number): TableColumn {
  const dictionary: DictionaryValue[] = [];
  const known = new Map<string | null, number>();
  const joinedCodes = parts.map((part) =>
    Uint32Array.from(part.dictionary, (value) => {
      const key = dictionaryKey(value);
      const code = known.get(key);
      if (code !== undefined) return code;
      known.set(key, dictionary.length);
      return dictionary.push(value) - 1;
    }),
  );
  const codes = dictionary.length <= 65_536 ? new Uint16Array(rowCount) : new Uint32Array(rowCount);
  let start = 0;
  parts.forEach((part, index) => {
    const joined = joinedCodes[index];
    const end = start + part.codes.length;
    // A batch comes from one topic, which is of one venue: most of its columns have one value.
    if (joined.every((code) => code === joined[0])) codes.fill(joined[0], start, end);
    else for (let row = 0; row < part.codes.length; row++) codes[start + row] = joined[part.codes[row]];
    start = end;
  });
  return { kind: 'dictionary', codes, dictionary };
}

/** Equal for equal values of one column. */
function dictionaryKey(value: DictionaryValue): string | null {
  return value === null || typeof value === 'string' ? value : JSON.stringify(value);
}

function joinedBytes(parts: readonly ColumnOf<'utf8' | 'binary'>[], rowCount: number): TableColumn {
  const byteCount = parts.reduce((sum, { values }) => sum + values.offsets.at(-1)! - values.offsets[0], 0);
  const offsets = new Uint32Array(rowCount + 1);
  const bytes = new PaddedBytes(byteCount);
  let row = 0;
  let end = 0;
  for (const { values } of parts) {
    const first = values.offsets[0];
    bytes.bytes.set(values.bytes.subarray(first, values.offsets.at(-1)), end);
    for (let i = 1; i < values.offsets.length; i++) offsets[++row] = end + values.offsets[i] - first;
    end = offsets[row];
  }
  return { kind: 'bytes', offsets, bytes };
}

/** A value, whatever its magnitude. */
export function bigintAt(words: Int32Array, row: number): bigint {
  if (isSafeAt(words, row)) return BigInt(int64At(words, row));
  return (BigInt(words[2 * row + 1]) << 32n) | BigInt(words[2 * row] >>> 0);
}
