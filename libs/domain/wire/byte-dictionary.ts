import type { AvroReader } from './avro-reader.ts';

const NONE = -1;
const GUESS_BITS = 12;
/** Exchange and symbol, nearly always. */
const GUESSED_BY_MAX = 16;
/** What is remembered from batch to batch; beyond either, a batch begins with nothing remembered. */
const ENTRIES_KEPT_MAX = 65_536;
const KEY_BYTES_KEPT_MAX = 4 * 2 ** 20;

/**
 * The distinct values of a field by their encoded bytes, so that a value which comes again is not decoded again.
 * Entries outlive a batch, hence the same object for the same bytes; codes count within a batch, from 0.
 */
export class ByteDictionary<Value> {
  private values: Value[] = [];
  /** Keys one after the other: entry `i` is `keys[starts[i] .. starts[i + 1])`. */
  private keys = new Uint8Array(1_024);
  private keyView = new DataView(this.keys.buffer);
  private starts = new Int32Array(256);
  private hashes = new Int32Array(256);
  private keyBytes = 0;
  /** `keyBytes` when the batch was begun. */
  private bytesOfBefore = 0;
  /** Open addressing, entry + 1 in each slot; a power of two, at most half of it used. */
  private slots = new Int32Array(512);
  /** Of each entry in the batch being built, or NONE. */
  private codes = new Int32Array(256).fill(NONE);
  /** Entries of the batch being built, by code. */
  private inBatch: number[] = [];
  /** Entry + 1 found last for the first bytes of a key, as many as every key has. */
  private readonly guesses = new Int32Array(2 ** GUESS_BITS);
  private guessedBy = GUESSED_BY_MAX;

  /** Bytes of the keys added for the batch being built. */
  get addedBytes(): number {
    return this.keyBytes - this.bytesOfBefore;
  }

  /**
   * The entry whose key the reader's bytes begin with, as far as a guess by the first of them goes, and the reader moved
   * past it; else NONE. Only for keys of which none begins with another one.
   */
  recognise(input: AvroReader): number {
    const { at, view } = input;
    const left = input.end - at;
    if (left < this.guessedBy) return NONE;
    let from = input.base + at;
    const entry = this.guesses[guessSlot(view, from, this.guessedBy)] - 1;
    if (entry === NONE) return NONE;
    const { keyView } = this;
    let key = this.starts[entry];
    const keyEnd = this.starts[entry + 1];
    const length = keyEnd - key;
    if (length > left) return NONE;
    for (; key + 8 <= keyEnd; key += 8, from += 8) {
      if (keyView.getBigUint64(key) !== view.getBigUint64(from)) return NONE;
    }
    for (; key < keyEnd; key++, from++) if (keyView.getUint8(key) !== view.getUint8(from)) return NONE;
    input.at = at + length;
    return entry;
  }

  /** Lets `recognise` guess this entry where the same bytes come again. */
  guessNext(entry: number, { view, base }: AvroReader, start: number): void {
    this.guesses[guessSlot(view, base + start, this.guessedBy)] = entry + 1;
  }

  /** The entry of a key; NONE where it was never added. */
  find(bytes: Uint8Array, start: number, end: number): number {
    const { slots, hashes, starts } = this;
    const hash = hashOf(bytes, start, end);
    const length = end - start;
    for (let slot = hash & (slots.length - 1); ; slot = (slot + 1) & (slots.length - 1)) {
      const entry = slots[slot] - 1;
      if (entry === NONE) return NONE;
      if (hashes[entry] !== hash) continue;
      const keyStart = starts[entry];
      if (starts[entry + 1] - keyStart === length && this.keyIs(keyStart, length, bytes, start)) {
        return entry;
      }
    }
  }

  /** Adds a key that is not there. */
  add(bytes: Uint8Array, start: number, end: number, value: Value): number {
    const entry = this.values.length;
    this.makeRoom(entry + 1, end - start);
    this.keys.set(bytes.subarray(start, end), this.keyBytes);
    this.keyBytes += end - start;
    this.starts[entry + 1] = this.keyBytes;
    this.hashes[entry] = hashOf(bytes, start, end);
    this.values.push(value);
    this.place(entry);
    this.guessedBy = Math.min(this.guessedBy, end - start);
    return entry;
  }

  value(entry: number): Value {
    return this.values[entry];
  }

  /** Code of an entry in the batch being built. */
  code(entry: number): number {
    const code = this.codes[entry];
    return code === NONE ? (this.codes[entry] = this.inBatch.push(entry) - 1) : code;
  }

  /** The batch's values by code; the next batch is begun. */
  take(): readonly Value[] {
    const taken = this.inBatch.map((entry) => this.values[entry]);
    for (const entry of this.inBatch) this.codes[entry] = NONE;
    this.inBatch = [];
    if (this.values.length > ENTRIES_KEPT_MAX || this.keyBytes > KEY_BYTES_KEPT_MAX) this.forget();
    this.bytesOfBefore = this.keyBytes;
    return taken;
  }

  private forget(): void {
    this.values = [];
    this.keys = new Uint8Array(1_024);
    this.keyView = new DataView(this.keys.buffer);
    this.keyBytes = 0;
    this.slots.fill(0);
    this.guesses.fill(0);
    this.guessedBy = GUESSED_BY_MAX;
  }

  private keyIs(keyStart: number, length: number, bytes: Uint8Array, at: number): boolean {
    const { keys } = this;
    for (let i = 0; i < length; i++) if (keys[keyStart + i] !== bytes[at + i]) return false;
    return true;
  }

  private makeRoom(entries: number, moreKeyBytes: number): void {
    const needed = this.keyBytes + moreKeyBytes;
    if (needed > this.keys.length) {
      this.keys = grown(this.keys, new Uint8Array(Math.max(needed, this.keys.length * 2)));
      this.keyView = new DataView(this.keys.buffer);
    }
    if (entries < this.starts.length) return;
    const room = this.starts.length * 2;
    this.starts = grown(this.starts, new Int32Array(room));
    this.hashes = grown(this.hashes, new Int32Array(room));
    this.codes = grown(this.codes, new Int32Array(room).fill(NONE));
    this.slots = new Int32Array(room * 2);
    for (let entry = 0; entry < this.values.length; entry++) this.place(entry);
  }

  private place(entry: number): void {
    const { slots } = this;
    let slot = this.hashes[entry] & (slots.length - 1);
    while (slots[slot] !== 0) slot = (slot + 1) & (slots.length - 1);
    slots[slot] = entry + 1;
  }
}

function grown<Values extends Uint8Array | Int32Array>(from: Values, to: Values): Values {
  to.set(from as never);
  return to;
}

/** Words of four bytes, each mixed before the next: slots are chosen by the lowest bits. */
function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = end - start;
  let at = start;
  for (; at + 4 <= end; at += 4) {
    const word = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
    hash = mixed(hash ^ word);
  }
  for (; at < end; at++) hash = mixed(hash ^ bytes[at]);
  return hash;
}

function mixed(hash: number): number {
  const product = Math.imul(hash, 0x9e3779b1);
  return product ^ (product >>> 15);
}

function guessSlot(view: DataView, start: number, count: number): number {
  let hash = 0;
  let at = start;
  for (const end = start + count - 3; at < end; at += 4) hash = Math.imul(hash, 31) + view.getInt32(at);
  for (const end = start + count; at < end; at++) hash = Math.imul(hash, 31) + view.getUint8(at);
  return Math.imul(hash ^ (hash >>> 16), 0x9e3779b1) >>> (32 - GUESS_BITS);
}
