import { afterAll, beforeAll, describe, expect } from '@jest/globals';
import { DuckDBInstance } from '@duckdb/node-api';
import { tableFromIPC, type Table } from 'apache-arrow';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { scenario, scratchDirectory, withLogs } from './scenario.ts';
import { ServerUnderTest, type TickPage } from './server-under-test.ts';

/** The values of one row as text; decimals without trailing zeros, times as ISO 8601. */
type TextRow = Readonly<Record<string, string>>;

const FIELDS = ['message_id', 'timestamp', 'price', 'quantity', 'side', 'source_sequence'];
const QUESTION = new URLSearchParams({ exchange: 'SIMC', fields: FIELDS.join(','), limit: '1500' });

describe('the same question in every format', () => {
  let server: ServerUnderTest;
  let expected: readonly TextRow[];
  beforeAll(
    withLogs(async () => {
      server = await ServerUnderTest.start({
        feed: 'simulator:ticks=20000,rate=max,start=2026-01-05T14:30:00.000001Z,session=formats',
      });
      await server.drained();
      const page = await server.json<TickPage>(`/v1/trades?${QUESTION}`);
      expected = page.data.map((row) => textRow((field) => String(row[field])));
      expect(expected.length).toBeGreaterThan(500);
    }),
    60_000,
  );
  afterAll(async () => {
    await server.stop();
  }, 30_000);

  async function bytesOf(format: string, contentType: string): Promise<Buffer> {
    const response = await server.get(`/v1/trades?${QUESTION}&format=${format}`);
    expect([response.status, response.headers.get('content-type')]).toEqual([200, contentType]);
    expect(JSON.parse(response.headers.get('k2-completeness')!)).toEqual({ status: 'complete' });
    return Buffer.from(await response.arrayBuffer());
  }

  scenario('JSON has exact decimals with the digits of the venue', async () => {
    for (const { price, quantity } of expected) {
      for (const decimal of [price, quantity]) expect(decimal).toMatch(/^(?:0|[1-9]\d*)(?:\.\d*[1-9])?$/);
    }
    expect(new Set(expected.map(({ message_id }) => message_id)).size).toBe(expected.length);
  });

  scenario('NDJSON holds the same rows', async () => {
    const text = (await bytesOf('ndjson', 'application/x-ndjson; charset=utf-8')).toString();
    const rows = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(rows.map((row) => textRow((field) => String(row[field])))).toEqual(expected);
  });

  scenario('CSV holds the same rows', async () => {
    const text = (await bytesOf('csv', 'text/csv; charset=utf-8; header=present')).toString();
    const [header, ...lines] = text.trimEnd().split(/\r?\n/);
    expect(header).toBe(FIELDS.join(','));
    const rows = lines.map((line) => line.split(','));
    expect(rows.map((row) => textRow((field) => row[FIELDS.indexOf(field)]))).toEqual(expected);
  });

  scenario('Arrow holds the same rows', async () => {
    const table = tableFromIPC(await bytesOf('arrow', 'application/vnd.apache.arrow.stream'));
    expect(table.schema.fields.map(({ name }) => name)).toEqual(FIELDS);
    expect(arrowRows(table)).toEqual(expected);
  });

  scenario('Parquet holds the same rows', async () => {
    const path = join(scratchDirectory(), 'trades.parquet');
    writeFileSync(path, await bytesOf('parquet', 'application/vnd.apache.parquet'));
    const instance = await DuckDBInstance.create();
    const connection = await instance.connect();
    const sql = `SELECT * REPLACE (epoch_us("timestamp") AS "timestamp", price::VARCHAR AS price, quantity::VARCHAR AS quantity)
      FROM read_parquet('${path}')`;
    const rows = (await connection.runAndReadAll(sql)).getRowObjects();
    connection.closeSync();
    instance.closeSync();
    expect(Object.keys(rows[0])).toEqual(FIELDS);
    const printed = rows.map((row) =>
      textRow((field) => {
        const text = String(row[field]);
        if (field === 'timestamp') return isoOf(BigInt(text));
        return isDecimal(field) ? withoutZeros(text) : text;
      }),
    );
    expect(printed).toEqual(expected);
  });

  scenario('SQL in Arrow and in JSON agree on wide sums', async () => {
    const sql =
      'SELECT exchange, sum(price * quantity) AS turnover, count(*) AS n FROM trades GROUP BY ALL ORDER BY ALL';
    const json = await server.sql(sql);
    const response = await server.post('/v1/query?format=arrow', { sql });
    const table = tableFromIPC(Buffer.from(await response.arrayBuffer()));
    const { scale } = table.schema.fields[1].type as { readonly scale: number };
    expect(Array.from({ length: table.numRows }, (_, row) => printScaled(table, 'turnover', row, scale))).toEqual(
      json.map(({ turnover }) => turnover),
    );
  });
});

function textRow(textOf: (field: string) => string): TextRow {
  return Object.fromEntries(FIELDS.map((field) => [field, textOf(field)]));
}

function arrowRows(table: Table): readonly TextRow[] {
  const scaleOf = (field: string) =>
    (table.schema.fields.find(({ name }) => name === field)!.type as { readonly scale: number }).scale;
  return Array.from({ length: table.numRows }, (_, row) =>
    textRow((field) => {
      if (isDecimal(field)) return printScaled(table, field, row, scaleOf(field));
      if (field === 'timestamp') return isoOf(microsAt(table, row));
      return String(table.getChild(field)!.get(row));
    }),
  );
}

/** The library hands times out as ms, so the raw µs are read. */
function microsAt(table: Table, row: number): bigint {
  let first = 0;
  for (const { values, length } of table.getChild('timestamp')!.data) {
    if (row < first + length) return (values as BigInt64Array)[row - first];
    first += length;
  }
  throw new Error(`the table has no row ${row}`);
}

function printScaled(table: Table, field: string, row: number, scale: number): string {
  const words = table.getChild(field)!.get(row) as Uint32Array;
  const unsigned = words.reduceRight((wide, word) => (wide << 32n) | BigInt(word), 0n);
  const digits = String(BigInt.asIntN(128, unsigned)).padStart(scale + 1, '0');
  return withoutZeros(`${digits.slice(0, -scale)}.${digits.slice(-scale)}`);
}

function isDecimal(field: string): boolean {
  return field === 'price' || field === 'quantity';
}

function withoutZeros(decimal: string): string {
  return decimal.replace(/\.?0+$/, '');
}

/** To the millisecond where that is all there is, as the API prints it. */
function isoOf(timeUs: bigint): string {
  const millis = new Date(Number(timeUs / 1_000n)).toISOString();
  const micros = timeUs % 1_000n;
  return micros === 0n ? millis : millis.replace('Z', `${String(micros).padStart(3, '0')}Z`);
}
