import { expect, it } from '@jest/globals';
import type { AnswerColumn } from '@k2/ports';
import { batchRows } from '@k2/testing/contracts';
import { vwaps } from './made-columns.ts';

const VWAP: AnswerColumn = { name: 'vwap', type: 'decimal', scale: 8 };

function vwapsOf(sums: readonly (readonly [ofWholes: string, ofFractions: string, volume: string])[]): unknown[] {
  const rows = sums.map((sum) => ['ASX', 'BHP', ...sum]);
  const { values, nulls } = vwaps(rows, { exchange: 0, symbol: 1, ofWholes: 2, ofFractions: 3, volume: 4 });
  return batchRows([VWAP], { rowCount: rows.length, columns: [values], nulls: [nulls] }).map((row) => row['vwap']);
}

it('a vwap is rounded half to even at the eighth digit, and null where nothing was traded', () => {
  const rows = [
    ['0.00000001', '0.0000000000000000', '2.00000000'],
    ['0.00000003', '0.0000000000000000', '2.00000000'],
    ['0.00000003', '-0.0000000000000001', '2.00000000'],
    ['-0.00000003', '0.0000000000000000', '2.00000000'],
    ['0.00000000', '0.0000000000000000', '0.00000000'],
    ['10.00000000', '0.5000000000000000', '3.00000000'],
  ] as const;
  expect(vwapsOf(rows)).toEqual(['0', '0.00000002', '0.00000001', '-0.00000002', null, '3.5']);
});

it('a vwap beyond int64 is text', () => {
  expect(vwapsOf([['9999999999999999999999.00000000', '0.0000000000000000', '0.00000001']])).toEqual([
    '999999999999999999999900000000',
  ]);
});

it('a vwap of more than 38 digits is refused', () => {
  expect(() => vwapsOf([['9999999999999999999999999.00000000', '0.0000000000000000', '0.00000001']])).toThrow(
    expect.objectContaining({ kind: 'invalid-query', message: expect.stringContaining('ASX BHP') }),
  );
});
