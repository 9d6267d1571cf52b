import { describe, expect, it } from '@jest/globals';
import { series, tradeBatch } from '@k2/testing/builders';
import avro from 'avsc';
import fc from 'fast-check';
import { tradeAt, type TradeBatch } from '../market/index.ts';
import { CodecError, encodeTicks, QUOTE_TICK_SCHEMA, TickDecoder, TRADE_TICK_SCHEMA } from './index.ts';

type Field = { readonly name: string; readonly type: unknown; readonly default?: unknown };
const FIELDS: readonly Field[] = TRADE_TICK_SCHEMA.fields;
const OPTIONAL = FIELDS.filter((field) => 'default' in field).map(({ name }) => name);
const REQUIRED = FIELDS.map(({ name }) => name).filter((name) => !OPTIONAL.includes(name));

const schema = (fields: readonly Field[]) => ({ ...TRADE_TICK_SCHEMA, fields });
const without = (...names: string[]) => schema(FIELDS.filter(({ name }) => !names.includes(name)));
const retyped = (name: string, type: unknown) =>
  schema(FIELDS.map((field) => (field.name === name ? { name, type } : field)));
const decoderOf = (writer: unknown) => new TickDecoder(JSON.stringify(writer));
const avroType = (writer: unknown) => avro.Type.forSchema(writer as avro.Schema);

/** A trade with a value in every optional field. */
const FULL = tradeBatch({ rows: [{ tradeId: 'T1', conditions: ['XT', 'OD'], vendorData: { a: 'b' } }, {}] });

/** What another implementation writes by this schema, read by K2. */
function readBack(writer: unknown, records: readonly Record<string, unknown>[]): TradeBatch {
  const type = avroType(writer);
  const decoder = decoderOf(writer);
  for (const record of records) decoder.append(type.toBuffer(record));
  return decoder.finish() as TradeBatch;
}

function avroRecords(batch: TradeBatch): Record<string, unknown>[] {
  const type = avroType(TRADE_TICK_SCHEMA);
  const { bytes, offsets } = encodeTicks(batch);
  return Array.from({ length: batch.rowCount }, (_, row) => ({
    ...type.fromBuffer(Buffer.from(bytes.subarray(offsets[row], offsets[row + 1]))),
  }));
}

const rowsOf = (batch: TradeBatch) =>
  Array.from({ length: batch.rowCount }, (_, row) => ({
    series: batch.series[batch.seriesCode[row]],
    ...tradeAt(batch, row),
  }));

