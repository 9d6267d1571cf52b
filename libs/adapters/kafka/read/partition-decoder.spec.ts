import { beforeEach, describe, expect, it } from '@jest/globals';
import { BLOCK_SCHEMA, encodeBlock, TRADE_TICK_SCHEMA, withWirePrefix } from '@k2/domain/wire';
import type { TradeBatch } from '@k2/domain/market';
import type { LogRecord } from '@k2/ports';
import { tradeBatch } from '@k2/testing/builders';
import { piecesOf } from '../append/pieces.ts';
import { BATCH, recordBatches, type RecordBatch } from '../protocol/record-batch.ts';
import { RecordsWriter } from '../protocol/record-batch-builder.ts';
import { PartitionDecoder } from './partition-decoder.ts';
import { SchemaTable } from './schema-table.ts';

const BLOCK_ID = 11;
const TRADE_ID = 12;
const OTHER_ID = 13;
const SCHEMAS = new Map([
  [BLOCK_ID, JSON.stringify(BLOCK_SCHEMA)],
  [TRADE_ID, JSON.stringify(TRADE_TICK_SCHEMA)],
  [OTHER_ID, '{"type":"record","name":"Order","fields":[{"name":"id","type":"long"}]}'],
]);

const trades = (firstSequence: number, count: number) =>
  tradeBatch({ series: { symbol: 'BHP' }, firstSequence, count }) as TradeBatch;

/** Values of the rows in tick framing. */
function tickValues(firstSequence: number, count: number): Uint8Array[] {
  const [piece] = piecesOf({ kind: 'ticks', batch: trades(firstSequence, count) }, 'tick', TRADE_ID, Infinity);
  const values: Uint8Array[] = [];
  piece.writeTo({
    add: (_: unknown, from: Uint8Array, start: number, end: number) => values.push(from.slice(start, end)),
  } as never);
  return values;
}

const blockValue = (firstSequence: number, count: number) =>
  withWirePrefix(BLOCK_ID, encodeBlock({ kind: 'ticks', batch: trades(firstSequence, count) }));

/** Null is a record without a value. */
function batchAt(baseOffset: number, values: readonly (Uint8Array | null)[], timestampMs = 1_000): RecordBatch {
  const writer = new RecordsWriter(64);
  for (const value of values) writer.add(null, value ?? new Uint8Array(), 0, value?.length ?? 0);
  const head = { producerId: 1n, producerEpoch: 0, baseSequence: 0, timestampMs };
  const bytes = Buffer.from(writer.finish('none', writer.content, head));
  bytes.writeBigInt64BE(BigInt(baseOffset), BATCH.baseOffset);
  return recordBatches(bytes)[0];
}

