import { describe, expect, it } from '@jest/globals';
import { questionErrorOf } from './question-error.ts';

describe('errors of the engine', () => {
  it.each([
    ['IO Error: Parquet files do not support negative intervals', 'invalid-query'],
    ['INTERNAL Error: Attempted to access index 1 within vector of size 1', 'invalid-query'],
    ['Serialization Error: cannot serialize', 'invalid-query'],
    ['IO Error: Cannot open file "/lake/a.parquet": No such file or directory', 'unavailable'],
    ['IO Error: Could not write file "/scratch/answer.parquet.partial": No space left on device', 'unavailable'],
    ["IO Error: Could not read from file 'C:\\lake\\a.parquet': wanted 8 bytes", 'unavailable'],
    ['Out of Memory Error: failed to allocate', 'out-of-memory'],
    ['Permission Error: Cannot access file "/etc/passwd"', 'forbidden-query'],
  ])("of user SQL are the statement's, unless they name a file: %s", (message, kind) => {
    expect(questionErrorOf(new Error(message), true).kind).toBe(kind);
  });

  it.each([
    ['IO Error: Parquet files do not support negative intervals', 'unavailable'],
    ['Out of Range Error: Overflow in multiplication', 'invalid-query'],
  ])("of typed questions are the engine's, unless they are of arithmetic: %s", (message, kind) => {
    expect(questionErrorOf(new Error(message), false).kind).toBe(kind);
  });

  it('is short, however large the value that the error repeats', () => {
    const { kind, message } = questionErrorOf(
      new Error(`Conversion Error: Could not convert '${'x'.repeat(5_000_000)}'`),
      true,
    );
    expect(kind).toBe('invalid-query');
    expect(message).toMatch(/^Conversion Error: Could not convert 'xxx.*x… \(5000038 characters in all\)$/);
    expect(message.length).toBeLessThan(4_100);
  });
});
