import { describe, expect, it } from '@jest/globals';
import { arbitraryTickBatch, quoteBatch, series, tradeBatch } from '@k2/testing/builders';
import avro from 'avsc';
import fc from 'fast-check';
import { BATCH_ROWS_MAX, quoteAt, tradeAt, type TickBatch } from '../market/index.ts';
import {
  CodecError,
  encodeTicks,
  QUOTE_TICK_SCHEMA,
  TickDecoder,
  TRADE_TICK_SCHEMA,
  wirePrefix,
  wireSchemaId,
} from './index.ts';

const decoders = {
  trades: new TickDecoder(JSON.stringify(TRADE_TICK_SCHEMA)),
  quotes: new TickDecoder(JSON.stringify(QUOTE_TICK_SCHEMA)),
};

describe('tick framing', () => {
  it('gives back every tick exactly, whatever its values', () => {
    fc.assert(
      fc.property(arbitraryTickBatch(50), (batch) => {
        expect(ticksOf(decoded(batch))).toEqual(ticksOf(batch));
      }),
    );
  });

  it('gives back texts that begin with a byte order mark', () => {
    const batch = tradeBatch({ series: { symbol: '\uFEFFBHP' }, rows: [{ conditions: ['\uFEFF'] }] });
    const read = decoded(batch);
    expect(read.series[0].symbol).toBe('\uFEFFBHP');
    expect(read.recordType === 'trades' && read.conditions[0]).toEqual(['\uFEFF']);
  });

  it('writes the prefix before each row', () => {
    const batch = tradeBatch({ count: 3 });
    const { bytes, offsets } = encodeTicks(batch, wirePrefix(258));
    const bare = encodeTicks(batch);
    for (let row = 0; row < 3; row++) {
      const message = bytes.subarray(offsets[row], offsets[row + 1]);
      expect(wireSchemaId(message)).toBe(258);
      expect(message.subarray(5)).toEqual(bare.bytes.subarray(bare.offsets[row], bare.offsets[row + 1]));
    }
  });

  it('is Avro that another implementation reads by the published schema', () => {
    const trade = tradeBatch({ rows: [{ price: -128n, conditions: ['XT'], vendorData: { a: 'b' }, tradeId: null }] });
    expect(avroRecords(trade)).toEqual([
      {
        exchange: 'ASX',
        symbol: 'BHP',
        asset_class: 'equities',
        currency: 'AUD',
        session: '2014-03-10',
        sequence_origin: 'venue',
        first_sequence: 1n,
        source_sequence: 1n,
        timestamp: trade.eventTimeUs[0],
        ingestion_timestamp: trade.receiveTimeUs[0],
        price: Buffer.of(0x80),
        quantity: Buffer.from('02540be400', 'hex'),
        side: 'BUY',
        trade_id: null,
        trade_conditions: ['XT'],
        vendor_data: { a: 'b' },
      },
    ]);
    expect(avroRecords(quoteBatch({ count: 1 }))).toMatchObject([{ quote_id: 'q1', vendor_data: null }]);
  });

  it('is Avro whose every field another implementation reads back exactly', () => {
    fc.assert(
      fc.property(arbitraryTickBatch(5), (batch) => {
        const records = avroRecords(batch);
        const type = typeOf(schemaOf(batch));
        const decoder = decoders[batch.recordType];
        for (const record of records) decoder.append(type.toBuffer(record));
        expect(ticksOf(decoder.finish()!)).toEqual(ticksOf(batch));
      }),
    );
  });

  it('names each value of a dictionary once, and only those of its rows, batch after batch', () => {
    const shared = { venue: 'x' };
    const rows = ['BHP', 'CBA', 'BHP', 'BHP'].map((symbol) => ({
      series: series({ symbol }),
      vendorData: shared,
      conditions: ['A'],
    }));
    decoded(tradeBatch({ series: { symbol: 'TLS' }, count: 2 }));
    const first = decoded(tradeBatch({ rows }));
    const again = decoded(tradeBatch({ rows }));
    for (const batch of [first, again]) {
      expect(batch.series.map(({ symbol }) => symbol)).toEqual(['BHP', 'CBA']);
      expect([...batch.seriesCode]).toEqual([0, 1, 0, 0]);
      expect(batch.vendorData).toEqual([shared]);
      expect(batch.recordType === 'trades' && batch.conditions).toEqual([['A']]);
    }
    // The same object: what is known of a series by its object stays known.
    expect(again.series[0]).toBe(first.series[0]);
  });

  it('is full at its number of rows, and then takes no more', () => {
    const decoder = new TickDecoder(JSON.stringify(TRADE_TICK_SCHEMA), { rowsMax: 2 });
    const { bytes, offsets } = encodeTicks(tradeBatch({ count: 2 }));
    decoder.append(bytes, offsets[0], offsets[1]);
    expect(decoder.isFull).toBe(false);
    decoder.append(bytes, offsets[1], offsets[2]);
    expect(decoder.isFull).toBe(true);
    expect(() => decoder.append(bytes, offsets[0], offsets[1])).toThrow(RangeError);
    expect(decoder.finish()?.rowCount).toBe(2);
    expect(decoder.isFull).toBe(false);
    expect(decoder.finish()).toBeNull();
  });

  it.each([
    ['ids', (text: string) => ({ tradeId: text })],
    ['distinct vendor data', (text: string) => ({ vendorData: { note: text } })],
    ['distinct conditions', (text: string) => ({ conditions: [text] })],
    ['distinct symbols', (text: string) => ({ series: series({ symbol: text }) })],
  ])('is full early where %s are large', (_, changes) => {
    const decoder = new TickDecoder(JSON.stringify(TRADE_TICK_SCHEMA), { bytesMax: 10_000 });
    for (let batches = 0; batches < 3; batches++) {
      let rows = 0;
      for (; !decoder.isFull; rows++) {
        decoder.append(encodeTicks(tradeBatch({ rows: [changes(`${batches}.${rows}`.padEnd(1_000, 'x'))] })).bytes);
      }
      expect([9, 10, 11]).toContain(rows);
      expect(decoder.finish()!.rowCount).toBe(rows);
    }
  });

  it('codes as many distinct values as a batch has rows', () => {
    const { bytes } = encodeTicks(tradeBatch({ count: 1 }));
    const [head, tail] = splitAtSymbol(bytes);
    const decoder = decoders.trades;
    const record = Uint8Array.from([...head, 8, 0, 0, 0, 0, ...tail]);
    for (let row = 0; row < BATCH_ROWS_MAX; row++) {
      record.set(Buffer.from(row.toString(36).padStart(4, '0')), head.length + 1);
      decoder.append(record);
    }
    const batch = decoder.finish()!;
    expect(batch.series).toHaveLength(BATCH_ROWS_MAX);
    expect(batch.series[batch.seriesCode[BATCH_ROWS_MAX - 1]].symbol).toBe('1ekf');
    decoder.append(bytes);
    expect(decoder.finish()!.series).toEqual([series()]);
  });

  it('refuses a record cut short anywhere, or with bytes too many, and keeps the rows before it', () => {
    const batch = tradeBatch({
      rows: [{}, { conditions: ['A'], vendorData: { a: 'b' }, series: series({ symbol: 'X' }) }],
    });
    const { bytes, offsets } = encodeTicks(batch);
    const decoder = decoders.trades;
    decoder.append(bytes, 0, offsets[1]);
    for (let end = offsets[1]; end < offsets[2]; end++) {
      expect(() => decoder.append(bytes, offsets[1], end)).toThrow(CodecError);
      expect(() => decoder.append(bytes.slice(offsets[1], end))).toThrow(CodecError);
    }
    expect(() => decoder.append(bytes, 0, offsets[1] + 1)).toThrow(CodecError);
    decoder.append(bytes, 0, offsets[1]);
    const { series: named, ...read } = decoder.finish()!;
    expect(named).toEqual([series()]);
    expect(read).toMatchObject({ rowCount: 2, vendorData: [null], conditions: [[]] });
  });

  it('never hangs, crashes, invents rows or harms others on damaged bytes', () => {
    fc.assert(
      fc.property(arbitraryTickBatch(3), fc.nat(), fc.integer({ min: 1, max: 255 }), (batch, at, flip) => {
        const { bytes, offsets } = encodeTicks(batch);
        const damaged = bytes.slice(0, offsets[1]);
        damaged[at % damaged.length] ^= flip;
        const decoder = decoders[batch.recordType];
        let taken = 1;
        try {
          decoder.append(damaged);
        } catch (error) {
          expect(error).toBeInstanceOf(CodecError);
          taken = 0;
        }
        for (let row = 0; row < batch.rowCount; row++) decoder.append(bytes, offsets[row], offsets[row + 1]);
        expect(ticksOf(decoder.finish()!).slice(taken)).toEqual(ticksOf(batch));
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ['an asset class that is none', { asset_class: 'shares' }, 'asset_class is "shares"'],
    ['a sequence origin that is none', { sequence_origin: 'us' }, 'sequence_origin is "us"'],
    ['a side that is none', { side: 'BUYER' }, 'side is "BUYER": expected one of UNKNOWN, BUY, SELL'],
    ['a decimal of no bytes', { price: Buffer.of() }, 'has no bytes'],
    ['a decimal of 19 digits', { price: decimalBytes(10n ** 18n) }, 'has more than 18 digits'],
    ['a negative decimal of 19 digits', { price: decimalBytes(-(10n ** 18n)) }, 'has more than 18 digits'],
    ['a decimal of many bytes', { quantity: Buffer.alloc(40, 1) }, 'has more than 18 digits'],
  ])('refuses %s', (_, changes, message) => {
    const [record] = avroRecords(tradeBatch({ count: 1 }));
    const bytes = typeOf(TRADE_TICK_SCHEMA).toBuffer({ ...record, ...changes });
    expect(() => decoders.trades.append(bytes)).toThrow(message);
    expect(decoders.trades.finish()).toBeNull();
  });

  it('takes decimals with more bytes than they need', () => {
    const [record] = avroRecords(tradeBatch({ count: 1 }));
    const type = typeOf(TRADE_TICK_SCHEMA);
    const price = Buffer.concat([Buffer.alloc(12, 255), Buffer.of(0x80)]);
    const quantity = Buffer.concat([Buffer.alloc(12), Buffer.of(0x80)]);
    decoders.trades.append(type.toBuffer({ ...record, price, quantity }));
    expect(decoders.trades.finish()).toMatchObject({
      price: BigInt64Array.of(-128n),
      quantity: BigInt64Array.of(128n),
    });
  });

  it('refuses an id or a text that is not UTF-8', () => {
    const { bytes } = encodeTicks(tradeBatch({ rows: [{ tradeId: 'ID', series: series({ symbol: 'SYM' }) }] }));
    for (const text of ['ID', 'SYM']) {
      const damaged = bytes.slice();
      damaged[Buffer.from(damaged).indexOf(text)] = 0xff;
      expect(() => decoders.trades.append(damaged)).toThrow('is not UTF-8');
    }
  });
});

function decoded(batch: TickBatch): TickBatch {
  const { bytes, offsets } = encodeTicks(batch, Uint8Array.of(9, 9));
  const decoder = decoders[batch.recordType];
  for (let row = 0; row < batch.rowCount; row++) decoder.append(bytes, offsets[row] + 2, offsets[row + 1]);
  return decoder.finish()!;
}

const schemaOf = ({ recordType }: TickBatch) => (recordType === 'trades' ? TRADE_TICK_SCHEMA : QUOTE_TICK_SCHEMA);

/** Longs as bigint: as numbers avsc takes none beyond 2^53 - 2. */
const long = avro.types.LongType.__with({
  fromBuffer: (buffer: Buffer) => buffer.readBigInt64LE(),
  toBuffer: (value: bigint) => Buffer.from(BigInt64Array.of(value).buffer),
  fromJSON: BigInt,
  toJSON: Number,
  isValid: (value: unknown) => typeof value === 'bigint',
  compare: (a: bigint, b: bigint) => Number(a - b),
});
const typeOf = (schema: unknown) => avro.Type.forSchema(schema as avro.Schema, { registry: { long } });

function avroRecords(batch: TickBatch): Record<string, unknown>[] {
  const type = typeOf(schemaOf(batch));
  const { bytes, offsets } = encodeTicks(batch);
  return Array.from({ length: batch.rowCount }, (_, row) => ({
    ...type.fromBuffer(Buffer.from(bytes.subarray(offsets[row], offsets[row + 1]))),
  }));
}

function decimalBytes(value: bigint): Buffer {
  return Buffer.from(BigInt.asUintN(72, value).toString(16).padStart(18, '0'), 'hex');
}

/** Without the symbol, which is BHP. */
function splitAtSymbol(bytes: Uint8Array): [Uint8Array, Uint8Array] {
  const at = Buffer.from(bytes).indexOf('BHP') - 1;
  return [bytes.slice(0, at), bytes.slice(at + 4)];
}

function ticksOf(batch: TickBatch) {
  return Array.from({ length: batch.rowCount }, (_, row) => ({
    series: batch.series[batch.seriesCode[row]],
    tick: batch.recordType === 'trades' ? tradeAt(batch, row) : quoteAt(batch, row),
  }));
}
