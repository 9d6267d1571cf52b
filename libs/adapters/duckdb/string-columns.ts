import type { Utf8Column } from '@k2/domain/market';
import type { AnswerDictionaryValue, AnswerValues } from '@k2/ports';
import { StringDictionary } from './string-dictionary.ts';
import { dataOf, isValid, listChild, StringVector, structChild, type ChunkVector } from './chunk-vectors.ts';

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const encoder = new TextEncoder();

/** Distinct strings of a batch beyond which a string a row is cheaper than a dictionary. */
const DICTIONARY_ENTRIES_MAX = 1_024;

/** As a dictionary where few strings repeat, else as a string a row. */
export function stringValues(vectors: readonly ChunkVector[], rowCount: number): AnswerValues {
  return dictionaryValues(vectors, rowCount) ?? { kind: 'utf8', values: utf8Column(vectors, rowCount) };
}

export function binaryValues(vectors: readonly ChunkVector[], rowCount: number): AnswerValues {
  return { kind: 'binary', values: utf8Column(vectors, rowCount) };
}

export function utf8Values(texts: readonly string[]): AnswerValues {
  const all = texts.join('');
  const bytes = encoder.encode(all);
  const isAscii = bytes.length === all.length;
  const offsets = new Uint32Array(texts.length + 1);
  for (let row = 0; row < texts.length; row++) {
    offsets[row + 1] = offsets[row] + (isAscii ? texts[row].length : Buffer.byteLength(texts[row]));
  }
  return { kind: 'utf8', values: { offsets, bytes } };
}

function dictionaryValues(vectors: readonly ChunkVector[], rowCount: number): AnswerValues | null {
  const dictionary = new StringDictionary(Math.min(DICTIONARY_ENTRIES_MAX, Math.max(4, rowCount >> 2)));
  const codes = new Uint16Array(rowCount);
  let row = 0;
  for (const [chunk, vector] of vectors.entries()) {
    const strings = new StringVector(vector);
    for (let at = 0; at < vector.rowCount; at++, row++) {
      const code = isValid(vector.validity, at) ? dictionary.code(strings, at, chunk) : dictionary.nullCode();
      if (code < 0 || isMostlyDistinct(dictionary.size, row + 1)) return null;
      codes[row] = code;
    }
  }
  return { kind: 'dictionary', codes, dictionary: dictionary.texts() };
}

/** Ids show soon that they will not repeat. */
function isMostlyDistinct(entries: number, rows: number): boolean {
  return entries >= 64 && entries * 2 > rows;
}

function utf8Column(vectors: readonly ChunkVector[], rowCount: number): Utf8Column {
  const offsets = new Uint32Array(rowCount + 1);
  const all = vectors.map((vector) => ({ vector, strings: new StringVector(vector) }));
  let row = 0;
  for (const { vector, strings } of all) {
    for (let at = 0; at < vector.rowCount; at++, row++) {
      offsets[row + 1] = offsets[row] + (isValid(vector.validity, at) ? strings.byteLength(at) : 0);
    }
  }
  const bytes = new Uint8Array(offsets[rowCount]);
  row = 0;
  for (const { vector, strings } of all) {
    for (let at = 0; at < vector.rowCount; at++, row++) {
      if (offsets[row + 1] > offsets[row]) bytes.set(strings.bytes(at), offsets[row]);
    }
  }
  return { offsets, bytes };
}

/** Lists of strings and maps of strings: few distinct values, nearly all of them empty. */
export function nestedValues(
  vectors: readonly ChunkVector[],
  rowCount: number,
  kind: 'string-list' | 'string-map',
): AnswerValues {
  const codes = new Uint16Array(rowCount);
  const dictionary: AnswerDictionaryValue[] = [];
  const known = new Map<string, number>();
  const codeOf = (key: string, value: () => AnswerDictionaryValue): number => {
    const code = known.get(key) ?? dictionary.push(value()) - 1;
    known.set(key, code);
    return code;
  };
  let row = 0;
  for (const vector of vectors) {
    const read = kind === 'string-list' ? listReader(vector) : mapReader(vector);
    const entries = listEntries(vector);
    for (let at = 0; at < vector.rowCount; at++, row++) {
      if (!isValid(vector.validity, at)) {
        codes[row] = codeOf('null', () => null);
        continue;
      }
      const start = entries[at * 4];
      const length = entries[at * 4 + 2];
      const value = read(start, length);
      codes[row] = codeOf(JSON.stringify(value), () => value);
    }
  }
  return { kind: 'dictionary', codes, dictionary };
}

/** list_entry_t { u64 offset, u64 length } as words; a chunk's lists never reach 2^32 elements. */
function listEntries(vector: ChunkVector): Uint32Array {
  const data = dataOf(vector, 16);
  return new Uint32Array(data.buffer, data.byteOffset, vector.rowCount * 4);
}

type ListReader = (start: number, length: number) => AnswerDictionaryValue;

function listReader(vector: ChunkVector): ListReader {
  const text = textReader(listChild(vector));
  return (start, length) => Array.from({ length }, (_, i) => text(start + i));
}

function mapReader(vector: ChunkVector): ListReader {
  const entries = listChild(vector);
  const key = textReader(structChild(entries, 0));
  const value = textReader(structChild(entries, 1));
  return (start, length) => Object.fromEntries(Array.from({ length }, (_, i) => [key(start + i), value(start + i)]));
}

function textReader(vector: ChunkVector): (row: number) => string | null {
  if (vector.rowCount === 0) return () => null;
  const strings = new StringVector(vector);
  return (row) => (isValid(vector.validity, row) ? decoder.decode(strings.bytes(row)) : null);
}
