import { describe, expect, it } from '@jest/globals';
import type { AnswerBatches } from '@k2/ports';
import { jsonValue, rowsOf } from './row-json.ts';

describe('a value of an answer as JSON', () => {
  it.each([
    ['a time as ISO 8601 in UTC', 'timestamp', 1_394_398_634_754_000, '2014-03-09T20:57:14.754Z'],
    ['a count as a number', 'integer', 91_874n, 91_874],
    ['an integer beyond 2^53 as its digits', 'integer', 9_007_199_254_740_993n, '9007199254740993'],
    ['a decimal as it stands', 'decimal', '36.667', '36.667'],
    ['bytes as base64', 'binary', new Uint8Array([104, 105]), 'aGk='],
    ['what JSON has no number for as a word', 'double', Number.NaN, 'NaN'],
    ['JSON as itself', 'json', '{"a":[1]}', { a: [1] }],
    ['nothing as null', 'timestamp', null, null],
  ] as const)('%s', (_, type, value, expected) => {
    expect(jsonValue({ type }, value)).toEqual(expected);
  });
});

it('columns become rows', async () => {
  const answer: AnswerBatches = {
    columns: [
      { name: 'n', type: 'integer' },
      { name: 'price', type: 'decimal', scale: 8 },
    ],
    batches: (async function* () {
      yield {
        rowCount: 2,
        columns: [
          { kind: 'integer', values: Float64Array.of(1, 2) },
          { kind: 'decimal', values: BigInt64Array.of(150_000_000n, 0n) },
        ],
        nulls: [null, Uint8Array.of(0, 1)],
      } as const;
    })(),
  };
  const batches = [];
  for await (const batch of rowsOf(answer)) batches.push(batch);
  expect(batches).toEqual([
    [
      { n: 1, price: '1.5' },
      { n: 2, price: null },
    ],
  ]);
});
