import type { StringVector } from './chunk-vectors.ts';

const SLOTS = 4_096;
/** Half as many as there are slots, so that a search is short. */
const KEYS_MAX = 2_048;
const KEY_WORDS = 5;

/**
 * The distinct strings of a column. Strings are told apart by the four words of their string_t, so that hardly a row is
 * read or decoded that was seen before. A long string's words hold its address: equal ones within a chunk mean the same
 * string; for unequal ones, of which sorting makes many, the bytes decide.
 */
export class StringDictionary {
  private readonly entriesMax: number;
  private readonly entries: (() => string)[] = [];
  private readonly keys = new Uint32Array(KEYS_MAX * KEY_WORDS);
  private readonly keyCodes = new Uint16Array(KEYS_MAX);
  private keyCount = 0;
  /** A key's number plus one, at its hash or the next free slot after it. */
  private readonly slots = new Uint16Array(SLOTS);
  private readonly codesOfLong = new Map<string, number>();
  private codeOfNull = -1;

  /** `entriesMax` is at most 1,024. */
  constructor(entriesMax: number) {
    this.entriesMax = entriesMax;
  }

  get size(): number {
    return this.entries.length;
  }

  /** Decoded only here: a column that turns out to be of distinct strings is not decoded in vain. */
  texts(): readonly string[] {
    return this.entries.map((text) => text());
  }

  nullCode(): number {
    if (this.codeOfNull < 0) this.codeOfNull = this.added(() => '');
    return this.codeOfNull;
  }

  /** Negative where there are too many. */
  code(strings: StringVector, row: number, chunk: number): number {
    const { words } = strings;
    const { keys } = this;
    const w = row * 4;
    const isLong = !strings.isInline(row);
    const scope = isLong ? chunk + 1 : 0;
    let hash =
      words[w] ^
      Math.imul(words[w + 1], 0x9e3779b1) ^
      Math.imul(words[w + 2], 0x85ebca6b) ^
      Math.imul(words[w + 3], 0xc2b2ae35) ^
      scope;
    hash ^= hash >>> 15;
    let slot = hash & (SLOTS - 1);
    while (this.slots[slot] !== 0) {
      const k = (this.slots[slot] - 1) * KEY_WORDS;
      if (
        keys[k] === words[w] &&
        keys[k + 1] === words[w + 1] &&
        keys[k + 2] === words[w + 2] &&
        keys[k + 3] === words[w + 3] &&
        keys[k + 4] === scope
      ) {
        return this.keyCodes[this.slots[slot] - 1];
      }
      slot = (slot + 1) & (SLOTS - 1);
    }
    const code = isLong ? this.longCode(strings.bytes(row)) : this.added(textOf(strings.bytes(row)));
    // Short strings always find room: there are no more of them than entries.
    if (code >= 0 && (!isLong || this.keyCount < KEYS_MAX / 2)) {
      keys.set([words[w], words[w + 1], words[w + 2], words[w + 3], scope], this.keyCount * KEY_WORDS);
      this.keyCodes[this.keyCount] = code;
      this.slots[slot] = ++this.keyCount;
    }
    return code;
  }

  private longCode(bytes: Uint8Array): number {
    const key = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
    let code = this.codesOfLong.get(key);
    if (code === undefined) {
      code = this.added(textOf(bytes));
      this.codesOfLong.set(key, code);
    }
    return code;
  }

  private added(text: () => string): number {
    return this.entries.length === this.entriesMax ? -1 : this.entries.push(text) - 1;
  }
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

function textOf(bytes: Uint8Array): () => string {
  return () => decoder.decode(bytes);
}
