import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { quoteName, quoteText, timeSql } from './sql-text.ts';

/** What Trino reads: the literal ends at the first quote that is not doubled. */
function readLiteral(sql: string, quote: string): { readonly text: string; readonly rest: string } {
  let text = '';
  for (let at = 1; at < sql.length; at++) {
    if (sql[at] !== quote) text += sql[at];
    else if (sql[++at] === quote) text += quote;
    else return { text, rest: sql.slice(at) };
  }
  throw new Error(`the literal has no end: ${sql}`);
}

describe('literals', () => {
  const awkward = ["O'Neil", "''", "'; DROP TABLE trades; --", '\\', "\\'", '"', 'é\u{1F600}', '\0', '%_', 'U&', ''];

  it('give back what they were made of, and nothing follows them', () => {
    for (const text of awkward) {
      expect(readLiteral(quoteText(text), "'")).toEqual({ text, rest: '' });
      expect(readLiteral(quoteName(text), '"')).toEqual({ text, rest: '' });
    }
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(readLiteral(quoteText(text), "'")).toEqual({ text, rest: '' });
        expect(readLiteral(quoteName(text), '"')).toEqual({ text, rest: '' });
      }),
    );
  });
});

describe('times', () => {
  it('are exact over all that a number holds', () => {
    expect(timeSql(Number.MAX_SAFE_INTEGER)).toContain("BIGINT '9007199254740991000'");
    expect(timeSql(-1)).toContain("BIGINT '-1000'");
  });

  it('are whole µs', () => {
    for (const timeUs of [1.5, NaN, Infinity, 2 ** 53])
      expect(() => timeSql(timeUs)).toThrow(expect.objectContaining({ kind: 'invalid-query' }));
  });
});