describe('a newer writer', () => {
  const money = {
    type: 'record',
    name: 'Money',
    fields: [
      { name: 'units', type: 'long' },
      { name: 'code', type: 'string' },
    ],
  };
  const list = {
    type: 'record',
    name: 'List',
    fields: [
      { name: 'value', type: 'int' },
      { name: 'next', type: ['null', 'List'] },
    ],
  };
  const added: readonly { readonly type: unknown; readonly value: unknown }[] = [
    { type: 'null', value: null },
    { type: 'boolean', value: true },
    { type: 'int', value: -70_000 },
    { type: 'long', value: 2 ** 50 },
    { type: 'float', value: 1.5 },
    { type: 'double', value: Math.PI },
    { type: 'bytes', value: Buffer.of(1, 2) },
    { type: 'string', value: 'x'.repeat(300) },
    { type: { type: 'enum', name: 'Phase', namespace: 'venue.asx', symbols: ['OPEN', 'CLOSED'] }, value: 'CLOSED' },
    { type: { type: 'fixed', name: 'Digest', size: 4 }, value: Buffer.from('abcd') },
    { type: money, value: { units: 5, code: 'AUD' } },
    {
      type: { type: 'array', items: 'k2.Money' },
      value: [
        { units: 1, code: 'A' },
        { units: 2, code: 'B' },
      ],
    },
    { type: { type: 'array', items: 'double' }, value: [1, 2, 3] },
    { type: { type: 'array', items: 'null' }, value: [null, null] },
    { type: { type: 'map', values: 'Digest' }, value: { a: Buffer.from('efgh') } },
    { type: { type: 'map', values: { type: 'array', items: 'string' } }, value: { a: ['b', 'c'], d: [] } },
    { type: ['null', 'string', 'k2.Digest'], value: 'text' },
    { type: ['string', 'null'], value: null },
    { type: list, value: { value: 1, next: { value: 2, next: null } } },
  ];

  it('adds an optional field of any type, anywhere: it is passed over', () => {
    const places = fc.array(fc.nat({ max: FIELDS.length }), { minLength: added.length, maxLength: added.length });
    const records = avroRecords(FULL).map((record) => ({
      ...record,
      ...Object.fromEntries(added.map(({ value }, i) => [`added_${i}`, value])),
    }));
    fc.assert(
      fc.property(places, (at) => {
        // A place each, rising, so that a named type stands before what refers to it.
        const rising = at.toSorted((a, b) => a - b);
        const fields = FIELDS.concat({ name: 'end', type: 'null' }).flatMap((field, index) => [
          ...added.flatMap(({ type }, i) => (rising[i] === index ? [{ name: `added_${i}`, type }] : [])),
          ...(field.name === 'end' ? [] : [field]),
        ]);
        expect(rowsOf(readBack(schema(fields), records))).toEqual(rowsOf(FULL));
      }),
    );
  });

  it('puts the fields in any other order', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray([...FIELDS], { minLength: FIELDS.length }), (fields) => {
        const batch = tradeBatch({ rows: ['BHP', 'CBA', 'BHP'].map((symbol) => ({ series: series({ symbol }) })) });
        const read = readBack(schema(fields), avroRecords(batch));
        expect(rowsOf(read)).toEqual(rowsOf(batch));
        expect(read.series).toHaveLength(2);
      }),
    );
  });

  it('leaves optional fields out, which then have their defaults', () => {
    fc.assert(
      fc.property(fc.subarray(OPTIONAL), (dropped) => {
        const read = rowsOf(readBack(without(...dropped), avroRecords(FULL)));
        const [row] = rowsOf(FULL);
        const has = (name: string) => !dropped.includes(name);
        expect(read).toHaveLength(2);
        expect(read[0]).toEqual({
          ...row,
          series: {
            ...row.series,
            session: has('session') ? '2014-03-10' : '',
            firstSequence: has('first_sequence') ? 1 : null,
          },
          aggressorSide: has('side') ? 'BUY' : 'UNKNOWN',
          tradeId: has('trade_id') ? 'T1' : null,
          conditions: has('trade_conditions') ? ['XT', 'OD'] : [],
          vendorData: has('vendor_data') ? { a: 'b' } : null,
        });
      }),
    );
  });

  it.each([
    ['an int where K2 has a long', 'source_sequence', 'int', 17, { venueSequence: 17 }],
    ['no union where K2 has one', 'trade_id', 'string', 'T9', { tradeId: 'T9' }],
    [
      'a map that is never null',
      'vendor_data',
      { type: 'map', values: 'string' },
      { c: 'd' },
      { vendorData: { c: 'd' } },
    ],
    ['a union with null last', 'trade_id', ['string', 'null'], null, { tradeId: null }],
    ['a union where K2 has none', 'source_sequence', ['null', 'int', 'long'], { long: 18 }, { venueSequence: 18 }],
    ['a union of one', 'side', ['string'], 'SELL', { aggressorSide: 'SELL' }],
    [
      'a list that may be null',
      'trade_conditions',
      ['null', { type: 'array', items: 'string' }],
      ['A'],
      { conditions: ['A'] },
    ],
    ['an empty id', 'trade_id', 'string', '', { tradeId: null }],
  ])('writes %s', (_, name, type, value, expected) => {
    const writer = retyped(name, type);
    const records = avroRecords(FULL).map((record) => ({ ...record, [name]: value }));
    expect(rowsOf(readBack(writer, records))[0]).toMatchObject(expected);
  });

  it('reads what K2 writes, with its own default in a field it has added', () => {
    const newer = avroType(schema([...FIELDS, { name: 'venue_fee', type: ['null', 'long'], default: null }]));
    const resolver = newer.createResolver(avroType(TRADE_TICK_SCHEMA));
    const { bytes, offsets } = encodeTicks(FULL);
    expect(newer.fromBuffer(Buffer.from(bytes.subarray(0, offsets[1])), resolver)).toMatchObject({
      symbol: 'BHP',
      trade_conditions: ['XT', 'OD'],
      venue_fee: null,
    });
  });

  it('may cut arrays and maps into blocks with their sizes', () => {
    const { bytes, offsets } = encodeTicks(FULL);
    const bare = [...encodeTicks(tradeBatch({ rows: [{ tradeId: 'T1' }] })).bytes].slice(0, -2);
    const block = (...entry: number[]) => [1, entry.length * 2, ...entry];
    const conditions = [...block(4, 88, 84), ...block(4, 79, 68), 0];
    const record = Uint8Array.from([...bare, ...conditions, 2, ...block(2, 97, 2, 98), 0]);
    const decoder = decoderOf(TRADE_TICK_SCHEMA);
    decoder.append(bytes, 0, offsets[1]);
    decoder.append(record);
    const [first, second] = rowsOf(decoder.finish() as TradeBatch);
    expect(second).toEqual(first);
  });
});

