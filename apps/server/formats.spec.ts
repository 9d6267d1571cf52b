import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { tableFromIPC } from 'apache-arrow';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openPlatform, readSettings, type OpenPlatform } from '@k2/composition';
import { createApp } from './app.ts';

let data: string;
let open: OpenPlatform;
let app: NestFastifyApplication;

beforeAll(async () => {
  data = await mkdtemp(join(tmpdir(), 'k2-formats-'));
  const settings = readSettings({ data, feeds: 'none', logLevel: 'error' }, {});
  open = await openPlatform(settings, { access: 'write' });
  const { platform, random, scratchDirectory, createFeed, runWithCorrelationId } = open;
  app = await createApp({
    platform,
    settings,
    random,
    scratchDirectory,
    createFeed,
    runWithCorrelationId,
    metrics: () => open.metrics(),
    isStopping: () => false,
  });
}, 30_000);
afterAll(async () => {
  await app.close();
  await open.close();
  await rm(data, { recursive: true, force: true });
});

const ask = (sql: string, format: string) =>
  app.inject({ method: 'POST', url: `/v1/query?format=${format}`, payload: { sql: `SELECT ${sql} AS v` } });

const EPOCH_9999_US = 253_402_300_799_999_999n;

/** SQL; its value in JSON, in CSV, in Arrow. */
const EXTREMES: readonly (readonly [sql: string, json: unknown, csv: string, arrow: unknown])[] = [
  ['9223372036854775807::BIGINT', '9223372036854775807', '9223372036854775807', 2n ** 63n - 1n],
  ['(-9223372036854775808)::BIGINT', '-9223372036854775808', '-9223372036854775808', -(2n ** 63n)],
  ['9007199254740991::BIGINT', 9_007_199_254_740_991, '9007199254740991', 9_007_199_254_740_991n],
  ['9007199254740993::BIGINT', '9007199254740993', '9007199254740993', 9_007_199_254_740_993n],
  ['9999999999.99999999::DECIMAL(18,8)', '9999999999.99999999', '9999999999.99999999', 999_999_999_999_999_999n],
  ['-0.00000001::DECIMAL(18,8)', '-0.00000001', '-0.00000001', -1n],
  [`${'9'.repeat(38)}::DECIMAL(38,0)`, '9'.repeat(38), '9'.repeat(38), 10n ** 38n - 1n],
  [`-${'9'.repeat(38)}::DECIMAL(38,0)`, `-${'9'.repeat(38)}`, `-${'9'.repeat(38)}`, -(10n ** 38n) + 1n],
  ["'inf'::DOUBLE", 'Infinity', 'Infinity', Infinity],
  ["'-inf'::DOUBLE", '-Infinity', '-Infinity', -Infinity],
  ["'nan'::DOUBLE", 'NaN', 'NaN', NaN],
  ["'-0'::DOUBLE", -0, '-0', -0],
  ['5e-324::DOUBLE', 5e-324, '5e-324', 5e-324],
  ['1.7976931348623157e308::DOUBLE', 1.7976931348623157e308, '1.7976931348623157e+308', 1.7976931348623157e308],
  ["DATE '0001-01-01'", '0001-01-01', '0001-01-01', '0001-01-01'],
  ["DATE '9999-12-31'", '9999-12-31', '9999-12-31', '9999-12-31'],
  ["TIMESTAMP '1969-12-31 23:59:59.999999'", '1969-12-31T23:59:59.999999Z', '1969-12-31T23:59:59.999999Z', -1n],
  [
    "TIMESTAMP '9999-12-31 23:59:59.999999'",
    '9999-12-31T23:59:59.999999Z',
    '9999-12-31T23:59:59.999999Z',
    EPOCH_9999_US,
  ],
  ["TIMESTAMP '0001-01-01'", '0001-01-01T00:00:00.000Z', '0001-01-01T00:00:00.000Z', -62_135_596_800_000_000n],
  ["'infinity'::TIMESTAMP", 'infinity', 'infinity', 2n ** 63n - 1n],
  ["'-infinity'::TIMESTAMP", '-infinity', '-infinity', -(2n ** 63n) + 1n],
  ["'a' || chr(0) || 'b'", 'a\0b', 'a\0b', 'a\0b'],
  ["'\"' || chr(13) || chr(10) || ',' || chr(9)", '"\r\n,\t', '"""\r\n,\t"', '"\r\n,\t'],
  ["''", '', '""', ''],
  // Of one column: an empty line would be skipped by readers.
  ["'NULL'", 'NULL', '"NULL"', 'NULL'],
  ["'\u{1f600}é\u2028'", '\u{1f600}é\u2028', '\u{1f600}é\u2028', '\u{1f600}é\u2028'],
  ["'\\x00\\xFF'::BLOB", 'AP8=', 'AP8=', Uint8Array.of(0, 255)],
  ['true', true, 'true', true],
  ['NULL::VARCHAR', null, 'NULL', null],
  ['NULL::INTEGER[]', null, 'NULL', null],
  ["['x', NULL, '']", ['x', null, ''], '"[""x"",null,""""]"', ['x', null, '']],
  ["MAP {'n': NULL, 'e': ''}", { n: null, e: '' }, '"{""n"":null,""e"":""""}"', expect.anything()],
  ["{'n': NULL::VARCHAR, 'e': ''}", { n: null, e: '' }, '"{""n"":null,""e"":""""}"', '{"n":null,"e":""}'],
  ["DATE 'infinity'", 'infinity', 'infinity', 'infinity'],
  ["[DATE '-infinity']", ['-infinity'], '"[""-infinity""]"', '["-infinity"]'],
  ["TIMESTAMP_S '-infinity'", '-infinity', '-infinity', -(2n ** 63n) + 1n],
  ["TIMESTAMP_MS 'infinity'", 'infinity', 'infinity', 2n ** 63n - 1n],
  ["TIMESTAMP_NS 'infinity'", 'infinity', 'infinity', 'infinity'],
  ["[TIMESTAMP_MS '-infinity']", ['-infinity'], '"[""-infinity""]"', '["-infinity"]'],
  ['18446744073709551615::UBIGINT', '18446744073709551615', '18446744073709551615', 2n ** 64n - 1n],
  ['7::UBIGINT', 7, '7', 7n],
  ['(-7)::HUGEINT', -7, '-7', -7n],
  [`${2n ** 127n - 1n}::HUGEINT`, `${2n ** 127n - 1n}`, `${2n ** 127n - 1n}`, 2n ** 127n - 1n],
  [`(${1n - 2n ** 127n})::HUGEINT`, `${1n - 2n ** 127n}`, `${1n - 2n ** 127n}`, 1n - 2n ** 127n],
  ['1e3', 1_000, '1000', 1_000],
  ['1e0::DECIMAL(18,8)', '1', '1', 100_000_000n],
  [`0.${'9'.repeat(38)}::DECIMAL(38,38)`, `0.${'9'.repeat(38)}`, `0.${'9'.repeat(38)}`, 10n ** 38n - 1n],
  ["['a,b', 'c\"']", ['a,b', 'c"'], '"[""a,b"",""c\\""""]"', ['a,b', 'c"']],
  ["MAP {'__proto__': 'x', 'é': ','}", expect.anything(), '"{""__proto__"":""x"",""é"":"",""}"', expect.anything()],
];

