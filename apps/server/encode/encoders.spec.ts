import { describe, expect, it } from '@jest/globals';
import { tableFromIPC, type Vector } from 'apache-arrow';
import fc from 'fast-check';
import { printDecimal, printTimeUs, type DictionaryValue } from '@k2/domain/market';
import type { AnswerBatch, AnswerBatches, AnswerColumn, AnswerValues } from '@k2/ports';
import { answerRow, type AnswerRow } from '@k2/usecases';
import { encodeArrow } from './arrow.ts';
import { encodeCsv } from './csv.ts';
import { jsonArray } from './json.ts';
import { encodeNdjson } from './ndjson.ts';
import { decimalText, printScaled, timeText } from './value-text.ts';

const COLUMNS: readonly AnswerColumn[] = [
  { name: 'whole', type: 'integer' },
  { name: 'large', type: 'integer' },
  { name: 'time', type: 'timestamp' },
  { name: 'price', type: 'decimal', scale: 8 },
  { name: 'coarse', type: 'decimal', scale: 2 },
  { name: 'ratio', type: 'double' },
  { name: 'flag', type: 'boolean' },
  { name: 'text', type: 'string' },
  { name: 'code', type: 'string' },
  { name: 'raw', type: 'binary' },
  { name: 'conditions', type: 'string-list' },
  { name: 'vendor "data"', type: 'string-map' },
];

const int63 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const timeUs = fc.integer({ min: -62_135_596_800_000_000, max: 9_000_000_000_000_000 });
const text = fc.oneof(
  fc.string({ unit: 'binary' }).map((one) => one.toWellFormed()),
  fc.constantFrom('', 'a,b', '"', 'a\r\nb', 'é', '𝄞'),
);
const dictionaryValue = {
  list: fc.array(text, { maxLength: 3 }),
  map: fc.option(
    fc.dictionary(
      text.filter((key) => key !== '__proto__'),
      text,
      { maxKeys: 3 },
    ),
  ),
};

const row = fc.record({
  whole: fc.maxSafeInteger(),
  large: int63,
  time: timeUs,
  price: int63,
  coarse: int63,
  ratio: fc.double(),
  flag: fc.boolean(),
  text,
  code: text,
  raw: fc.uint8Array({ maxLength: 5 }),
  conditions: dictionaryValue.list,
  map: dictionaryValue.map,
  nulls: fc.array(fc.boolean(), { minLength: COLUMNS.length, maxLength: COLUMNS.length }),
});
type Row = typeof row extends fc.Arbitrary<infer One> ? One : never;

function batchOf(rows: readonly Row[]): AnswerBatch {
  const numbers = (of: (one: Row) => number) => Float64Array.from(rows, of);
  const bigints = (of: (one: Row) => bigint) => BigInt64Array.from(rows, of);
  const dictionary = (of: (one: Row) => DictionaryValue): AnswerValues => ({
    kind: 'dictionary',
    codes: Uint16Array.from(rows.keys()),
    dictionary: rows.map(of),
  });
  const bytes = (of: (one: Row) => Uint8Array) => {
    const offsets = new Uint32Array(rows.length + 1);
    rows.forEach((one, at) => (offsets[at + 1] = offsets[at] + of(one).length));
    return { offsets, bytes: Buffer.concat(rows.map(of)) };
  };
  const columns: AnswerValues[] = [
    { kind: 'integer', values: numbers((one) => one.whole) },
    { kind: 'int64', values: bigints((one) => one.large) },
    { kind: 'integer', values: numbers((one) => one.time) },
    { kind: 'decimal', values: bigints((one) => one.price) },
    { kind: 'decimal', values: bigints((one) => one.coarse) },
    { kind: 'double', values: numbers((one) => one.ratio) },
    { kind: 'boolean', values: Uint8Array.from(rows, (one) => Number(one.flag)) },
    { kind: 'utf8', values: bytes((one) => Buffer.from(one.text)) },
    dictionary((one) => one.code),
    { kind: 'binary', values: bytes((one) => one.raw) },
    dictionary((one) => one.conditions),
    dictionary((one) => one.map),
  ];
  const nulls = COLUMNS.map((_, at) => (at % 4 === 3 ? null : Uint8Array.from(rows, (one) => Number(one.nulls[at]))));
  return { rowCount: rows.length, columns, nulls };
}

const batches = fc.array(fc.array(row, { maxLength: 6 }), { maxLength: 3 }).map((all) => all.map(batchOf));

const answerOf = (all: readonly AnswerBatch[]): AnswerBatches => ({
  columns: COLUMNS,
  batches: (async function* () {
    yield* all;
  })(),
});
const rowsOf = (all: readonly AnswerBatch[]) =>
  all.flatMap((batch) => Array.from({ length: batch.rowCount }, (_, at) => answerRow(COLUMNS, batch, at)));

