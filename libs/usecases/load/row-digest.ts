import { int64Words } from '@k2/domain/market';
import type { AnswerDictionaryValue, AnswerBatch, AnswerValues } from '@k2/ports';

/**
 * 64 bits of the values of each row, in two words: rows of a file and rows of the lake are compared by it, so that none of
 * either has to be kept. Equal values give equal bits whatever the form of the columns; null and '' are the same.
 */
export function digestRows({ columns, nulls, rowCount }: AnswerBatch, at: readonly number[]): Int32Array {
  const digests = new Int32Array(2 * rowCount);
  for (const index of at) {
    const words = wordsOf(columns[index], rowCount);
    const isNull = nulls[index] ?? null;
    for (let row = 0; row < rowCount; row++) {
      const absent = isNull !== null && isNull[row] === 1;
      const low = absent ? 0 : words[2 * row];
      const high = absent ? 0 : words[2 * row + 1];
      digests[2 * row] = mixed(mixed(digests[2 * row], low), high);
      digests[2 * row + 1] = mixed(mixed(digests[2 * row + 1] ^ SECOND, high), low);
    }
  }
  return digests;
}

const SECOND = 0x5bd1e995;

/** One round of MurmurHash3 (x86, 32 bits). */
function mixed(hash: number, word: number): number {
  let scrambled = Math.imul(word, 0xcc9e2d51);
  scrambled = Math.imul((scrambled << 15) | (scrambled >>> 17), 0x1b873593);
  const next = hash ^ scrambled;
  return (Math.imul((next << 13) | (next >>> 19), 5) + 0xe6546b64) | 0;
}

/** Two words a row. */
function wordsOf(column: AnswerValues, rowCount: number): Int32Array {
  switch (column.kind) {
    case 'decimal':
    case 'int64':
      return int64Words(column.values);
    case 'integer':
      return perRow(rowCount, (row, words) => setNumber(words, row, column.values[row]));
    case 'double':
      return new Int32Array(column.values.buffer, column.values.byteOffset, 2 * rowCount);
    case 'boolean':
      return perRow(rowCount, (row, words) => setNumber(words, row, column.values[row]));
    case 'dictionary': {
      const entries = perRow(column.dictionary.length, (entry, words) =>
        setBytes(words, entry, encoder.encode(textOf(column.dictionary[entry]))),
      );
      return perRow(rowCount, (row, words) => {
        words[2 * row] = entries[2 * column.codes[row]];
        words[2 * row + 1] = entries[2 * column.codes[row] + 1];
      });
    }
    case 'utf8':
    case 'binary': {
      const { offsets, bytes } = column.values;
      return perRow(rowCount, (row, words) => {
        if (offsets[row + 1] > offsets[row]) setBytes(words, row, bytes.subarray(offsets[row], offsets[row + 1]));
      });
    }
  }
}

function perRow(rowCount: number, set: (row: number, words: Int32Array) => void): Int32Array {
  const words = new Int32Array(2 * rowCount);
  for (let row = 0; row < rowCount; row++) set(row, words);
  return words;
}

const WORD = 4_294_967_296;

function setNumber(words: Int32Array, row: number, value: number): void {
  const high = Math.floor(value / WORD);
  words[2 * row] = value - high * WORD;
  words[2 * row + 1] = high;
}

function setBytes(words: Int32Array, row: number, bytes: Uint8Array): void {
  if (bytes.length === 0) return;
  let low = bytes.length;
  let high = ~bytes.length;
  for (const byte of bytes) {
    low = mixed(low, byte);
    high = mixed(high, byte ^ SECOND);
  }
  words[2 * row] = low;
  words[2 * row + 1] = high;
}

const encoder = new TextEncoder();

/** Maps by their keys in order. */
function textOf(value: AnswerDictionaryValue): string {
  if (value === null) return '';
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return JSON.stringify(value);
  return JSON.stringify(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