/** An Arrow value as what it stands for: times and decimals as the integers that are stored. */
function arrowValue(payload: Uint8Array): unknown {
  const vector = tableFromIPC(payload).getChildAt(0)!;
  const [{ values }] = vector.data;
  if (String(vector.type).startsWith('Timestamp')) return (values as BigInt64Array)[0];
  if (String(vector.type).startsWith('Decimal')) {
    const words = [...(values as Uint32Array)];
    return BigInt.asIntN(
      32 * words.length,
      words.reduceRight((sum, word) => (sum << 32n) | BigInt(word), 0n),
    );
  }
  const value: unknown = vector.get(0);
  return typeof value === 'object' && value !== null && 'toArray' in value
    ? [...(value as { toArray(): Iterable<unknown> }).toArray()]
    : value;
}

describe('a value is the same in every format', () => {
  it.each(EXTREMES)(
    '%s',
    async (sql, json, csv, arrow) => {
      expect((await ask(sql, 'json')).json().data).toEqual([{ v: json }]);
      expect(JSON.parse((await ask(sql, 'ndjson')).body)).toEqual({ v: json });
      expect((await ask(sql, 'csv')).body).toBe(`v\r\n${csv}\r\n`);
      expect(arrowValue((await ask(sql, 'arrow')).rawPayload)).toEqual(arrow);
      // Parquet has no integers of 128 bits: those are decimals of 38 digits, or refused; so is an infinite second.
      const isIn = !/\d{39}\)?::HUGEINT|^TIMESTAMP_S/.test(sql);
      const { statusCode, rawPayload } = await ask(sql, 'parquet');
      expect([statusCode, rawPayload.toString('latin1', 0, 4)]).toEqual(isIn ? [200, 'PAR1'] : [400, '{"ty']);
    },
    30_000,
  );

  it('also where integers beyond 64 bits come only in a later batch', async () => {
    const largest = 2n ** 128n - 1n;
    const sql = `CASE WHEN r < 60000 THEN 1::UHUGEINT ELSE ${largest}::UHUGEINT END`;
    const { statusCode, rawPayload } = await app.inject({
      method: 'POST',
      url: '/v1/query?format=arrow',
      payload: { sql: `SELECT ${sql} AS v FROM range(60001) t(r) ORDER BY r` },
    });
    const values = tableFromIPC(rawPayload)
      .getChildAt(0)!
      .data.map((data) => data.values as Uint32Array);
    expect([statusCode, values[0].slice(0, 8), values[values.length - 1].slice(-8)]).toEqual([
      200,
      Uint32Array.of(1, 0, 0, 0, 0, 0, 0, 0),
      Uint32Array.of(2 ** 32 - 1, 2 ** 32 - 1, 2 ** 32 - 1, 2 ** 32 - 1, 0, 0, 0, 0),
    ]);
  });
});
