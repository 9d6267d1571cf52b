import { describe, expect, it } from '@jest/globals';
import { series, tradeBatch } from '@k2/testing/builders';
import { decodeBlock, encodeBlock } from './index.ts';

describe('series of blocks', () => {
  it('are the same object in every block that names them', () => {
    const [first, second] = [0, 1].map(() => seriesOf(encodeBlock({ kind: 'ticks', batch: tradeBatch() })));
    expect(first).toEqual(tradeBatch().series);
    first.forEach((of, code) => expect(second[code]).toBe(of));
  });

  it('are told apart by each of their fields', () => {
    const all = [
      series(),
      series({ symbol: 'OTHER' }),
      series({ session: '' }),
      series({ firstSequence: null }),
      series({ firstSequence: 1_000 }),
      series({ sequenceOrigin: 'arrival' }),
    ];
    for (const own of all) {
      const batch = { ...tradeBatch(), series: tradeBatch().series.map(() => own) };
      expect(seriesOf(encodeBlock({ kind: 'ticks', batch }))).toEqual(batch.series);
    }
  });
});

function seriesOf(block: Uint8Array) {
  const payload = decodeBlock(block);
  if (payload.kind !== 'ticks') throw new Error(`the block holds ${payload.kind}`);
  return payload.batch.series;
}
