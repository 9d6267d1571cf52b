const encoder = new TextEncoder();

/** Writes the primitives of Avro's binary encoding (Avro 1.12 specification, "Binary Encoding"). Grows as needed. */
export class AvroWriter {
  private bytes: Uint8Array;
  private used = 0;

  constructor(initialBytes: number) {
    this.bytes = new Uint8Array(initialBytes);
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
      let rest = value >= 0 ? value * 2 : value * -2 - 1;
      while (rest > 127) {
        const next = Math.floor(rest / 128);
        this.bytes[this.used++] = (rest - next * 128) | 128;
        rest = next;
      }
      this.bytes[this.used++] = rest;
    } else {
      this.bigLong(BigInt(value));
    }
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

  string(text: string): void {
    this.raw(encoder.encode(text));
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
