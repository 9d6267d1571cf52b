import type { Utf8Column } from '../market/tick-batch.ts';
import type { AvroReader } from './avro-reader.ts';

/** The highest bit of each byte of a word. */
const NOT_ASCII = 0x80808080;

/** A column of strings while it grows. A row that is not committed leaves no trace; one that reads nothing is empty. */
export class Utf8Rows {
  private readonly offsets: Uint32Array;
  private bytes = new Uint8Array(1_024);
  private view = new DataView(this.bytes.buffer);
  private used = 0;
  private usedByRow = 0;

  constructor(rowsMax: number) {
    this.offsets = new Uint32Array(rowsMax + 1);
  }

  get byteCount(): number {
    return this.used;
  }

  begin(): void {
    this.usedByRow = this.used;
  }

  /** Takes a string of Avro. */
  read(input: AvroReader): void {
    const length = input.length();
    this.reserve(length);
    const { at, base, view: from } = input;
    const { view: to, used } = this;
    const start = base + at;
    let bits = 0;
    let i = 0;
    for (; i + 4 <= length; i += 4) {
      const word = from.getInt32(start + i);
      bits |= word;
      to.setInt32(used + i, word);
    }
    for (; i < length; i++) {
      const byte = from.getUint8(start + i);
      bits |= byte;
      to.setUint8(used + i, byte);
    }
    if ((bits & NOT_ASCII) !== 0) input.assertUtf8(at, at + length);
    input.at = at + length;
    this.usedByRow = used + length;
  }

  commit(row: number): void {
    this.used = this.usedByRow;
    this.offsets[row + 1] = this.used;
  }

  take(rowCount: number): Utf8Column {
    const taken = { offsets: this.offsets.slice(0, rowCount + 1), bytes: this.bytes.slice(0, this.used) };
    this.used = 0;
    return taken;
  }

  private reserve(count: number): void {
    const needed = this.used + count;
    if (needed <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.used));
    this.bytes = grown;
    this.view = new DataView(grown.buffer);
  }
}
