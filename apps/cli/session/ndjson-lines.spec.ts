import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ndjsonBatches } from './ndjson-lines.ts';

async function* chunksOf(bytes: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  let at = 0;
  for (let turn = 0; at < bytes.length; turn++) {
    const size = sizes[turn % sizes.length]!;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

async function read(text: string, sizes: readonly number[]): Promise<unknown[]> {
  const values: unknown[] = [];
  for await (const batch of ndjsonBatches(chunksOf(new TextEncoder().encode(text), sizes))) values.push(...batch);
  return values;
}

describe('lines of JSON', () => {
  it('are the same however the bytes are cut, within a character too', async () => {
    const rows = fc.array(fc.record({ symbol: fc.string({ unit: 'binary' }), n: fc.integer() }), { maxLength: 20 });
    const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(rows, sizes, fc.boolean(), async (values, cuts, endsWithNewline) => {
        const text = values.map((value) => JSON.stringify(value)).join('\n') + (endsWithNewline ? '\n' : '');
        expect(await read(text, cuts)).toEqual(values);
      }),
    );
  });

  it('that are cut off are an error', async () => {
    await expect(read('{"n":1}\n{"n":', [4])).rejects.toThrow(SyntaxError);
  });
});
