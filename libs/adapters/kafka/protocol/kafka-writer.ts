/** Writes the primitive types of Kafka's protocol (kafka.apache.org/protocol, "Protocol Primitive Types"). Grows. */
export class KafkaWriter {
  private buffer: Buffer;
  private used = 0;

  constructor(initialBytes = 256) {
    this.buffer = Buffer.allocUnsafe(initialBytes);
  }

  /** What was written; the writer must not be used afterwards. */
  finish(): Buffer {
    return this.buffer.subarray(0, this.used);
  }

  int8(value: number): this {
    this.reserve(1);
    this.used = this.buffer.writeInt8(value, this.used);
    return this;
  }

  bool(value: boolean): this {
    return this.int8(value ? 1 : 0);
  }

  int16(value: number): this {
    this.reserve(2);
    this.used = this.buffer.writeInt16BE(value, this.used);
    return this;
  }

  int32(value: number): this {
    this.reserve(4);
    this.used = this.buffer.writeInt32BE(value, this.used);
    return this;
  }

  int64(value: number | bigint): this {
    this.reserve(8);
    this.used = this.buffer.writeBigInt64BE(BigInt(value), this.used);
    return this;
  }

  uvarint(value: number): this {
    this.reserve(5);
    let rest = value;
    for (; rest > 127; rest >>>= 7) this.buffer[this.used++] = (rest & 127) | 128;
    this.buffer[this.used++] = rest;
    return this;
  }

  /** A topic id in its text form. */
  uuid(text: string): this {
    return this.raw(Buffer.from(text.replaceAll('-', ''), 'hex'));
  }

  string(text: string | null): this {
    if (text === null) return this.int16(-1);
    return this.int16(Buffer.byteLength(text)).text(text);
  }

  /** As flexible versions write it. */
  compactString(text: string | null): this {
    if (text === null) return this.uvarint(0);
    return this.uvarint(Buffer.byteLength(text) + 1).text(text);
  }

  bytes(content: Uint8Array): this {
    return this.int32(content.length).raw(content);
  }

  compactBytes(content: Uint8Array): this {
    return this.uvarint(content.length + 1).raw(content);
  }

  array<Item>(items: readonly Item[], write: (item: Item) => void): this {
    this.int32(items.length);
    for (const item of items) write(item);
    return this;
  }

  /** Null asks for everything if a request has such a meaning. */
  compactArray<Item>(items: readonly Item[] | null, write: (item: Item) => void): this {
    this.uvarint(items === null ? 0 : items.length + 1);
    for (const item of items ?? []) write(item);
    return this;
  }

  /** No tagged fields: what every structure of a flexible version ends with. */
  noTags(): this {
    return this.uvarint(0);
  }

  private text(text: string): this {
    const length = Buffer.byteLength(text);
    this.reserve(length);
    this.used += this.buffer.write(text, this.used);
    return this;
  }

  private raw(content: Uint8Array): this {
    this.reserve(content.length);
    this.buffer.set(content, this.used);
    this.used += content.length;
    return this;
  }

  private reserve(count: number): void {
    if (this.used + count <= this.buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.buffer.length * 2, this.used + count));
    this.buffer.copy(grown, 0, 0, this.used);
    this.buffer = grown;
  }
}
