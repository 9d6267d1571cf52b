import { describe, expect, it } from '@jest/globals';
import { series, tradeBatch } from '@k2/testing/builders';
import { TradeBatchBuilder } from './batch-builder.ts';
import { BATCH_ROWS_MAX } from './tick-batch.ts';
import { tradeAt } from './tick-view.ts';

describe('TradeBatchBuilder', () => {
  it('is full before a value would get no code of its own', () => {
    const builder = new TradeBatchBuilder();
    const code = builder.seriesCode(series());
    let rows = 0;
    for (; !builder.isFull; rows++) {
      const vendorData = builder.vendorDataCode({ row: String(rows) });
      builder.append(code, 0, 0, rows + 1, 1, 1, 0, '', 0, vendorData);
    }
    // One code is that of no vendor data.
    expect(rows).toBe(BATCH_ROWS_MAX - 1);
    const batch = builder.take()!;
    expect(tradeAt(batch, 0).vendorData).toEqual({ row: '0' });
    expect(tradeAt(batch, rows - 1).vendorData).toEqual({ row: String(rows - 1) });
  });

  it('keeps a byte order mark that an id begins with', () => {
    expect(tradeAt(tradeBatch({ rows: [{ tradeId: '\ufeffid' }] }), 0).tradeId).toBe('\ufeffid');
  });
});
