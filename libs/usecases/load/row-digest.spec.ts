import { recordColumns } from '@k2/domain/market';
import type { AnswerBatch, AnswerValues } from '@k2/ports';
import { tradeBatch } from '@k2/testing/builders';
import { digestRows } from './row-digest.ts';

const encoder = new TextEncoder();

function utf8(texts: readonly string[]): AnswerValues {
  const encoded = texts.map((text) => encoder.encode(text));
  const offsets = new Uint32Array(texts.length + 1);
  encoded.forEach((bytes, row) => (offsets[row + 1] = offsets[row] + bytes.length));
  return { kind: 'utf8', values: { offsets, bytes: Uint8Array.from(encoded.flatMap((bytes) => [...bytes])) } };
}

const digest = (column: AnswerValues, rowCount: number, nulls: Uint8Array | null = null): readonly string[] => {
  const batch: AnswerBatch = { rowCount, columns: [column], nulls: [nulls] };
  const words = digestRows(batch, [0]);
  return Array.from({ length: rowCount }, (_, row) => `${words[2 * row]} ${words[2 * row + 1]}`);
};

describe('the digest of a row', () => {
  it('is of its values, in whatever form they come', () => {
    const dictionary = { kind: 'dictionary', codes: Uint8Array.of(1, 0, 2), dictionary: ['b', 'a', null] } as const;
    expect(digest(utf8(['a', 'b', '']), 3)).toEqual(digest(dictionary, 3));
    expect(digest(utf8(['a', 'b', 'x']), 3, Uint8Array.of(0, 0, 1))).toEqual(digest(dictionary, 3));
    const times = [0, 1.6e15, 2 ** 53 - 1, -1];
    const exact = BigInt64Array.from(times, BigInt);
    expect(digest({ kind: 'integer', values: Float64Array.from(times) }, 4)).toEqual(
      digest({ kind: 'int64', values: exact }, 4),
    );
    const maps = (...dictionary: readonly Record<string, string>[]): AnswerValues => ({
      kind: 'dictionary',
      codes: Uint8Array.of(0),
      dictionary,
    });
    expect(digest(maps({ a: '1', b: '2' }), 1)).toEqual(digest(maps({ b: '2', a: '1' }), 1));
    expect(digest(maps({ a: '1', b: '2' }), 1)).not.toEqual(digest(maps({ a: '2', b: '1' }), 1));
  });

  it('tells rows apart that differ in one value by the least', () => {
    const prices = Array.from({ length: 20_000 }, (_, i) => BigInt(i) * 100_000n + (i % 2 === 0 ? 0n : 1n));
    expect(new Set(digest({ kind: 'decimal', values: BigInt64Array.from(prices) }, prices.length)).size).toBe(20_000);
  });

  it('tells a value from the same value in another column', () => {
    const columns = recordColumns({
      batch: tradeBatch({
        rows: [
          { price: 1n, quantity: 2n },
          { price: 2n, quantity: 1n },
        ],
      }),
      platformSequence: new BigInt64Array(2),
    }).columns;
    const [price, quantity] = ['price', 'quantity'].map(
      (name) => columns.find((column) => column.name === name)!.column,
    );
    const words = digestRows({ rowCount: 2, columns: [price, quantity], nulls: [null, null] }, [0, 1]);
    expect([words[0], words[1]]).not.toEqual([words[2], words[3]]);
  });
});
