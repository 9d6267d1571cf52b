import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { recordColumns, TRADES_SCHEMA, type PlacedBatch, type TradeBatch } from '@k2/domain/market';
import { placed, tradeBatch } from '@k2/testing/builders';
import { deserializeValue, type Value } from '../format/single-value.ts';
import type { PrimitiveType } from '../format/schema.ts';
import { ParquetWriter } from './parquet-writer.ts';
import type { WriteJob, WrittenFile } from './write-job.ts';

const DAY_US = 86_400_000_000;
const OPTIONS = { rowGroupRows: 2_048, zstdLevel: 1, duckdbThreads: 1 };
const LIMITS = { jobsMax: 2, jobTimeoutMs: 60_000, stopTimeoutMs: 30_000 };

describe('the Parquet writer', () => {
  let directory: string;
  let reader: DuckDBConnection;
  let writer: ParquetWriter;

  beforeAll(async () => {
    reader = await (await DuckDBInstance.create(':memory:')).connect();
  });
  afterAll(() => reader.closeSync());
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'k2-parquet-'));
    writer = new ParquetWriter(OPTIONS, LIMITS);
  });
  afterEach(async () => {
    await writer.close();
    await rm(directory, { recursive: true, force: true });
  });

  function job(batches: readonly PlacedBatch[], changes: Partial<WriteJob> = {}): WriteJob {
    const positionOf = (name: string) => TRADES_SCHEMA.fields.findIndex((field) => field.name === name);
    return {
      directory,
      fields: TRADES_SCHEMA.fields.map((field) => ({ ...field, nestedId: field.nestedId ?? null })),
      partitionBy: TRADES_SCHEMA.partitionBy.map(({ field, transform }) => ({
        position: positionOf(field),
        transform,
      })),
      sortBy: TRADES_SCHEMA.sortBy.map(positionOf),
      batches: batches.map((batch) => ({
        rowCount: batch.batch.rowCount,
        columns: recordColumns(batch).columns.map(({ column }) => column),
      })),
      fileBytesTarget: 2 ** 27,
      ...changes,
    };
  }

  async function query(sql: string, files: readonly WrittenFile[]) {
    const paths = files.map(({ path }) => `'${path}'`).join(', ');
    return (await reader.runAndReadAll(sql.replace('FILES', `[${paths}]`))).getRowsJson();
  }

  function bound(bounds: ReadonlyMap<number, Uint8Array>, name: string, type: PrimitiveType): Value {
    return deserializeValue(type, bounds.get(TRADES_SCHEMA.fields.find((field) => field.name === name)!.id)!);
  }

  /** Prices that fall, then rise: neither end of a column's range is in the first or last row group. */
  function manyTrades(count: number): TradeBatch {
    const rows = Array.from({ length: count }, (_, row) => ({
      price: BigInt(Math.abs(row - Math.floor(count / 3)) - 700) * 10n ** 9n,
    }));
    return tradeBatch({ rows });
  }

  it('store.unwritable-rows: tells rows that can never be written from a disk that fails', async () => {
    const notUtf8 = { offsets: Uint32Array.of(0, 20), bytes: new Uint8Array(20).fill(0xff) };
    const poison = { ...tradeBatch({ count: 1 }), tradeId: notUtf8 };
    await expect(writer.write(job([placed(poison)]))).rejects.toMatchObject({
      kind: 'unwritable-rows',
      retryable: false,
    });
    const nowhere = job([placed(tradeBatch())], { directory: join(directory, 'gone') });
    const error: unknown = await writer.write(nowhere).catch((failure: unknown) => failure);
    expect(error).toBeInstanceOf(Error);
    expect(error).not.toHaveProperty('kind');
    expect(await writer.write(job([placed(tradeBatch())]))).toHaveLength(1);
  });

  it('states bounds over all row groups of a file, and where each starts', async () => {
    const [file, ...others] = await writer.write(job([placed(manyTrades(10_000))]));
    expect(others).toEqual([]);
    const [[groups, min, max]] = (await query(
      `SELECT (SELECT count(DISTINCT row_group_id) FROM parquet_metadata(FILES)), min(price), max(price) FROM read_parquet(FILES)`.replace(
        'FILES',
        `'${file!.path}'`,
      ),
      [file!],
    )) as [[string, string, string]];
    expect(file!.splitOffsets).toHaveLength(Number(groups));
    expect(file!.splitOffsets.length).toBeGreaterThan(2);
    expect(file!.splitOffsets[0]).toBe(4);
    expect(file!.splitOffsets).toEqual(file!.splitOffsets.toSorted((a, b) => a - b));
    const scaled = (text: string) => BigInt(text.replace('.', ''));
    expect([
      bound(file!.lowerBounds, 'price', 'decimal(18, 8)'),
      bound(file!.upperBounds, 'price', 'decimal(18, 8)'),
    ]).toEqual([scaled(min), scaled(max)]);
  });

  /** Waits until so many files have been begun there. */
  async function filesBegun(where: string, count: number): Promise<void> {
    while ((await readdir(where)).length < count) await setTimeout(1);
  }

  it('sorts each partition by symbol, time and sequence, whatever order rows come in', async () => {
    const days = [1, 0].map((day) => {
      const rows = Array.from({ length: 40 }, (_, row) => ({
        eventTimeUs: day * DAY_US + ((row * 17) % 23) * 1_000_000,
        venueSequence: (row * 29) % 41,
        series: {
          ...tradeBatch().series[0],
          symbol: ['ZZZ', 'AAA', '\uFFFD', '\u{1F600}'][row % 4],
          exchange: ['X', 'Y'][row % 2],
        },
      }));
      return placed(tradeBatch({ rows }), day);
    });
    const files = await writer.write(job(days));
    expect(files.map((file) => file.partition).sort()).toEqual([
      [0, 'X'],
      [0, 'Y'],
      [1, 'X'],
      [1, 'Y'],
    ]);
    const order = 'symbol, timestamp, source_sequence';
    for (const file of files) {
      const stored = await query(`SELECT ${order} FROM read_parquet(FILES)`, [file]);
      expect(stored).toHaveLength(20);
      expect(stored).toEqual(await query(`SELECT ${order} FROM read_parquet(FILES) ORDER BY ${order}`, [file]));
    }
  });

  it('splits files beyond the target size and loses no row between them', async () => {
    const files = await writer.write(job([placed(manyTrades(10_000))], { fileBytesTarget: 40_000 }));
    expect(files.length).toBeGreaterThan(1);
    expect(await query('SELECT count(DISTINCT source_sequence) FROM read_parquet(FILES)', files)).toEqual([['10000']]);
  });

  it('writes equal lists, maps and long strings once a chunk and reads them back row by row', async () => {
    const conditions = [[], ['XT'], ['late', 'a condition of more than twelve bytes', '']];
    const vendorData = [null, { flags: 'a value of more than twelve bytes', ü: '' }, {}];
    const rows = Array.from({ length: 5_000 }, (_, row) => ({
      conditions: conditions[row % 3],
      vendorData: vendorData[(row >> 2) % 3],
      tradeId: row % 5 === 0 ? null : row % 2 === 0 ? `short-${row}` : `a trade id of more than twelve bytes ${row} ü`,
    }));
    const files = await writer.write(
      job([
        placed(tradeBatch({ rows: rows.slice(0, 3_000) })),
        placed(tradeBatch({ rows: rows.slice(3_000), firstSequence: 3_001 }), 1),
      ]),
    );
    const stored = await query(
      'SELECT trade_conditions, vendor_data, trade_id FROM read_parquet(FILES) ORDER BY source_sequence',
      files,
    );
    const entries = (map: Readonly<Record<string, string>> | null) =>
      map && Object.entries(map).map(([key, value]) => ({ key, value }));
    expect(stored).toEqual(rows.map((row) => [row.conditions, entries(row.vendorData), row.tradeId]));
    expect(files[0].nullValueCounts.get(1)).toBe(1_000);
  });

  it('carries field ids, also of list elements, map keys and map values', async () => {
    const files = await writer.write(job([placed(tradeBatch())]));
    const ids = await query(
      'SELECT DISTINCT field_id FROM parquet_schema(FILES) WHERE field_id IS NOT NULL ORDER BY field_id',
      files,
    );
    expect(ids.flat().map(Number)).toEqual(Array.from({ length: 18 }, (_, index) => index + 1));
    // Sizes of every leaf, those of lists and maps under the ids of their members.
    expect([...files[0].columnSizes.keys()].sort((a, b) => a - b)).toEqual([
      1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 16, 17, 18,
    ]);
  });

  it('takes the memory of the columns over', async () => {
    const batch = placed(tradeBatch());
    await writer.write(job([batch]));
    expect(batch.platformSequence).toHaveLength(0);
  });

  it('leaves memory alone that others see too: columns that are views of one buffer', async () => {
    const batch = placed(tradeBatch());
    const shared = new Float64Array(6);
    shared.set(batch.batch.eventTimeUs);
    const eventTimeUs = shared.subarray(0, 3);
    const files = await writer.write(job([{ ...batch, batch: { ...batch.batch, eventTimeUs } }]));
    expect(shared).toHaveLength(6);
    expect(await query('SELECT count(DISTINCT timestamp) FROM read_parquet(FILES)', files)).toEqual([['3']]);
  });

  it('reports a job that fails and goes on with the next', async () => {
    await expect(writer.write(job([placed(tradeBatch())], { directory: '/nowhere/at/all' }))).rejects.toThrow(
      '/nowhere/at/all',
    );
    await expect(writer.write(job([placed(tradeBatch())]))).resolves.toHaveLength(1);
  });

  it('gives a job up after its time, and its thread with it, and goes on with the next', async () => {
    const hasty = new ParquetWriter(OPTIONS, { ...LIMITS, jobTimeoutMs: 1 });
    await expect(hasty.write(job([placed(tradeBatch())]))).rejects.toThrow('longer than 1 ms');
    await expect(hasty.write(job([placed(tradeBatch())]))).rejects.toThrow('longer than 1 ms');
    await hasty.close();
  });

  it('ends a thread that is stopped in the middle of a large write, many times, and nothing is written afterwards', async () => {
    const large = manyTrades(60_000);
    const copy = () => ({ ...placed(large), batch: structuredClone(large) });
    for (let round = 0; round < 8; round++) {
      const hasty = new ParquetWriter({ ...OPTIONS, duckdbThreads: 2 }, { ...LIMITS, jobsMax: 4 });
      const own = await mkdtemp(join(directory, 'stage-'));
      const small = job([copy()], { directory: own, fileBytesTarget: 30_000 });
      const outcomes = Promise.allSettled([
        hasty.write(small).finally(() => rm(own, { recursive: true })),
        hasty.write(job([copy()])),
      ]);
      // At another point of the write each time: before DuckDB is open, while rows are sorted, while files are written.
      await filesBegun(own, round % 4);
      await hasty.close();
      expect((await outcomes).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
      expect(await readdir(directory, { recursive: true })).not.toContain(basename(own));
    }
  });

  it('fails what runs and what waits when it is closed; nobody waits for ever', async () => {
    const jobs = [1, 2, 3, 4].map((n) => writer.write(job([placed(tradeBatch(), n)])));
    const outcomes = Promise.allSettled(jobs);
    await writer.close();
    expect((await outcomes).map((outcome) => outcome.status)).toEqual(['rejected', 'rejected', 'rejected', 'rejected']);
  });
});