describe('PartitionDecoder', () => {
  let found: LogRecord[];
  let table: SchemaTable;
  beforeEach(() => {
    found = [];
    table = new SchemaTable(
      async (id) => SCHEMAS.get(id) ?? null,
      () => 0,
    );
  });

  const decoderFrom = (nextOffset: number) =>
    new PartitionDecoder({ topic: 't', partition: 0 }, nextOffset, table, (record) => found.push(record));

  async function decode(decoder: PartitionDecoder, ...batches: readonly RecordBatch[]): Promise<number[]> {
    const wanted: number[] = [];
    for (const batch of batches) {
      for (const schemaId of decoder.decode(batch)) {
        wanted.push(schemaId);
        await table.load(schemaId);
      }
    }
    decoder.flush();
    return wanted;
  }

  /** Offsets that each record accounts for, and what it is. */
  const tiles = () => found.map(({ offset, nextOffset, payload }) => [offset, nextOffset, payload.kind]);
  const details = () => found.flatMap(({ payload }) => (payload.kind === 'undecodable' ? [payload.detail] : []));

  it('makes one record of a run of ticks, also over several batches, with the offset of each row', async () => {
    const decoder = decoderFrom(100);
    const wanted = await decode(decoder, batchAt(100, tickValues(1, 3)), batchAt(103, tickValues(4, 2)));
    expect(wanted).toEqual([TRADE_ID]);
    expect(tiles()).toEqual([[100, 105, 'ticks']]);
    const [{ rowOffsets, payload, appendedUs }] = found;
    expect([...rowOffsets!]).toEqual([100, 101, 102, 103, 104]);
    expect(appendedUs).toBe(1_000_000);
    expect(payload).toMatchObject({ batch: { rowCount: 5, venueSequence: Float64Array.of(1, 2, 3, 4, 5) } });
  });

  it('records.no-timestamp: does not know when records were appended that have no time', async () => {
    const NO_TIMESTAMP = -1;
    const batches = [tickValues(1, 2), [blockValue(3, 1)], [null]].map((values, at) =>
      batchAt([100, 102, 103][at], values, NO_TIMESTAMP),
    );
    await decode(decoderFrom(100), ...batches);
    expect(found.map(({ payload, appendedUs }) => [payload.kind, appendedUs])).toEqual([
      ['ticks', null],
      ['ticks', null],
      ['undecodable', null],
    ]);
  });

  it('begins within a batch where the reader is', async () => {
    await decode(decoderFrom(102), batchAt(100, tickValues(1, 4)));
    expect(tiles()).toEqual([[102, 104, 'ticks']]);
    expect([...found[0].rowOffsets!]).toEqual([102, 103]);
  });

  it('hands on each poison record as its bytes, and the ticks around it', async () => {
    const [a, b, c, d, e, f, g] = tickValues(1, 7);
    const cut = b.slice(0, b.length - 4);
    const magic = Uint8Array.of(7, 0, 0, 0, 12, 1);
    const unknown = withWirePrefix(4711, Uint8Array.of(1, 2, 3));
    const foreign = withWirePrefix(OTHER_ID, Uint8Array.of(2));
    const short = Uint8Array.of(0, 0);
    await decode(decoderFrom(0), batchAt(0, [a, cut, c, magic, d, unknown, e, foreign, f, short, g]));
    expect(tiles().map(([, , kind]) => kind)).toEqual(
      Array.from({ length: 11 }, (_, i) => (i % 2 === 0 ? 'ticks' : 'undecodable')),
    );
    expect(found.map(({ offset, nextOffset }) => [offset, nextOffset])).toEqual(
      Array.from({ length: 11 }, (_, i) => [i, i + 1]),
    );
    expect(details()).toEqual([
      expect.stringMatching(/cut short|0 bytes left/),
      'the magic byte is 7: expected 0',
      'schema id 4711 is not in the registry',
      expect.stringContaining(`schema id ${OTHER_ID} is not for K2`),
      expect.stringContaining('shorter than 5 bytes'),
    ]);
    const raws = found.flatMap(({ payload }) => (payload.kind === 'undecodable' ? [[...payload.raw]] : []));
    expect(raws).toEqual([cut, magic, unknown, foreign, short].map((bytes) => [...bytes]));
  });

  it('reads blocks and ticks of one topic, each by its schema id', async () => {
    await decode(decoderFrom(0), batchAt(0, [blockValue(1, 3), ...tickValues(4, 2), blockValue(6, 1)]));
    expect(tiles()).toEqual([
      [0, 1, 'ticks'],
      [1, 3, 'ticks'],
      [3, 4, 'ticks'],
    ]);
    expect(found.map(({ rowOffsets }) => rowOffsets?.length ?? null)).toEqual([null, 2, null]);
  });

  it('accounts for offsets that no record is at: within, and at the end', async () => {
    const decoder = decoderFrom(0);
    await decode(decoder, batchAt(0, [blockValue(1, 1)]));
    decoder.skip(batchAt(1, [Uint8Array.of(1)]));
    await decode(decoder, batchAt(5, [blockValue(2, 1)]));
    decoder.skip(batchAt(6, [Uint8Array.of(1), Uint8Array.of(1)]));
    decoder.flush();
    expect(tiles()).toEqual([
      [0, 1, 'ticks'],
      [1, 6, 'ticks'],
      [6, 8, 'rejections'],
    ]);
    // A record that stands for offsets only was appended when they were: 0 would be a lag of half a century.
    expect(found.map(({ appendedUs }) => appendedUs)).toEqual([1_000_000, 1_000_000, 1_000_000]);
    expect(found[2]).toMatchObject({ payload: { rejections: [] }, sizeBytes: 0 });
  });

  it('takes a batch that is damaged for one undecodable record, and goes on behind it', async () => {
    const damaged = batchAt(0, tickValues(1, 4));
    damaged.bytes[BATCH.records + 30] ^= 1;
    await decode(decoderFrom(0), damaged, batchAt(4, tickValues(5, 1)));
    expect(tiles()).toEqual([
      [0, 4, 'undecodable'],
      [4, 5, 'ticks'],
    ]);
    expect(details()[0]).toContain('checksum');
  });

  it('cuts a run at 65,536 rows', async () => {
    const decoder = decoderFrom(0);
    const values = tickValues(1, 1_000);
    for (let i = 0; i < 66; i++) for (const id of decoder.decode(batchAt(i * 1_000, values))) await table.load(id);
    decoder.flush();
    expect(Math.max(...found.map(({ rowOffsets }) => rowOffsets!.length))).toBeLessThanOrEqual(65_536);
    expect(found.reduce((rows, { rowOffsets }) => rows + rowOffsets!.length, 0)).toBe(66_000);
    expect(found.map(({ offset }) => offset)).toEqual([0, ...found.slice(0, -1).map(({ nextOffset }) => nextOffset)]);
  });

  it('asks again for a schema that the table forgot in between, and takes nothing for undecodable', async () => {
    const decoder = decoderFrom(0);
    const decoding = decoder.decode(batchAt(0, tickValues(1, 2)));
    expect(decoding.next().value).toBe(TRADE_ID);
    expect(decoding.next().value).toBe(TRADE_ID);
    await table.load(TRADE_ID);
    expect(decoding.next().done).toBe(true);
    decoder.flush();
    expect(tiles()).toEqual([[0, 2, 'ticks']]);
  });
});