describe('a record that its schema allows and K2 has no use for', () => {
  it.each([
    ['null for a price', 'price', ['null', FIELDS.find(({ name }) => name === 'price')!.type], null],
    ['a branch of another type', 'trade_id', ['null', 'string', 'double'], 1],
    ['null for a list', 'trade_conditions', ['null', { type: 'array', items: 'string' }], null],
    ['null for a symbol', 'symbol', ['null', 'string'], null],
    ['a sequence beyond 2^53', 'source_sequence', 'long', 2 ** 53 - 1],
  ])('is refused alone: %s', (_, name, type, value) => {
    const writer = retyped(name, type);
    const [record, other] = avroRecords(FULL);
    const decoder = decoderOf(writer);
    const write = (record: Record<string, unknown>) =>
      avro.Type.forSchema(writer as avro.Schema, { registry: value === 2 ** 53 - 1 ? { long: tooLong } : {} }).toBuffer(
        record,
      );
    expect(() => decoder.append(write({ ...record, [name]: value }))).toThrow(CodecError);
    decoder.append(avroType(writer).toBuffer(other));
    expect(rowsOf(decoder.finish() as TradeBatch)).toEqual(rowsOf(FULL).slice(1));
  });

  it('is refused where an added value claims more than there is, or is nested without end', () => {
    const chain = { type: 'record', name: 'Chain', fields: [{ name: 'next', type: ['null', 'Chain'] }] };
    const self = { type: 'record', name: 'Self', fields: [{ name: 'self', type: 'Self' }] };
    const huge = [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f];
    const cases: [unknown, number[]][] = [
      ['string', huge],
      [{ type: 'array', items: 'string' }, huge],
      [{ type: 'array', items: 'double' }, huge],
      [{ type: 'array', items: 'null' }, [...huge]],
      [{ type: 'map', values: 'null' }, huge],
      [{ type: 'array', items: 'int' }, [1, ...huge]],
      [['null', 'string'], [4]],
      ['int', Array<number>(11).fill(255)],
      [chain, Array<number>(100_000).fill(2)],
      [self, []],
      [{ type: 'array', items: self }, [2]],
    ];
    const { bytes, offsets } = encodeTicks(FULL);
    for (const [type, tail] of cases) {
      const decoder = decoderOf(schema([...FIELDS, { name: 'added', type }]));
      const record = Uint8Array.from([...bytes.subarray(0, offsets[1]), ...tail]);
      expect(() => decoder.append(record)).toThrow(CodecError);
      expect(decoder.finish()).toBeNull();
    }
  });
});

