import { AvroReader } from './avro-reader.ts';
import { ByteDictionary } from './byte-dictionary.ts';

const NOT_THERE = -1;
const NOTHING = new Uint8Array();

export interface DictionaryField<Value> {
  /** Moves past the field. */
  readonly skip: (input: AvroReader) => void;
  /** Reads the field, of which the reader has exactly the bytes. Throws CodecError. */
  readonly decode: (input: AvroReader) => Value;
}

/**
 * A dictionary-coded column while it grows. `read` takes the field of the row under way, `commit` keeps it: a row that
 * is not committed leaves no trace. A value whose bytes were seen before is not decoded again.
 */
export class DictionaryColumn<Value> {
  private readonly field: DictionaryField<Value>;
  private readonly dictionary = new ByteDictionary<Value>();
  private readonly codes: Uint16Array;
  private entry = NOT_THERE;
  /** The new value of the row under way, and its bytes. */
  private value: Value | undefined;
  private bytes: Uint8Array = NOTHING;
  private start = 0;
  private end = 0;

  constructor(rowsMax: number, field: DictionaryField<Value>) {
    this.field = field;
    this.codes = new Uint16Array(rowsMax);
  }

  /** Bytes of the values that came new with this batch. */
  get byteCount(): number {
    return this.dictionary.addedBytes;
  }

  /** Gives every row this value, where there is no field to read. */
  preset(value: Value): void {
    this.entry = this.dictionary.add(NOTHING, 0, 0, value);
  }

  read(input: AvroReader): void {
    this.entry = this.dictionary.recognise(input);
    if (this.entry !== NOT_THERE) return;
    const start = input.at;
    this.field.skip(input);
    this.readBytes(input.bytes, start, input.at);
    if (this.entry !== NOT_THERE) this.dictionary.guessNext(this.entry, input, start);
  }

  /** As `read`, of a field that stands alone in these bytes. */
  readBytes(bytes: Uint8Array, start: number, end: number): void {
    this.entry = this.dictionary.find(bytes, start, end);
    if (this.entry !== NOT_THERE) return;
    this.value = this.field.decode(new AvroReader(bytes, start, end));
    this.bytes = bytes;
    this.start = start;
    this.end = end;
  }

  commit(row: number): void {
    if (this.entry === NOT_THERE) {
      this.entry = this.dictionary.add(this.bytes, this.start, this.end, this.value!);
      this.value = undefined;
      this.bytes = NOTHING;
    }
    this.codes[row] = this.dictionary.code(this.entry);
  }

  take(rowCount: number): { readonly values: readonly Value[]; readonly codes: Uint16Array } {
    return { values: this.dictionary.take(), codes: this.codes.slice(0, rowCount) };
  }
}
