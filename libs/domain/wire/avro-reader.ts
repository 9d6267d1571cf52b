/** Bytes are not what their schema says. */
export class CodecError extends Error {
  override readonly name = 'CodecError';
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const NO_VIEW = new DataView(new ArrayBuffer(0));
const VARINT_BYTES_MAX = 10;
/** 56 bits: every time and nearly every number that there is. */
const SHORT_VARINT_BYTES_MAX = 8;
/** In four bytes of a varint: all are followed by another one; or all but the last. */
const CONTINUED = 0x80808080 | 0;
const CONTINUED_TO_LAST = 0x00808080;
/** Of the upper 28 bits of a zig-zag varint: beyond it the number may not be exact. */
const SAFE_HIGH_MAX = 2 ** 26;

/**
 * Reads the primitives of Avro's binary encoding (Avro 1.12 specification, "Binary Encoding"); throws CodecError at the
 * first byte that cannot be right. Places in messages count from the first byte it may read.
 */
export class AvroReader {
  bytes: Uint8Array;
  /** Next to read. */
  at: number;
  /** Behind the last that may be read. */
  end: number;
  private start: number;
  /** All memory that `bytes` lies in, its first byte at `base`; after `reset` only. */
  view: DataView = NO_VIEW;
  base = 0;

  /** Of `bytes[start .. end)`. */
  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.bytes = bytes;
    this.at = start;
    this.end = end;
    this.start = start;
  }

  /** Begins again, with other bytes or elsewhere in the same. */
  reset(bytes: Uint8Array, start: number, end: number): void {
    if (bytes !== this.bytes || this.view === NO_VIEW) {
      this.bytes = bytes;
      this.base = bytes.byteOffset;
      // Messages of one fetch lie in the same memory.
      if (bytes.buffer !== this.view.buffer) this.view = new DataView(bytes.buffer);
    }
    this.at = start;
    this.end = Math.min(end, bytes.length);
    this.start = start;
  }

  /** For messages: where a byte is in the record. */
  place(at: number): string {
    return `at byte ${at - this.start}`;
  }

  /** A zig-zag varint as an exact number. */
  long(): number {
    const at = this.at;
    if (at < this.end) {
      const first = this.bytes[at];
      if (first < 128) {
        this.at = at + 1;
        return (first >>> 1) ^ -(first & 1);
      }
    }
    return this.longOfMany();
  }

  /**
   * As `long`, for a column whose numbers nearly all have eight bytes: times from 1978 on. Wants a reader that was reset.
   */
  time(): number {
    const { at, view, base } = this;
    if (this.end - at >= 8) {
      const lower = view.getInt32(base + at, true);
      const upper = view.getInt32(base + at + 4, true);
      if ((lower & CONTINUED) === CONTINUED && (upper & CONTINUED) === CONTINUED_TO_LAST) {
        const high = sevenBitsEach(upper);
        if (high < SAFE_HIGH_MAX) {
          this.at = at + 8;
          return longOfHalves(sevenBitsEach(lower), high);
        }
      }
    }
    return this.long();
  }

  private longOfMany(): number {
    const { bytes, at } = this;
    if (this.end - at < SHORT_VARINT_BYTES_MAX) return this.longNearEnd();
    let byte = bytes[at + 1];
    let low = (bytes[at] & 127) | ((byte & 127) << 7);
    let next = at + 2;
    for (let shift = 14; byte > 127 && shift < 28; shift += 7) {
      byte = bytes[next++];
      low |= (byte & 127) << shift;
    }
    let high = 0;
    for (let shift = 0; byte > 127 && shift < 28; shift += 7) {
      byte = bytes[next++];
      high |= (byte & 127) << shift;
    }
    if (byte > 127 || high >= SAFE_HIGH_MAX) return this.longOfBig();
    this.at = next;
    return longOfHalves(low, high);
  }

  /** As `longOfMany`, looking before each byte whether it is there. */
  private longNearEnd(): number {
    const start = this.at;
    let low = 0;
    let high = 0;
    for (let index = 0; index < SHORT_VARINT_BYTES_MAX; index++) {
      const byte = this.byte();
      if (index < 4) low |= (byte & 127) << (7 * index);
      else high |= (byte & 127) << (7 * index - 28);
      if (byte < 128 && high < SAFE_HIGH_MAX) return longOfHalves(low, high);
      if (byte < 128) break;
    }
    this.at = start;
    return this.longOfBig();
  }

  private longOfBig(): number {
    const start = this.at;
    const big = this.bigLong();
    if (big > 9_007_199_254_740_992n || big < -9_007_199_254_740_992n) {
      throw new CodecError(`the integer ${big} ${this.place(start)} is beyond 2^53`);
    }
    return Number(big);
  }

