import { describe, expect, it } from '@jest/globals';
import { arbitraryTickBatch } from '@k2/testing/builders';
import fc from 'fast-check';
import { selectRows, tickJson } from './index.ts';

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
});
