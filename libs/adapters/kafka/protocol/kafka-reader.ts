/** Reads the primitive types of Kafka's protocol. Throws RangeError if the bytes end too early. */
export class KafkaReader {
  private readonly buffer: Buffer;
  private at = 0;

  constructor(buffer: Buffer) {
    this.buffer = buffer;
  }

  get leftBytes(): number {
    return this.buffer.length - this.at;
  }

  int8(): number {
    const value = this.buffer.readInt8(this.at);
    this.at += 1;
    return value;
  }

  int16(): number {
    const value = this.buffer.readInt16BE(this.at);
    this.at += 2;
    return value;
  }

  int32(): number {
    const value = this.buffer.readInt32BE(this.at);
    this.at += 4;
    return value;
  }

  /** Offsets and times: exact, as Kafka counts neither beyond 2^53 in practice. */
  int64(): number {
    const value = this.buffer.readInt32BE(this.at) * 4_294_967_296 + this.buffer.readUInt32BE(this.at + 4);
    this.at += 8;
    return value;
  }

  bigInt64(): bigint {
    const value = this.buffer.readBigInt64BE(this.at);
    this.at += 8;
    return value;
  }

  uvarint(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.buffer.readUInt8(this.at++);
      value |= (byte & 127) << shift;
      if (byte < 128) return value >>> 0;
    }
  }

  /** A topic id as text. */
  uuid(): string {
    const hex = this.take(16).toString('hex');
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
  }

  string(): string | null {
    const length = this.int16();
    return length < 0 ? null : this.take(length).toString('utf8');
  }

  compactString(): string | null {
    const length = this.uvarint() - 1;
    return length < 0 ? null : this.take(length).toString('utf8');
  }

  bytes(): Buffer {
    return this.take(Math.max(0, this.int32()));
  }

  /** A view; empty where null. */
  compactBytes(): Buffer {
    return this.take(Math.max(0, this.uvarint() - 1));
  }

  array<Item>(read: () => Item): Item[] {
    return this.items(this.int32(), read);
  }

  compactArray<Item>(read: () => Item): Item[] {
    return this.items(this.uvarint() - 1, read);
  }

  /** Passes over tagged fields. */
  tags(): void {
    for (let count = this.uvarint(); count > 0; count--) {
      this.uvarint();
      this.take(this.uvarint());
    }
  }

  private items<Item>(count: number, read: () => Item): Item[] {
    const items: Item[] = [];
    for (let i = 0; i < count; i++) items.push(read());
    return items;
  }

  private take(length: number): Buffer {
    if (length > this.leftBytes) throw new RangeError(`${length} bytes expected at ${this.at}, ${this.leftBytes} left`);
    const content = this.buffer.subarray(this.at, this.at + length);
    this.at += length;
    return content;
  }
}
