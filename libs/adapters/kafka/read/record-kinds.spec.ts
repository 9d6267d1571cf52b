import { expect, it } from '@jest/globals';
import { BLOCK_SCHEMA } from '@k2/domain/wire';
import { recordKindOf } from './record-kinds.ts';

it("knows K2's blocks however a registry gives the schema back", () => {
  const schema = JSON.stringify(BLOCK_SCHEMA);
  expect(recordKindOf(1, schema)).toEqual({ kind: 'block' });
  expect(recordKindOf(1, JSON.stringify(JSON.parse(schema), null, 2))).toEqual({ kind: 'block' });
  const withoutDocs = JSON.parse(schema, (key, value: unknown) => (key === 'doc' ? undefined : value)) as unknown;
  expect(recordKindOf(1, JSON.stringify(withoutDocs))).toEqual({ kind: 'block' });
});

it('knows blocks of writers with fewer or more kinds of records', () => {
  const more = [...BLOCK_SCHEMA, { type: 'record', name: 'DeltaBlock', fields: [] }];
  expect(recordKindOf(1, JSON.stringify(more))).toEqual({ kind: 'block' });
  expect(recordKindOf(1, JSON.stringify(BLOCK_SCHEMA.slice(0, 2)))).toEqual({ kind: 'block' });
});

it('takes no other union for blocks: its bytes would be misread', () => {
  const [trades, ...others] = BLOCK_SCHEMA;
  const swapped = { ...trades, fields: [trades.fields[1], trades.fields[0], ...trades.fields.slice(2)] };
  for (const schema of [[], ['null', 'long'], [...others, trades], [swapped, ...others]]) {
    expect(recordKindOf(9, JSON.stringify(schema))).toMatchObject({
      kind: 'foreign',
      detail: expect.stringContaining('9'),
    });
  }
});

it('leaves a record to the tick decoder', () => {
  const schema = '{"type":"record","name":"Trade","fields":[]}';
  expect(recordKindOf(1, schema)).toEqual({ kind: 'tick', writerSchema: schema });
  expect(recordKindOf(1, 'syntax = "proto3";')).toMatchObject({ kind: 'foreign' });
});
