import { describe, expect, it } from '@jest/globals';
import { arbitraryTickBatch, placed } from '@k2/testing/builders';
import fc from 'fast-check';
import { selectPlaced, selectRows, tickJson } from './index.ts';

describe('selectRows', () => {
  it('takes whole rows, in the order asked for', () => {
    fc.assert(
      fc.property(arbitraryTickBatch(), fc.array(fc.nat(), { maxLength: 30 }), (batch, picks) => {
        const rows = Uint32Array.from(picks, (pick) => pick % batch.rowCount);
        const selected = selectRows(batch, rows);
        expect(selected.rowCount).toBe(rows.length);
        rows.forEach((row, at) => expect(tickJson(selected, at)).toEqual(tickJson(batch, row)));
      }),
    );
  });

  it('takes rows with their places in the log', () => {
    const far = 2 ** 47 - 1;
    fc.assert(
      fc.property(arbitraryTickBatch(), fc.array(fc.nat(), { maxLength: 30 }), (batch, picks) => {
        const rows = Uint32Array.from(picks, (pick) => pick % batch.rowCount);
        const selected = selectPlaced(placed(batch, far), rows);
        expect([...selected.platformSequence]).toEqual(Array.from(rows, (row) => BigInt(far) * 65_536n + BigInt(row)));
        rows.forEach((row, at) => expect(tickJson(selected.batch, at)).toEqual(tickJson(batch, row)));
      }),
    );
  });
});
