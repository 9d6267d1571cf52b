import { describe, expect, it } from '@jest/globals';
import { arbitraryTickBatch, placed, tradeBatch } from '@k2/testing/builders';
import avro from 'avsc';
import fc from 'fast-check';
import { quoteAt, tradeAt, type TickBatch } from '../market/index.ts';
import { BLOCK_SCHEMA, CodecError, decodeBlock, encodeBlock } from './index.ts';

describe('block framing', () => {
  it('gives back every tick exactly, whatever its values', () => {
    fc.assert(
      fc.property(arbitraryTickBatch(50), (batch) => {
        const decoded = decodeBlock(encodeBlock({ kind: 'ticks', batch }));
        expect(decoded.kind === 'ticks' && ticksOf(decoded.batch)).toEqual(ticksOf(batch));
      }),
    );
  });

  it('gives back rejections, bytes and all', () => {
    const rejections = [
      {
        quarantineId: 'asx:trades/1.csv:7:00',
        exchange: 'ASX',
        recordType: 'unknown' as const,
        source: 'asx:trades/1.csv',
        position: 7,
        reason: 'malformed-row',
        detail: 'price is "x"',
        raw: Uint8Array.of(0, 255, 10),
        receiveTimeUs: 1_394_398_634_754_000,
      },
    ];
    expect(decodeBlock(encodeBlock({ kind: 'rejections', rejections }))).toEqual({ kind: 'rejections', rejections });
  });

  it('is Avro that another implementation reads by the published schema', () => {
    const type = avro.Type.forSchema(BLOCK_SCHEMA as avro.Schema);
    const batch = tradeBatch({ count: 3, firstSequence: 41 });
    const read = type.fromBuffer(Buffer.from(encodeBlock({ kind: 'ticks', batch }))) as Record<
      string,
      Record<string, unknown>
    >;
    expect(read['k2.TradeBlock']).toMatchObject({
      row_count: 3,
      source_sequence: [41, 1, 1],
      quantity_exponent: 8,
      quantity: [100, 0, 0],
      ids: Buffer.from('t41t42t43'),
    });
  });

  it('refuses bytes cut short anywhere, and bytes too many', () => {
    const bytes = encodeBlock({ kind: 'ticks', batch: tradeBatch({ count: 4 }) });
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decodeBlock(bytes.subarray(0, length))).toThrow(CodecError);
    }
    expect(() => decodeBlock(Uint8Array.of(...bytes, 0))).toThrow(CodecError);
  });

  it('never hangs, crashes or invents rows on damaged bytes', () => {
    fc.assert(
      fc.property(arbitraryTickBatch(10), fc.nat(), fc.integer({ min: 1, max: 255 }), (batch, at, flip) => {
        const bytes = encodeBlock({ kind: 'ticks', batch }).slice();
        bytes[at % bytes.length] ^= flip;
        try {
          const decoded = decodeBlock(bytes);
          if (decoded.kind === 'ticks') ticksOf(decoded.batch);
        } catch (error) {
          expect(error).toBeInstanceOf(CodecError);
        }
      }),
      { numRuns: 500 },
    );
  });
});

function ticksOf(batch: TickBatch) {
  const { platformSequence } = placed(batch);
  return Array.from(platformSequence, (_, row) => ({
    series: batch.series[batch.seriesCode[row]],
    tick: batch.recordType === 'trades' ? tradeAt(batch, row) : quoteAt(batch, row),
  }));
}
