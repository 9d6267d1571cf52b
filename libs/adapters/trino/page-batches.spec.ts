import { describe, expect, it } from '@jest/globals';
import { printTimeUs } from '@k2/domain/market';
import type { AnswerBatch } from '@k2/ports';
import { batchRows } from '@k2/testing/contracts';
import fc from 'fast-check';
import { pageBatches } from './page-batches.ts';
import { plainStatement, type ReadColumn } from './statement.ts';

function batches(read: readonly ReadColumn[], rows: unknown[][], exactRows = rows): AnswerBatch[] {
  return [...pageBatches({ rows, exactRows: () => exactRows }, plainStatement('', read))];
}

function values(read: ReadColumn, column: unknown[]): unknown[] {
  const [batch] = batches(
    [read],
    column.map((value) => [value]),
  );
  return batchRows([read], batch).map((row) => row[read.name]);
}

describe('columns of a page', () => {
  it('hold decimals exactly, beyond int64 as text', () => {
    const price: ReadColumn = { name: 'price', type: 'decimal', scale: 8 };
    const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
    fc.assert(
      fc.property(fc.array(fc.option(int64), { minLength: 1 }), (scaled) => {
        const [{ columns, nulls }] = batches(
          [price],
          scaled.map((value) => [value === null ? null : printed(value)]),
        );
        const column = columns[0] as { readonly values: BigInt64Array };
        expect(Array.from(column.values, (value, row) => (nulls[0]?.[row] === 1 ? null : value))).toEqual(scaled);
      }),
    );
    expect(values(price, ['1.00000000', null, '-999999999999999999999999999999.00000001'])).toEqual([
      '1',
      null,
      '-999999999999999999999999999999.00000001',
    ]);
  });

  it('hold times to the µs', () => {
    const at: ReadColumn = { name: 'at', type: 'timestamp' };
    const time = fc.integer({ min: -(2 ** 53 - 1), max: 2 ** 53 - 1 });
    fc.assert(
      fc.property(fc.array(time, { minLength: 1 }), (times) => expect(values(at, times.map(asTrino))).toEqual(times)),
    );
    expect(values(at, [null])).toEqual([null]);
  });

  it('refuse times that are cut, or of another zone', () => {
    for (const text of [
      '2014-03-10 00:00:00.000 UTC',
      '2014-03-10 00:00:00.000001 +10',
      'x014-03-10 00:00:00.000001 UTC',
    ])
      expect(() => values({ name: 'at', type: 'timestamp' }, [text])).toThrow('expected a time');
  });

  it('hold integers beyond 2^53 as int64', () => {
    const sequence: ReadColumn = { name: 's', type: 'integer' };
    const [batch] = batches([sequence], [[9_223_372_036_854_775_807], [null]], [[9_223_372_036_854_775_807n], [null]]);
    expect(batchRows([sequence], batch)).toEqual([{ s: 9_223_372_036_854_775_807n }, { s: null }]);
    expect(values(sequence, [1, null, -2])).toEqual([1, null, -2]);
  });

  it('hold strings, few or many, bytes, lists and maps', () => {
    const many = Array.from({ length: 5_000 }, (_, i) => (i === 7 ? null : `é${i}`));
    expect(values({ name: 's', type: 'string' }, many)).toEqual(many);
    expect(values({ name: 's', type: 'string' }, ['a', null, '', 'a'])).toEqual(['a', null, '', 'a']);
    expect(values({ name: 'b', type: 'binary' }, ['AP8nCg==', '', null])).toEqual([
      Uint8Array.of(0, 255, 39, 10),
      new Uint8Array(),
      null,
    ]);
    expect(values({ name: 'l', type: 'string-list' }, [['a', 'b'], [], ['a', 'b']])).toEqual([
      ['a', 'b'],
      [],
      ['a', 'b'],
    ]);
    expect(values({ name: 'm', type: 'string-map' }, [{ a: '1' }, null])).toEqual([{ a: '1' }, null]);
  });

  it('come in batches that the codes of a dictionary can count', () => {
    const read: ReadColumn = { name: 's', type: 'string' };
    const made = batches(
      [read],
      Array.from({ length: 70_000 }, () => ['x']),
    );
    expect(made.map(({ rowCount }) => rowCount)).toEqual([65_536, 4_464]);
  });
});

function printed(scaled: bigint): string {
  const digits = (scaled < 0n ? -scaled : scaled).toString().padStart(9, '0');
  return `${scaled < 0n ? '-' : ''}${digits.slice(0, -8)}.${digits.slice(-8)}`;
}

function asTrino(timeUs: number): string {
  const [, day, clock, fraction] = /^(.*)T(.*)\.(\d+)Z$/.exec(printTimeUs(timeUs))!;
  return `${day} ${clock}.${fraction.padEnd(6, '0')} UTC`;
}
