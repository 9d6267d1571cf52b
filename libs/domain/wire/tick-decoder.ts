import type { Series } from '../market/series.ts';
import { BATCH_ROWS_MAX, type RecordType, type TickBatch } from '../market/tick-batch.ts';
import { AGGRESSOR_SIDES, type AggressorSide } from '../market/ticks.ts';
import { AvroReader, CodecError } from './avro-reader.ts';
import { skipValue } from './avro-skip.ts';
import type { AvroSchema } from './avro-schema.ts';
import { encoded } from './avro-writer.ts';
import { readDecimal } from './decimal-codec.ts';
import type { DictionaryField } from './dictionary-column.ts';
import { oneOf, seriesOf, type SeriesFields } from './series-codec.ts';
import { TickColumnsBuilder } from './tick-columns.ts';
import { resolveTicks, type Branch, type ResolvedField, type Step } from './tick-resolution.ts';

export interface TickDecoderOptions {
  /** Rows of a batch, up to BATCH_ROWS_MAX. At the bound the decoder is full. */
  readonly rowsMax: number;
  /** Ids of a batch and the distinct values new with it, which its rows do not bound. The decoder is full once they are more. */
  readonly bytesMax: number;
}

export const TICK_DECODER_OPTIONS: TickDecoderOptions = { rowsMax: BATCH_ROWS_MAX, bytesMax: 64 * 2 ** 20 };

/** As they are nearly always written. */
const SIDES = AGGRESSOR_SIDES.map((side) => encoded((out) => out.string(side)));
const NO_CONDITIONS: readonly string[] = [];
const SERIES_DEFAULTS = { session: '', first_sequence: null };

const OP_SERIES = 0;
const OP_SERIES_PART = 1;
const OP_LONG = 2;
const OP_TIME = 3;
const OP_DECIMAL = 4;
const OP_SIDE = 5;
const OP_ID = 6;
const OP_CONDITIONS = 7;
const OP_VENDOR_DATA = 8;
const OP_SKIP = 9;

/** A step with the column that it fills; what a step does not use is empty, so that all have one shape. */
interface Operation {
  readonly op: number;
  /** For messages. */
  readonly name: string;
  readonly branches: readonly Branch[] | null;
  readonly fields: readonly ResolvedField[];
  readonly type: AvroSchema | null;
  readonly longs: Float64Array;
  readonly words: Int32Array;
}

/**
 * Log records in `tick` framing, of one writer's schema, straight into the columns of a batch. Compiled once for a schema
 * and used for batch after batch: values that repeat are remembered by their bytes.
 */
export class TickDecoder {
  readonly recordType: RecordType;
  private readonly options: TickDecoderOptions;
  private readonly operations: readonly Operation[];
  private readonly hasSeriesParts: boolean;
  private readonly columns: TickColumnsBuilder;
  private readonly input = new AvroReader(new Uint8Array());
  private rows = 0;
  /** The series of the row under way, where its fields do not stand next to each other. */
  private seriesBytes = new Uint8Array(256);
  private seriesBytesUsed = 0;

  /** Throws CodecError where records of the writer's schema, as JSON text, can't be read as trades or quotes. */
  constructor(writerSchema: string, options: Partial<TickDecoderOptions> = {}) {
    this.options = { ...TICK_DECODER_OPTIONS, ...options };
    const { rowsMax } = this.options;
    if (!Number.isInteger(rowsMax) || rowsMax < 1 || rowsMax > BATCH_ROWS_MAX) {
      throw new RangeError(`rowsMax is ${rowsMax}: expected 1 to ${BATCH_ROWS_MAX}`);
    }
    const { recordType, steps, seriesFields } = resolveTicks(writerSchema);
    const columns = new Map(steps.flatMap((step) => (step.kind === 'column' ? [[step.field.name, step.field]] : [])));
    const vendorData = columns.get('vendor_data');
    const conditions = columns.get('trade_conditions');
    this.recordType = recordType;
    this.hasSeriesParts = steps.some(({ kind }) => kind === 'series-part');
    this.columns = new TickColumnsBuilder(recordType, rowsMax, {
      series: seriesField(seriesFields),
      vendorData: dictionaryField(vendorData, (input) => input.stringMap(), null),
      conditions: dictionaryField(conditions, (input) => input.strings(), NO_CONDITIONS),
    });
    if (vendorData === undefined) this.columns.vendorData.preset(null);
    if (conditions === undefined) this.columns.conditions.preset(NO_CONDITIONS);
    this.operations = steps.map((step) => this.operation(step));
  }

  get rowCount(): number {
    return this.rows;
  }

  /** At a bound of its options: finish the batch first. */
  get isFull(): boolean {
    const { rowsMax, bytesMax } = this.options;
    return this.rows === rowsMax || this.columns.byteCount > bytesMax;
  }

