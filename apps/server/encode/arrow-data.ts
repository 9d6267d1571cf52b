import { makeData, Struct, Utf8, type Data, type DataType, type Field, type List, type Map_ } from 'apache-arrow';
import { int64From, int64Words, type Utf8Column } from '@k2/domain/market';
import type { AnswerColumn, AnswerDictionaryValue, AnswerValues } from '@k2/ports';
import { utf8Text } from './value-text.ts';

type Nulls = Uint8Array | null;

/** A column's values as Arrow buffers. Values are moved by column; only dictionaries are looked at one by one. */
export function arrowData(
  type: DataType,
  column: AnswerColumn,
  values: AnswerValues,
  nulls: Nulls,
  rowCount: number,
): Data {
  switch (values.kind) {
    case 'integer':
      return integers(type, column, int64From(values.values.subarray(0, rowCount)), nulls, rowCount);
    case 'int64':
      return integers(type, column, values.values.subarray(0, rowCount), nulls, rowCount);
    case 'double':
      return plain(type, values.values.subarray(0, rowCount), nulls, rowCount);
    case 'decimal':
      return plain(type, wideDecimals(values.values, rowCount, 4), nulls, rowCount);
    case 'boolean':
      return plain(type, bits(values.values, rowCount), nulls, rowCount);
    case 'utf8':
      if (column.type === 'decimal')
        return plain(type, printedDecimals(values.values, column.scale ?? 8, rowCount, 4), nulls, rowCount);
      if (column.type === 'integer') return printedIntegers(type, column, values.values, nulls, rowCount);
      return varying(type, values.values, nulls, rowCount);
    case 'binary':
      return varying(type, values.values, nulls, rowCount);
    case 'dictionary':
      return dictionaryData(type, column, values.codes, values.dictionary, nulls, rowCount);
  }
}

function plain(type: DataType, data: unknown, nulls: Nulls, length: number): Data {
  return makeData({ type, length, data, ...validity(nulls, length) } as Parameters<typeof makeData>[0]);
}

function varying(type: DataType, { offsets, bytes }: Utf8Column, nulls: Nulls, length: number): Data {
  // Arrow's offsets are signed; a batch's bytes stay far below 2^31.
  const valueOffsets = Int32Array.from(offsets.subarray(0, length + 1));
  return makeData({ type: type as Utf8, length, valueOffsets, data: bytes, ...validity(nulls, length) });
}

/** Integers within int64, in the type that the column has. */
function integers(
  type: DataType,
  { range }: AnswerColumn,
  values: BigInt64Array,
  nulls: Nulls,
  rowCount: number,
): Data {
  if (range === 'wide') return plain(type, wideDecimals(values, rowCount, 8), nulls, rowCount);
  const data = range === 'uint64' ? new BigUint64Array(values.buffer, values.byteOffset, rowCount) : values;
  return plain(type, data, nulls, rowCount);
}

/** Integers of which some are beyond int64, by their text. */
function printedIntegers(
  type: DataType,
  { name, range }: AnswerColumn,
  values: Utf8Column,
  nulls: Nulls,
  rowCount: number,
) {
  if (range === 'wide') return plain(type, printedDecimals(values, 0, rowCount, 8), nulls, rowCount);
  if (range === undefined)
    throw new Error(`column ${name} holds integers beyond 64 bits, and is declared without them`);
  const { at } = utf8Text(values, rowCount);
  return plain(
    type,
    BigUint64Array.from({ length: rowCount }, (_, row) => BigInt(at(row))),
    nulls,
    rowCount,
  );
}

/** Decimal128 and Decimal256: four or eight 32-bit words, the int64 sign-extended. */
function wideDecimals(values: BigInt64Array, rowCount: number, wordCount: 4 | 8): Uint32Array {
  const words = int64Words(values);
  const out = new Uint32Array(rowCount * wordCount);
  for (let row = 0; row < rowCount; row++) {
    const high = words[2 * row + 1];
    const start = wordCount * row;
    out[start] = words[2 * row];
    out[start + 1] = high;
    if (high < 0) out.fill(0xffffffff, start + 2, start + wordCount);
  }
  return out;
}

/** Decimals that int64 could not hold, by their text. */
function printedDecimals(values: Utf8Column, scale: number, rowCount: number, wordCount: 4 | 8): Uint32Array {
  const { at } = utf8Text(values, rowCount);
  const out = new Uint32Array(rowCount * wordCount);
  for (let row = 0; row < rowCount; row++) {
    const [whole, fraction = ''] = at(row).split('.');
    const scaled = BigInt(whole + fraction.padEnd(scale, '0'));
    for (let word = 0; word < wordCount; word++)
      out[wordCount * row + word] = Number(BigInt.asUintN(32, scaled >> BigInt(32 * word)));
  }
  return out;
}