async function textOf(chunks: AsyncIterable<string>): Promise<string> {
  let all = '';
  for await (const chunk of chunks) all += chunk;
  return all;
}

/** A row as its JSON says it, written plainly. */
function jsonRow(values: AnswerRow): object {
  return Object.fromEntries(COLUMNS.map(({ name, type }) => [name, jsonValue(values[name], type)]));
}

function jsonValue(value: AnswerRow[string], type: AnswerColumn['type']): unknown {
  if (value === null) return null;
  if (type === 'timestamp') return printTimeUs(value as number);
  if (type === 'double') return Number.isFinite(value as number) ? value : String(value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (typeof value === 'bigint')
    return Number.isSafeInteger(Number(value)) && BigInt(Number(value)) === value ? Number(value) : String(value);
  return Object.is(value, -0) ? 0 : value;
}

describe('every value comes back as it went', () => {
  it('through NDJSON and JSON', async () => {
    await fc.assert(
      fc.asyncProperty(batches, async (all) => {
        const expected = rowsOf(all).map(jsonRow);
        const lines = (await textOf(encodeNdjson(answerOf(all)))).split('\n');
        expect(lines.pop()).toBe('');
        expect(lines.map((line) => JSON.parse(line))).toEqual(expected);
        expect(JSON.parse(jsonArray(COLUMNS, all, Infinity))).toEqual(expected);
        expect(JSON.parse(jsonArray(COLUMNS, all, 3))).toEqual(expected.slice(0, 3));
      }),
    );
  });

  it('through CSV, null and the empty string apart', async () => {
    await fc.assert(
      fc.asyncProperty(batches, async (all) => {
        const [header, ...lines] = parseCsv(await textOf(encodeCsv(answerOf(all))));
        expect(header).toEqual(COLUMNS.map(({ name }) => name));
        expect(lines).toEqual(
          rowsOf(all).map((values) => COLUMNS.map(({ name, type }) => csvText(values[name], type))),
        );
      }),
    );
  });

  it('through Arrow, exactly', async () => {
    await fc.assert(
      fc.asyncProperty(batches, async (all) => {
        const chunks: Uint8Array[] = [];
        for await (const chunk of encodeArrow(answerOf(all), 18)) chunks.push(chunk);
        const table = tableFromIPC(Buffer.concat(chunks));
        expect(table.schema.fields.map(({ type }) => String(type))).toEqual([
          'Int64',
          'Int64',
          'Timestamp<MICROSECOND, UTC>',
          'Decimal[18e+8]',
          'Decimal[18e+2]',
          'Float64',
          'Bool',
          'Utf8',
          'Utf8',
          'Binary',
          'List<Utf8>',
          'Map<{key:Utf8, value:Utf8}>',
        ]);
        const decoded = table.batches.flatMap((batch) =>
          Array.from({ length: batch.numRows }, (_, at) =>
            Object.fromEntries(
              COLUMNS.map((column, child) => [column.name, arrowValue(batch.getChildAt(child)!, at, column)]),
            ),
          ),
        );
        expect(decoded).toEqual(rowsOf(all).map(arrowRow));
      }),
    );
  });
});

describe('numbers beyond 64 bits', () => {
  const digits = '170141183460469231731687303715884105727';
  const offsets = Uint32Array.of(0, 1, 1 + digits.length);
  const batch: AnswerBatch = {
    rowCount: 2,
    columns: [{ kind: 'utf8', values: { offsets, bytes: Buffer.from(`7${digits}`) } }],
    nulls: [null],
  };
  const wide = (type: 'integer' | 'decimal', range?: AnswerColumn['range']): AnswerBatches => ({
    columns: [{ name: 'n', type, scale: 0, ...(range !== undefined && { range }) }],
    batches: (async function* () {
      yield batch;
    })(),
  });

  it('are strings in JSON, and exact decimals in Arrow', async () => {
    expect(await textOf(encodeNdjson(wide('integer')))).toBe(`{"n":7}\n{"n":"${digits}"}\n`);
    const chunks: Uint8Array[] = [];
    for await (const chunk of encodeArrow(wide('decimal'))) chunks.push(chunk);
    const column = tableFromIPC(Buffer.concat(chunks)).getChildAt(0)!;
    expect([signed128(column.get(0)), signed128(column.get(1))]).toEqual([7n, BigInt(digits)]);
  });

  it('are exact integers of Arrow, if the column says that it may hold such', async () => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of encodeArrow(wide('integer', 'wide'))) chunks.push(chunk);
    const column = tableFromIPC(Buffer.concat(chunks)).getChildAt(0)!;
    expect(String(column.type)).toBe('Decimal[39e0]');
    expect([signed128(column.get(0)), signed128(column.get(1))]).toEqual([7n, BigInt(digits)]);
    const undeclared = textOf(encodeArrow(wide('integer')) as AsyncIterable<never>);
    await expect(undeclared).rejects.toThrow('column n holds integers beyond 64 bits, and is declared without them');
  });
});