describe('a schema that K2 cannot read', () => {
  it.each(REQUIRED)('lacks %s', (name) => {
    expect(() => decoderOf(without(name))).toThrow(`has no field ${name}, which has no default`);
  });

  it.each([
    ['price', 'double', "the writer's field price is double: K2 reads bytes decimal(18, 8)"],
    ['price', 'bytes', 'K2 reads bytes decimal(18, 8)'],
    ['price', { type: 'bytes', logicalType: 'decimal', precision: 18, scale: 4 }, 'bytes decimal(18, 4)'],
    ['price', { type: 'bytes', logicalType: 'decimal', precision: 38, scale: 8 }, 'bytes decimal(38, 8)'],
    ['timestamp', 'long', 'K2 reads long timestamp-micros'],
    ['timestamp', { type: 'long', logicalType: 'timestamp-millis' }, 'long timestamp-millis'],
    ['source_sequence', 'string', "the writer's field source_sequence is string"],
    ['source_sequence', ['null', 'string'], '[null, string]'],
    ['symbol', { type: 'enum', name: 'Symbol', symbols: ['BHP'] }, 'enum k2.Symbol'],
    ['trade_conditions', { type: 'array', items: ['null', 'string'] }, 'array of [null, string]'],
    ['vendor_data', { type: 'map', values: 'long' }, 'map of long'],
    ['trade_id', 'null', "the writer's field trade_id is null"],
  ])('has %s as %j', (name, type, message) => {
    expect(() => decoderOf(retyped(name, type))).toThrow(message);
    expect(() => decoderOf(retyped(name, type))).toThrow(CodecError);
  });

  const deep = (levels: number) =>
    Array.from({ length: levels }).reduce<string>((inner) => `{"type":"array","items":${inner}}`, '"int"');
  it.each([
    ['is not JSON', '{', 'it is not JSON'],
    [
      'is of another record',
      JSON.stringify({ ...TRADE_TICK_SCHEMA, name: 'Order' }),
      'record k2.Order: expected a record Trade or Quote',
    ],
    ['is no record', '"string"', "the writer's schema is string"],
    ['is empty', '{}', 'where a type is expected'],
    ['has no fields', '{"type":"record","name":"Trade"}', 'fields of a record is missing'],
    ['names a type that is not there', JSON.stringify(retyped('side', 'Side')), 'there is no type Side'],
    ['has a field twice', JSON.stringify(schema([...FIELDS, FIELDS[0]])), 'has two fields exchange'],
    [
      'defines a type twice',
      JSON.stringify(schema([...FIELDS, { name: 'x', type: { ...TRADE_TICK_SCHEMA } }])),
      'the type k2.Trade is defined twice',
    ],
    ['is nested without end', deep(100_000), 'is nested deeper than'],
    ['is of the prototype', JSON.stringify(retyped('side', 'constructor')), 'there is no type constructor'],
  ])('%s', (_, text, message) => {
    expect(() => new TickDecoder(text)).toThrow(CodecError);
    expect(() => new TickDecoder(text)).toThrow(message);
  });

  it('tells trades from quotes by the name, whatever the namespace', () => {
    expect(decoderOf(QUOTE_TICK_SCHEMA).recordType).toBe('quotes');
    expect(decoderOf({ ...TRADE_TICK_SCHEMA, namespace: 'com.example' }).recordType).toBe('trades');
    expect(() => decoderOf({ ...QUOTE_TICK_SCHEMA, name: 'Trade' })).toThrow('has no field price');
  });
});

const tooLong = avro.types.LongType.__with({
  fromBuffer: (buffer: Buffer) => Number(buffer.readBigInt64LE()),
  toBuffer: (value: number) => Buffer.from(BigInt64Array.of(BigInt(value) + 2n).buffer),
  fromJSON: Number,
  toJSON: Number,
  isValid: (value: unknown) => typeof value === 'number',
  compare: (a: number, b: number) => a - b,
});
