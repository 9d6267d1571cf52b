/** Bytes are not what their schema says. */
export class CodecError extends Error {
  override readonly name = 'CodecError';
}

const decoder = new TextDecoder('utf-8', { fatal: true });
const SAFE_SHIFT_BYTES = 7;

/** Reads the primitives of Avro's binary encoding; throws CodecError at the first byte that cannot be right. */
export class AvroReader {
  private readonly bytes: Uint8Array;
  private at = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** A zig-zag varint as an exact number. */
  long(): number {
    const bytes = this.bytes;
    const first = bytes[this.at];
    if (first < 128) {
      this.at++;
      return (first >>> 1) ^ -(first & 1);
    }
    return this.longOfMany();
  }

  private longOfMany(): number {
    const start = this.at;
    let value = 0;
    let scale = 1;
    for (let count = 0; count < SAFE_SHIFT_BYTES; count++) {
      const byte = this.byte();
      value += (byte & 127) * scale;
      if (byte < 128) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
      scale *= 128;
    }
    this.at = start;
    const big = this.bigLong();
    if (big > 9_007_199_254_740_992n || big < -9_007_199_254_740_992n) {
      throw new CodecError(`the integer ${big} at byte ${start} is beyond 2^53`);
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
    throw new CodecError(`the varint at byte ${start} has more than 10 bytes`);
  }

  /** A length or count: not negative, and not more than what is left could hold. */
  count(max: number, what: string): number {
    const start = this.at;
    const value = this.long();
    if (!(value >= 0 && value <= max)) {
      throw new CodecError(`the number of ${what} at byte ${start} is ${value}: expected 0 to ${max}`);
    }
    return value;
  }

  raw(): Uint8Array {
    const length = this.count(this.bytes.length - this.at, 'bytes');
    if (length > this.bytes.length - this.at) throw this.truncated();
    const content = this.bytes.subarray(this.at, this.at + length);
    this.at += length;
    return content;
  }

  string(): string {
    const start = this.at;
    const content = this.raw();
    try {
      return decoder.decode(content);
    } catch {
      throw new CodecError(`the string at byte ${start} is not UTF-8`);
    }
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

  end(): void {
    if (this.at !== this.bytes.length) {
      throw new CodecError(`the record ends at byte ${this.at}, but there are ${this.bytes.length}`);
    }
  }

  private byte(): number {
    if (this.at >= this.bytes.length) throw this.truncated();
    return this.bytes[this.at++];
  }

  private truncated(): CodecError {
    return new CodecError(`the record is cut short: it ends at byte ${this.bytes.length}`);
  }
}