  /** A zig-zag varint of any int64. */
  bigLong(): bigint {
    const start = this.at;
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.byte();
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return (value >> 1n) ^ -(value & 1n);
    }
    throw new CodecError(`the varint ${this.place(start)} has more than ${VARINT_BYTES_MAX} bytes`);
  }

  /** A length or count: not negative, and not more than what is left could hold. */
  count(max: number, what: string): number {
    const start = this.at;
    const value = this.long();
    if (!(value >= 0 && value <= max)) {
      throw new CodecError(`the number of ${what} ${this.place(start)} is ${value}: expected 0 to ${max}`);
    }
    return value;
  }

  /** The number of bytes that follow, all of which are there. */
  length(): number {
    const start = this.at;
    const length = this.long();
    if (length >= 0 && length <= this.end - this.at) return length;
    throw new CodecError(`the length ${this.place(start)} is ${length}, with ${this.end - this.at} bytes left`);
  }

  /** Which of a union's branches follows. */
  branch(count: number): number {
    const start = this.at;
    const branch = this.long();
    if (!(branch >= 0 && branch < count)) {
      throw new CodecError(`the union branch ${this.place(start)} is ${branch}: expected 0 to ${count - 1}`);
    }
    return branch;
  }

  raw(): Uint8Array {
    const length = this.length();
    const content = this.bytes.subarray(this.at, this.at + length);
    this.at += length;
    return content;
  }

  string(): string {
    const start = this.at;
    return this.utf8(this.raw(), start);
  }

  /** Throws CodecError where `bytes[start .. end)` is not UTF-8. */
  assertUtf8(start: number, end: number): void {
    this.utf8(this.bytes.subarray(start, end), start);
  }

  private utf8(content: Uint8Array, start: number): string {
    try {
      return decoder.decode(content);
    } catch {
      throw new CodecError(`the string ${this.place(start)} is not UTF-8`);
    }
  }

  strings(): string[] {
    const strings: string[] = [];
    this.array(this.end - this.at, 'strings', () => strings.push(this.string()));
    return strings;
  }

  stringMap(): Readonly<Record<string, string>> {
    const entries: [string, string][] = [];
    this.array(this.end - this.at, 'entries', () => entries.push([this.string(), this.string()]));
    return Object.fromEntries(entries);
  }

  /** Entries of an array or map, whatever blocks its writer cut it into. Returns how many there were. */
  array(max: number, what: string, item: (i: number) => void): number {
    let total = 0;
    for (;;) {
      let count = this.long();
      if (count === 0) return total;
      if (count < 0) {
        count = -count;
        this.long();
      }
      if (!(total + count <= max)) throw new CodecError(`there are ${total + count} ${what}: expected at most ${max}`);
      for (const end = total + count; total < end; total++) item(total);
    }
  }

  /** An array of exactly `count` longs, or, where that is allowed, none. */
  longs(count: number, what: string, mayBeEmpty = false): Float64Array | null {
    const values = new Float64Array(count);
    let total = 0;
    for (;;) {
      let block = this.long();
      if (block === 0) break;
      if (block < 0) {
        block = -block;
        this.long();
      }
      if (!(total + block <= count)) throw new CodecError(`${what} has more than ${count} values`);
      for (const end = total + block; total < end; total++) values[total] = this.long();
    }
    if (total === count) return values;
    if (total === 0 && mayBeEmpty) return null;
    throw new CodecError(`${what} has ${total} values for ${count} rows`);
  }

  /** Passes over bytes that nobody needs. */
  skip(count: number): void {
    if (!(count >= 0 && count <= this.end - this.at)) throw this.truncated();
    this.at += count;
  }

  skipLong(): void {
    const start = this.at;
    for (let count = 0; count < VARINT_BYTES_MAX; count++) if (this.byte() < 128) return;
    throw new CodecError(`the varint ${this.place(start)} has more than ${VARINT_BYTES_MAX} bytes`);
  }

  assertAtEnd(): void {
    if (this.at !== this.end) {
      throw new CodecError(`the record ends ${this.place(this.at)}, but there are ${this.end - this.start}`);
    }
  }

  byte(): number {
    if (this.at >= this.end) throw this.truncated();
    return this.bytes[this.at++];
  }

  private truncated(): CodecError {
    return new CodecError(`the record is cut short: it ends ${this.place(this.end)}`);
  }
}

/** The lower seven bits of each of four bytes, put together. */
function sevenBitsEach(word: number): number {
  return (word & 0x7f) | ((word >>> 1) & 0x3f80) | ((word >>> 2) & 0x1f_c000) | ((word >>> 3) & 0xfe0_0000);
}

/** Of a zig-zag number in two halves of 28 bits. */
function longOfHalves(low: number, high: number): number {
  const magnitude = high * 134_217_728 + (low >>> 1);
  return low & 1 ? -magnitude - 1 : magnitude;
}
