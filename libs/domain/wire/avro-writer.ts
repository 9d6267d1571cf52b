const encoder = new TextEncoder();
/** Up to here a loop is quicker than a call. */
const COPY_BY_BYTE_MAX = 64;

/** Writes the primitives of Avro's binary encoding (Avro 1.12 specification, "Binary Encoding"). Grows as needed. */
export class AvroWriter {
  private bytes: Uint8Array;
  private used = 0;

  constructor(initialBytes: number) {
    this.bytes = new Uint8Array(initialBytes);
  }

  /** Bytes written so far. */
  get length(): number {
    return this.used;
  }

  /** What was written; the writer must not be used afterwards. */
  finish(): Uint8Array {
    return this.bytes.subarray(0, this.used);
  }

  /** A zig-zag varint. Exact for |value| ≤ 2^53. */
  long(value: number): void {
    this.reserve(10);
    if (value >= -1_073_741_824 && value < 1_073_741_824) {
      let rest = ((value << 1) ^ (value >> 31)) >>> 0;
      while (rest > 127) {
        this.bytes[this.used++] = (rest & 127) | 128;
        rest >>>= 7;
      }
      this.bytes[this.used++] = rest;
    } else if (value > -4_503_599_627_370_496 && value < 4_503_599_627_370_496) {
      this.safeLong(value >= 0 ? value * 2 : value * -2 - 1);
    } else {
      this.bigLong(BigInt(value));
    }
  }

  /** In two halves: the lower 28 bits, and what is above them, which is never 0 here. */
  private safeLong(zigzag: number): void {
    let rest = Math.floor(zigzag / 268_435_456);
    const low = zigzag - rest * 268_435_456;
    this.bytes[this.used++] = (low & 127) | 128;
    this.bytes[this.used++] = ((low >>> 7) & 127) | 128;
    this.bytes[this.used++] = ((low >>> 14) & 127) | 128;
    this.bytes[this.used++] = (low >>> 21) | 128;
    while (rest > 127) {
      this.bytes[this.used++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    this.bytes[this.used++] = rest;
  }

  /** A zig-zag varint of any int64. */
  bigLong(value: bigint): void {
    this.reserve(10);
    let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
    while (rest > 127n) {
      this.bytes[this.used++] = Number(rest & 127n) | 128;
      rest >>= 7n;
    }
    this.bytes[this.used++] = Number(rest);
  }

  raw(content: Uint8Array): void {
    this.long(content.length);
    this.encoded(content);
  }

  /** What another writer has written. */
  encoded(content: Uint8Array): void {
    this.reserve(content.length);
    this.bytes.set(content, this.used);
    this.used += content.length;
  }

  /** `content[start .. end)` as it is; quicker than `encoded` where that is a few bytes. */
  short(content: Uint8Array, start = 0, end = content.length): void {
    if (end - start > COPY_BY_BYTE_MAX) return this.encoded(content.subarray(start, end));
    this.reserve(end - start);
    for (let at = start; at < end; at++) this.bytes[this.used++] = content[at];
  }

  /** The lowest `count` bytes of a 32-bit number, the highest of them first. */
  bigEndian(value: number, count: number): void {
    this.reserve(count);
    for (let shift = (count - 1) * 8; shift >= 0; shift -= 8) this.bytes[this.used++] = value >> shift;
  }

  string(text: string): void {
    this.raw(encoder.encode(text));
  }

  strings(strings: readonly string[]): void {
    this.array(strings.length, (i) => this.string(strings[i]));
  }

  stringMap(map: Readonly<Record<string, string>>): void {
    const entries = Object.entries(map);
    this.array(entries.length, (i) => {
      this.string(entries[i][0]);
      this.string(entries[i][1]);
    });
  }

  /** An array or map in one block: `item` writes entry `i`. */
  array(count: number, item: (i: number) => void): void {
    if (count > 0) {
      this.long(count);
      for (let i = 0; i < count; i++) item(i);
    }
    this.long(0);
  }

  private reserve(count: number): void {
    if (this.used + count <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(this.bytes.length * 2, this.used + count));
    grown.set(this.bytes.subarray(0, this.used));
    this.bytes = grown;
  }
}

/** What `write` writes. */
export function encoded(write: (out: AvroWriter) => void): Uint8Array {
  const out = new AvroWriter(64);
  write(out);
  return out.finish();
}