describe('a CSV of one column', () => {
  const one = (dictionary: readonly (string | null)[]): AnswerBatches => ({
    columns: [{ name: 'c', type: 'string' }],
    batches: (async function* () {
      yield {
        rowCount: dictionary.length,
        columns: [{ kind: 'dictionary' as const, codes: Uint8Array.from(dictionary.keys()), dictionary }],
        nulls: [null],
      };
    })(),
  });

  it('has no empty line, and tells null, the empty string and the word NULL apart', async () => {
    expect(await textOf(encodeCsv(one([null, '', 'NULL', 'null'])))).toBe('c\r\nNULL\r\n""\r\n"NULL"\r\nnull\r\n');
  });
});

describe('quick texts say what the plain ones say', () => {
  it('times, as printTimeUs', () => {
    fc.assert(
      fc.property(fc.array(timeUs), (times) =>
        expect(times.map((_, at) => timeText(times)(at))).toEqual(times.map(printTimeUs)),
      ),
    );
  });

  it('neighbouring times, where the second or the day is kept', () => {
    const step = fc.oneof(
      fc.integer({ min: -2_000_000, max: 2_000_000 }),
      fc.integer({ min: -200_000_000_000, max: 200_000_000_000 }),
    );
    const neighbours = fc.tuple(timeUs, fc.array(step)).map(([start, steps]) => steps.map((step) => start + step));
    fc.assert(
      fc.property(neighbours, (times) => {
        const at = timeText(times);
        expect(times.map((_, row) => at(row))).toEqual(times.map(printTimeUs));
      }),
    );
  });

  it('decimals, as printDecimal and at every scale', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(int63, fc.bigInt({ min: -(10n ** 12n), max: 10n ** 12n }))),
        fc.integer({ min: 0, max: 18 }),
        (scaled, scale) => {
          const values = BigInt64Array.from(scaled);
          expect(scaled.map((_, at) => decimalText(values, 8)(at))).toEqual(scaled.map(printDecimal));
          expect(scaled.map((_, at) => decimalText(values, scale)(at))).toEqual(
            scaled.map((one) => printScaled(one, scale)),
          );
        },
      ),
    );
  });
});

function csvText(value: AnswerRow[string], type: AnswerColumn['type']): string | null {
  if (value === null) return null;
  if (type === 'timestamp') return printTimeUs(value as number);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (Object.is(value, -0)) return '-0';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** RFC 4180; null is an empty field without quotes. */
function parseCsv(all: string): (string | null)[][] {
  const lines: (string | null)[][] = [];
  let line: (string | null)[] = [];
  for (let at = 0; at < all.length;) {
    const quoted = all[at] === '"';
    const field = quoted ? /"((?:[^"]|"")*)"/y : /([^,\r\n]*)/y;
    field.lastIndex = at;
    const [whole, inner] = field.exec(all)!;
    at += whole.length;
    line.push(quoted ? inner.replaceAll('""', '"') : inner === '' ? null : inner);
    if (all[at] === ',') at++;
    else {
      expect(all.slice(at, at + 2)).toBe('\r\n');
      at += 2;
      lines.push(line);
      line = [];
    }
  }
  return lines;
}

function arrowRow(values: AnswerRow): object {
  return Object.fromEntries(COLUMNS.map(({ name, type }) => [name, plainValue(values[name], type)]));
}

function plainValue(value: AnswerRow[string], type: AnswerColumn['type']): unknown {
  if (value instanceof Uint8Array) return [...value];
  if (type === 'integer' || type === 'timestamp') return value === null ? null : BigInt(value as number);
  return value;
}

/** The accessor makes milliseconds of timestamps; their column holds them exactly. */
function arrowValue(column: Vector, row: number, { type, scale }: AnswerColumn): unknown {
  const value: unknown = column.get(row);
  if (value === null) return null;
  if (type === 'timestamp') return (column.data[0].values as BigInt64Array)[row];
  if (type === 'decimal') return printScaled(signed128(value as Uint32Array), scale ?? 8);
  if (type === 'binary') return [...(value as Uint8Array)];
  if (type === 'string-list') return [...(value as Iterable<string>)];
  if (type === 'string-map') return Object.fromEntries(value as Iterable<[string, string]>);
  return value;
}

function signed128(words: Uint32Array): bigint {
  const unsigned = words.reduceRight((sum, word) => (sum << 32n) | BigInt(word), 0n);
  return BigInt.asIntN(128, unsigned);
}
