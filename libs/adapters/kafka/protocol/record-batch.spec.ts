import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { CODECS, compressed, uncompressed } from './compression.ts';
import { BATCH, isIntact, RecordCursor, recordBatches, recordsOf } from './record-batch.ts';
import { RecordsWriter } from './record-batch-builder.ts';

const HEAD = { producerId: 7n, producerEpoch: 1, baseSequence: 3, timestampMs: 1_700_000_000_000 };

async function batchOf(
  records: readonly { readonly key: Uint8Array | null; readonly value: Uint8Array }[],
  compression: (typeof CODECS)[number] = 'none',
): Promise<Buffer> {
  const writer = new RecordsWriter(16);
  for (const { key, value } of records) writer.add(key, value, 0, value.length);
  return Buffer.from(writer.finish(compression, await compressed(compression, writer.content), HEAD));
}

describe('a record batch', () => {
  const records = fc.array(
    fc.record({
      key: fc.option(fc.uint8Array({ maxLength: 20 })),
      value: fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.uint8Array({ minLength: 20_000, maxLength: 20_001 })),
    }),
    { minLength: 1, maxLength: 30 },
  );

  it('gives back its records, in every compression', async () => {
    await fc.assert(
      fc.asyncProperty(records, fc.constantFrom(...CODECS), async (written, compression) => {
        const [batch] = recordBatches(await batchOf(written, compression));
        expect(isIntact(batch)).toBe(true);
        expect(batch.compression).toBe(compression);
        expect(batch).toMatchObject({ baseOffset: 0, nextOffset: written.length, producerId: 7n });
        const cursor = new RecordCursor(uncompressed(compression, recordsOf(batch)), batch.recordCount);
        for (let i = 0; i < written.length; i++) {
          expect(cursor.next()).toBe(true);
          expect(cursor.offsetDelta).toBe(i);
          expect(Buffer.compare(cursor.bytes.subarray(cursor.valueStart, cursor.valueEnd), written[i].value)).toBe(0);
        }
        expect(cursor.next()).toBe(false);
      }),
      { numRuns: 60 },
    );
  });

  it('is left out where a fetch cuts it off', async () => {
    const whole = await batchOf([{ key: null, value: Uint8Array.of(1, 2, 3) }]);
    for (let end = 0; end < whole.length; end++) {
      expect(recordBatches(Buffer.concat([whole, whole.subarray(0, end)]))).toHaveLength(1);
    }
  });

  it('is not intact where any byte behind its checksum differs', async () => {
    const whole = await batchOf([{ key: Uint8Array.of(9), value: Uint8Array.of(1, 2, 3) }]);
    for (let at: number = BATCH.attributes; at < whole.length; at++) {
      const damaged = Buffer.from(whole);
      damaged[at] ^= 0x40;
      expect(isIntact(recordBatches(damaged)[0])).toBe(false);
    }
  });

  it('never makes a reader run over its end, whatever its bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        const cursor = new RecordCursor(bytes, 10);
        try {
          while (cursor.next()) {
            expect(cursor.valueEnd).toBeLessThanOrEqual(bytes.length);
          }
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }),
    );
  });
});

it('snappy without the frame of Java clients is read too', async () => {
  const text = new TextEncoder().encode('one block, as clients of other languages write it '.repeat(20));
  const framed = await compressed('snappy', text);
  expect(Buffer.compare(uncompressed('snappy', framed.subarray(20)), text)).toBe(0);
});
