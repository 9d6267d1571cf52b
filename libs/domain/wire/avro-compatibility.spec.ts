import { describe, expect, it } from '@jest/globals';
import avro from 'avsc';
import fc from 'fast-check';
import { AvroSchemaError, parseAvroSchema, readIncompatibilities } from './avro-compatibility.ts';
import { BLOCK_SCHEMA } from './block-schema.ts';

const between = (reader: unknown, writer: unknown) =>
  readIncompatibilities(parseAvroSchema(JSON.stringify(reader)), parseAvroSchema(JSON.stringify(writer)));
const record = (fields: readonly object[], more: object = {}) => ({ type: 'record', name: 'Trade', fields, ...more });
const field = (name: string, type: unknown, more: object = {}) => ({ name, type, ...more });
const side = (symbols: readonly string[], more: object = {}) => ({ type: 'enum', name: 'Side', symbols, ...more });
const decimal = (scale: number) => ({ type: 'bytes', logicalType: 'decimal', precision: 18, scale });

describe('readIncompatibilities', () => {
  it('wants a default for a field that the older schema lacks, and names it', () => {
    const older = record([field('price', 'long')]);
    expect(between(record([field('price', 'long'), field('fee', 'long', { default: 0 })]), older)).toEqual([]);
    expect(between(record([field('price', 'long'), field('fee', 'long')]), older)).toEqual([
      'Trade.fee: the older schema lacks the field, and it has no default',
    ]);
  });

  it('takes fields in any order, and passes over those that it does not know', () => {
    const older = record([field('a', 'long'), field('gone', 'string'), field('b', 'long')]);
    expect(between(record([field('b', 'long'), field('a', 'long')]), older)).toEqual([]);
  });

  it('reads numbers as wider ones, and strings as bytes, never the other way', () => {
    const readable: Record<string, string[]> = {
      int: ['int', 'long', 'float', 'double'],
      long: ['long', 'float', 'double'],
      float: ['float', 'double'],
      double: ['double'],
      string: ['string', 'bytes'],
      bytes: ['string', 'bytes'],
      boolean: ['boolean'],
      null: ['null'],
    };
    for (const writer of Object.keys(readable)) {
      for (const reader of Object.keys(readable)) {
        expect([writer, reader, between(reader, writer).length === 0]).toEqual([
          writer,
          reader,
          readable[writer].includes(reader),
        ]);
      }
    }
  });

  it('wants every branch of a writer to be read, and one branch of a reader to read', () => {
    expect(between(['null', 'long'], ['int', 'null'])).toEqual([]);
    expect(between(['null', 'long'], 'int')).toEqual([]);
    expect(between('long', ['int', 'long'])).toEqual([]);
    expect(between('long', ['null', 'long'])).toEqual(['null cannot be read as long']);
    expect(between(['null', 'long'], ['null', 'string'])).toEqual(['the union has no branch that reads string']);
  });

  it('wants symbols that older records may hold, or a default for them', () => {
    expect(between(side(['BUY', 'SELL']), side(['BUY']))).toEqual([]);
    expect(between(side(['BUY'], { default: 'BUY' }), side(['BUY', 'SELL']))).toEqual([]);
    expect(
      between(record([field('side', side(['BUY']))]), record([field('side', side(['BUY', 'SELL', 'X']))])),
    ).toEqual(['Trade.side: the enum Side lacks SELL, X of the older one, and has no default']);
  });

  it('gives the path through records, arrays, maps and unions', () => {
    const nested = (leaf: unknown) =>
      record([
        field('legs', { type: 'array', items: { type: 'record', name: 'Leg', fields: [field('venue', leaf)] } }),
        field('extra', ['null', { type: 'map', values: { type: 'array', items: leaf } }]),
      ]);
    expect(between(nested('int'), nested('string'))).toEqual([
      'Trade.legs[].venue: string cannot be read as int',
      'Trade.extra{}[]: string cannot be read as int',
    ]);
  });

  it('compares fixed by size, named types by name without namespace or by alias', () => {
    const fixed = (size: number, more: object = {}) => ({ type: 'fixed', name: 'Id', size, ...more });
    expect(between(fixed(16), fixed(16, { namespace: 'old' }))).toEqual([]);
    expect(between(fixed(16), fixed(8))).toEqual(['the fixed Id has 16 bytes, the older one 8']);
    const renamed = record([], { name: 'Fill', namespace: 'k2' });
    const older = record([], { namespace: 'k2' });
    expect(between(renamed, older)).toEqual([
      'the record Fill is called Trade in the older schema, and has no such alias',
    ]);
    expect(between({ ...renamed, aliases: ['Trade'] }, older)).toEqual([]);
    const byAlias = record([field('cost', 'long', { aliases: ['fee'] })]);
    expect(between(byAlias, record([field('fee', 'long')]))).toEqual([]);
  });

  it('refuses to read one unit as another, which Avro itself would do in silence', () => {
    const time = (logicalType?: string) => ({ type: 'long', logicalType });
    const at = (type: unknown) => record([field('x', type)]);
    expect(between(at(decimal(6)), at(decimal(8)))).toEqual([
      'Trade.x: bytes decimal(18, 8) of the older schema would be taken for bytes decimal(18, 6)',
    ]);
    expect(between(at(time('timestamp-micros')), at(time('timestamp-millis')))).toHaveLength(1);
    expect(between(at(time('timestamp-micros')), at(time()))).toEqual([]);
    expect(between(at(decimal(8)), at(decimal(8)))).toEqual([]);
  });

  it('comes to an end with records that hold themselves', () => {
    const list = (leaf: string) =>
      record([field('value', leaf), field('next', ['null', 'Trade']), field('all', { type: 'array', items: 'Trade' })]);
    expect(between(list('long'), list('int'))).toEqual([]);
    expect(between(list('int'), list('long'))).toEqual(['Trade.value: long cannot be read as int']);
  });

  it('names the field of one record among the many of a block', () => {
    const [trades, quotes, rejections] = BLOCK_SCHEMA;
    const newer = [trades, { ...quotes, fields: [...quotes.fields, field('depth', 'int')] }, rejections];
    expect(between(BLOCK_SCHEMA, BLOCK_SCHEMA)).toEqual([]);
    expect(between(newer, BLOCK_SCHEMA)).toEqual([
      'QuoteBlock.depth: the older schema lacks the field, and it has no default',
    ]);
    expect(between([trades, quotes], BLOCK_SCHEMA)).toEqual([
      'the union has no branch that reads the record RejectionBlock',
    ]);
  });

  it('agrees with another implementation of schema resolution', () => {
    fc.assert(
      fc.property(arbitraryRecord(), arbitraryRecord(), (reader, writer) => {
        const [ours, theirs] = [between(reader, writer).length === 0, avscReads(reader, writer)];
        expect({ reader, writer, isReadable: ours }).toEqual({ reader, writer, isReadable: theirs });
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('parseAvroSchema', () => {
  it.each([
    ['', 'not JSON'],
    ['{"type":"record","name":"T"}', 'fields of a record is missing'],
    ['{"type":"record","fields":[]}', 'a record has no name'],
    ['{"type":"record","name":"1T","fields":[]}', '"1T" is no name'],
    ['{"type":"record","name":"T","fields":[{"name":"a","type":"k2.None"}]}', 'T.a: there is no type k2.None'],
    ['{"type":"record","name":"T","fields":[{"name":"a","type":"int"},{"name":"a","type":"int"}]}', 'two fields a'],
    ['{"type":"record","name":"T","fields":[{"name":"a","type":"int","default":"x"}]}', 'T.a: its default "x"'],
    ['{"type":"record","name":"T","fields":[{"name":"a"}]}', 'T.a: there is nothing where a type is expected'],
    ['{"type":"enum","name":"E","symbols":["A","A"]}', 'has a symbol twice'],
    ['{"type":"enum","name":"E","symbols":["A"],"default":"B"}', 'is no symbol of the enum E'],
    ['{"type":"fixed","name":"F","size":-1}', 'the size of a fixed is -1'],
    ['["int","int"]', 'two branches int'],
    ['["int",["null"]]', 'a union stands directly in a union'],
    ['[{"type":"fixed","name":"F","size":1},{"type":"enum","name":"F","symbols":["A"]}]', 'F is defined twice'],
    ['{"type":"array"}', 'nothing where a type is expected'],
    ['7', 'there is 7 where a type is expected'],
  ])('refuses %s', (text, message) => {
    expect(() => parseAvroSchema(text)).toThrow(AvroSchemaError);
    expect(() => parseAvroSchema(text)).toThrow(message);
  });

  it('refuses a schema nested without end instead of running out of stack', () => {
    const nested = `${'{"type":"array","items":'.repeat(5_000)}"int"${'}'.repeat(5_000)}`;
    expect(() => parseAvroSchema(nested)).toThrow('nested deeper');
  });
});

/** Records of few names and few types, so that most pairs have something in common. */
function arbitraryRecord() {
  const leaf = fc.constantFrom<unknown>('int', 'long', 'float', 'double', 'string', 'bytes', 'boolean');
  const { type } = fc.letrec<{ type: unknown }>((tie) => ({
    type: fc.oneof(
      { maxDepth: 2 },
      leaf,
      fc.record({ type: fc.constant('array'), items: tie('type') }),
      fc.record({ type: fc.constant('map'), values: tie('type') }),
      leaf.map((branch) => ['null', branch]),
    ),
  }));
  const defaulted = fc.constantFrom('int', 'string').map((of) => ({ type: of, default: of === 'int' ? 0 : '' }));
  return fc
    .uniqueArray(
      fc.tuple(
        fc.constantFrom('a', 'b', 'c'),
        fc.oneof(
          type.map((of) => ({ type: of })),
          defaulted,
        ),
      ),
      { selector: ([name]) => name },
    )
    .map((fields) => record(fields.map(([name, rest]) => ({ name, ...rest }))));
}

function avscReads(reader: object, writer: object): boolean {
  const parse = (schema: object) => avro.Type.forSchema(schema as avro.Schema, { wrapUnions: true });
  try {
    parse(reader).createResolver(parse(writer));
    return true;
  } catch {
    return false;
  }
}