  /**
   * Reads one record. Throws CodecError where its bytes are not what the schema says or hold no tick; the rows before it
   * stay as they were, and the next record may follow. Throws RangeError where the batch is full.
   */
  append(bytes: Uint8Array, start = 0, end: number = bytes.length): void {
    if (this.isFull) throw new RangeError(`the batch is full at ${this.rows} rows: finish it first`);
    const { input, columns, operations, rows } = this;
    input.reset(bytes, start, end);
    columns.ids.begin();
    this.seriesBytesUsed = 0;
    for (let i = 0; i < operations.length; i++) {
      const operation = operations[i];
      if (operation.branches !== null && !readsValue(input, operation.branches, operation.name)) continue;
      switch (operation.op) {
        case OP_SERIES:
          columns.series.read(input);
          break;
        case OP_SERIES_PART:
          this.gather(operation.fields);
          break;
        case OP_LONG:
          operation.longs[rows] = input.long();
          break;
        case OP_TIME:
          operation.longs[rows] = input.time();
          break;
        case OP_DECIMAL:
          readDecimal(input, operation.words, rows);
          break;
        case OP_SIDE:
          columns.sides[rows] = readSide(input);
          break;
        case OP_ID:
          columns.ids.read(input);
          break;
        case OP_CONDITIONS:
          columns.conditions.read(input);
          break;
        case OP_VENDOR_DATA:
          columns.vendorData.read(input);
          break;
        default:
          skipValue(input, operation.type!);
      }
    }
    input.assertAtEnd();
    if (this.hasSeriesParts) columns.series.readBytes(this.seriesBytes, 0, this.seriesBytesUsed);
    columns.commitRow(this.rows++);
  }

  /** The rows so far as a batch, null where there are none; the decoder is then empty. */
  finish(): TickBatch | null {
    if (this.rows === 0) return null;
    const batch = this.columns.take(this.rows);
    this.rows = 0;
    return batch;
  }

  private gather(fields: readonly ResolvedField[]): void {
    const { input } = this;
    const start = input.at;
    for (const { type } of fields) skipValue(input, type);
    const used = this.seriesBytesUsed + input.at - start;
    if (used > this.seriesBytes.length) {
      const grown = new Uint8Array(used * 2);
      grown.set(this.seriesBytes);
      this.seriesBytes = grown;
    }
    this.seriesBytes.set(input.bytes.subarray(start, input.at), this.seriesBytesUsed);
    this.seriesBytesUsed = used;
  }

  private operation(step: Step): Operation {
    const none = { branches: null, fields: [], type: null, longs: new Float64Array(), words: new Int32Array() };
    if (step.kind === 'skip') return { ...none, op: OP_SKIP, name: '', type: step.type };
    if (step.kind !== 'column') {
      return { ...none, op: step.kind === 'series' ? OP_SERIES : OP_SERIES_PART, name: 'series', fields: step.fields };
    }
    const { name, branches } = step.field;
    const longs = this.columns.longs.get(name);
    if (longs !== undefined) {
      return { ...none, op: name === 'source_sequence' ? OP_LONG : OP_TIME, name, branches, longs };
    }
    if (this.columns.decimals.has(name)) {
      return { ...none, op: OP_DECIMAL, name, branches, words: this.columns.words(name) };
    }
    switch (name) {
      case 'side':
        return { ...none, op: OP_SIDE, name, branches };
      case 'trade_conditions':
        return { ...none, op: OP_CONDITIONS, name };
      case 'vendor_data':
        return { ...none, op: OP_VENDOR_DATA, name };
      default:
        return { ...none, op: OP_ID, name, branches };
    }
  }
}

/** Whether a value follows; false where it is null and may be. */
function readsValue(input: AvroReader, branches: readonly Branch[] | null, name: string): boolean {
  if (branches === null) return true;
  const branch = input.branch(branches.length);
  if (branches[branch] !== 'refused') return branches[branch] === 'value';
  throw new CodecError(`${name} has branch ${branch} of its writer's union, which K2 can't read`);
}

function readSide(input: AvroReader): number {
  const { at, bytes } = input;
  for (let side = 0; side < SIDES.length; side++) {
    const expected = SIDES[side];
    let i = 0;
    while (i < expected.length && bytes[at + i] === expected[i]) i++;
    if (i < expected.length) continue;
    input.skip(i);
    return side;
  }
  return AGGRESSOR_SIDES.indexOf(oneOf(input.string(), AGGRESSOR_SIDES, 'side') as AggressorSide);
}

function seriesField(fields: readonly ResolvedField[]): DictionaryField<Series> {
  return {
    skip: (input) => {
      for (const { type } of fields) skipValue(input, type);
    },
    decode: (input) => {
      const values: Record<string, string | number | null> = { ...SERIES_DEFAULTS };
      for (const { name, branches } of fields) {
        if (!readsValue(input, branches, name)) values[name] = null;
        else values[name] = name === 'first_sequence' ? input.long() : input.string();
      }
      return seriesOf(values as unknown as SeriesFields);
    },
  };
}

function dictionaryField<Value>(
  field: ResolvedField | undefined,
  read: (input: AvroReader) => Value,
  nullValue: Value,
): DictionaryField<Value> {
  return {
    skip: (input) => skipValue(input, field!.type),
    decode: (input) => (readsValue(input, field!.branches, field!.name) ? read(input) : nullValue),
  };
}