function dictionaryData(
  type: DataType,
  column: AnswerColumn,
  codes: Uint16Array | Uint8Array,
  dictionary: readonly AnswerDictionaryValue[],
  nulls: Nulls,
  rowCount: number,
): Data {
  const absent = withNullEntries(codes, dictionary, nulls, rowCount);
  const rows = { codes, absent, rowCount };
  if (column.type === 'string-list') {
    const lists = dictionary.map((value) => (Array.isArray(value) ? (value as readonly (string | null)[]) : []));
    const { offsets, child, nulls: itemNulls } = nested(rows, lists);
    const item = (type as List<Utf8>).children[0] as Field<Utf8>;
    const strings = varying(item.type, child, itemNulls, child.offsets.length - 1);
    return makeData({
      type: type as List,
      length: rowCount,
      valueOffsets: offsets,
      child: strings,
      ...validity(absent, rowCount),
    });
  }
  if (column.type === 'string-map') {
    const entries = dictionary.map((value) => Object.entries(isMap(value) ? value : {}));
    const keys = nested(
      rows,
      entries.map((pairs) => pairs.map(([key]) => key)),
    );
    const values = nested(
      rows,
      entries.map((pairs) => pairs.map(([, value]) => value)),
    );
    const length = keys.child.offsets.length - 1;
    const struct = (type as Map_<Utf8, Utf8>).children[0].type;
    const children = [
      varying(new Utf8(), keys.child, null, length),
      varying(new Utf8(), values.child, values.nulls, length),
    ];
    const child = makeData({ type: new Struct(struct.children), length, nullCount: 0, children });
    return makeData({
      type: type as Map_,
      length: rowCount,
      valueOffsets: keys.offsets,
      child,
      ...validity(absent, rowCount),
    } as Parameters<typeof makeData>[0]);
  }
  const texts = dictionary.map((value) =>
    value === null ? '' : typeof value === 'string' ? value : JSON.stringify(value),
  );
  return varying(type, spread(rows, texts), absent, rowCount);
}

interface DictionaryRows {
  readonly codes: Uint16Array | Uint8Array;
  readonly absent: Nulls;
  readonly rowCount: number;
}

/** Each row's text, written out. */
function spread({ codes, rowCount }: DictionaryRows, texts: readonly string[]): Utf8Column {
  const encoded = texts.map((text) => Buffer.from(text));
  const offsets = new Uint32Array(rowCount + 1);
  for (let row = 0; row < rowCount; row++) offsets[row + 1] = offsets[row] + encoded[codes[row]].length;
  const bytes = new Uint8Array(offsets[rowCount]);
  for (let row = 0; row < rowCount; row++) bytes.set(encoded[codes[row]], offsets[row]);
  return { offsets, bytes };
}

/** Each row's list of texts: where it starts in the child column, and that column. */
function nested({ codes, absent, rowCount }: DictionaryRows, lists: readonly (readonly (string | null)[])[]) {
  const offsets = new Int32Array(rowCount + 1);
  const items: (string | null)[] = [];
  for (let row = 0; row < rowCount; row++) {
    if (absent?.[row] !== 1) items.push(...lists[codes[row]]);
    offsets[row + 1] = items.length;
  }
  const nulls = items.includes(null) ? Uint8Array.from(items, (item) => (item === null ? 1 : 0)) : null;
  return { offsets, child: columnOf(items.map((item) => item ?? '')), nulls };
}

function columnOf(items: readonly string[]): Utf8Column {
  const offsets = new Uint32Array(items.length + 1);
  items.forEach((item, at) => (offsets[at + 1] = offsets[at] + Buffer.byteLength(item)));
  const bytes = Buffer.allocUnsafe(offsets[items.length]);
  items.forEach((item, at) => bytes.write(item, offsets[at]));
  return { offsets, bytes };
}

/** A dictionary's null entry makes its rows null, too. */
function withNullEntries(
  codes: Uint16Array | Uint8Array,
  dictionary: readonly AnswerDictionaryValue[],
  nulls: Nulls,
  rowCount: number,
): Nulls {
  if (!dictionary.includes(null)) return nulls;
  const absent = new Uint8Array(rowCount);
  for (let row = 0; row < rowCount; row++) {
    absent[row] = nulls?.[row] === 1 || dictionary[codes[row]] === null ? 1 : 0;
  }
  return absent;
}

function isMap(value: AnswerDictionaryValue): value is Readonly<Record<string, string | null>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function validity(nulls: Nulls, length: number): { readonly nullCount: number; readonly nullBitmap?: Uint8Array } {
  if (nulls === null) return { nullCount: 0 };
  const nullBitmap = new Uint8Array((length + 7) >> 3);
  let nullCount = 0;
  for (let row = 0; row < length; row++) {
    if (nulls[row] === 1) nullCount++;
    else nullBitmap[row >> 3] |= 1 << (row & 7);
  }
  return { nullCount, nullBitmap };
}

function bits(values: Uint8Array, length: number): Uint8Array {
  const out = new Uint8Array((length + 7) >> 3);
  for (let row = 0; row < length; row++) if (values[row] === 1) out[row >> 3] |= 1 << (row & 7);
  return out;
}
