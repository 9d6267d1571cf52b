import { expect, it } from '@jest/globals';
import type { AnswerColumn } from '@k2/ports';
import { batchRows } from '@k2/testing/contracts';
import { vwaps } from './made-columns.ts';

const VWAP: AnswerColumn = { name: 'vwap', type: 'decimal', scale: 8 };

function vwapsOf(rows: readonly (readonly [notional: string, volume: string])[]): unknown[] {
  const { values, nulls } = vwaps(rows, { notional: 0, volume: 1 });
  return batchRows([VWAP], { rowCount: rows.length, columns: [values], nulls: [nulls] }).map((row) => row['vwap']);
}

it('a vwap is rounded half to even at the eighth digit, and null where nothing was traded', () => {
  const rows = [
    ['0.0000000100000000', '2.00000000'],
    ['0.0000000300000000', '2.00000000'],
    ['-0.0000000300000000', '2.00000000'],
    ['0.0000000000000000', '0.00000000'],
    ['10.0000000000000000', '3.00000000'],
  ] as const;
  expect(vwapsOf(rows)).toEqual(['0', '0.00000002', '-0.00000002', null, '3.33333333']);
});

it('a vwap beyond int64 is text', () => {
  expect(vwapsOf([['9999999999999999999999.0000000000000000', '0.00000001']])).toEqual([
    '999999999999999999999900000000',
  ]);
});
