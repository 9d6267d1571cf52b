import type { Vector } from '@duckdb/node-bindings';
import type { ColumnFacts, ColumnWriter } from './column-writer.ts';
import { bigintAt } from './table-rows.ts';
import { CHUNK_ROWS, copyWords } from './vector-data.ts';

abstract class IntegerWriter implements ColumnWriter {
  protected readonly values: Float64Array;
  private min = Infinity;
  private max = -Infinity;

  constructor(values: Float64Array) {
    this.values = values;
  }

  begin(): void {
    this.min = Infinity;
    this.max = -Infinity;
  }

  abstract fill(vector: Vector, rows: Uint32Array, from: number, count: number): void;

  protected widen(min: number, max: number): void {
    this.min = Math.min(this.min, min);
    this.max = Math.max(this.max, max);
  }

  facts(): ColumnFacts {
    return { nullCount: 0, range: { min: this.min, max: this.max } };
  }
}

const HIGH_WORD = 2 ** 32;

/** long and timestamp, of numbers. */
export class Int64Writer extends IntegerWriter {
  private readonly staging = new Int32Array(2 * CHUNK_ROWS);

  override fill(vector: Vector, rows: Uint32Array, from: number, count: number): void {
    const { values, staging } = this;
    let min = Infinity;
    let max = -Infinity;
    for (let i = 0; i < count; i++) {
      const value = values[rows[from + i]];
      if (value < min) min = value;
      if (value > max) max = value;
      const high = Math.floor(value / HIGH_WORD);
      staging[2 * i] = value - high * HIGH_WORD;
      staging[2 * i + 1] = high;
    }
    this.widen(min, max);
    copyWords(vector, staging, 2 * count);
  }
}

export class Int32Writer extends IntegerWriter {
  private readonly staging = new Int32Array(CHUNK_ROWS);

  override fill(vector: Vector, rows: Uint32Array, from: number, count: number): void {
    for (let i = 0; i < count; i++) {
      const value = this.values[rows[from + i]];
      this.widen(value, value);
      this.staging[i] = value;
    }
    copyWords(vector, this.staging, count);
  }
}

/** long and decimal, of words. */
export class WordsWriter implements ColumnWriter {
  private readonly words: Int32Array;
  private readonly staging = new Int32Array(2 * CHUNK_ROWS);
  private minRow = -1;
  private maxRow = -1;

  constructor(words: Int32Array) {
    this.words = words;
  }

  begin(): void {
    this.minRow = -1;
    this.maxRow = -1;
  }

  fill(vector: Vector, rows: Uint32Array, from: number, count: number): void {
    const { words, staging } = this;
    let minRow = this.minRow < 0 ? rows[from] : this.minRow;
    let maxRow = this.maxRow < 0 ? rows[from] : this.maxRow;
    let minHigh = words[2 * minRow + 1];
    let minLow = words[2 * minRow] >>> 0;
    let maxHigh = words[2 * maxRow + 1];
    let maxLow = words[2 * maxRow] >>> 0;
    for (let i = 0; i < count; i++) {
      const row = rows[from + i];
      const low = words[2 * row];
      const high = words[2 * row + 1];
      const unsignedLow = low >>> 0;
      staging[2 * i] = low;
      staging[2 * i + 1] = high;
      if (high < minHigh || (high === minHigh && unsignedLow < minLow)) {
        minRow = row;
        minHigh = high;
        minLow = unsignedLow;
      }
      if (high > maxHigh || (high === maxHigh && unsignedLow > maxLow)) {
        maxRow = row;
        maxHigh = high;
        maxLow = unsignedLow;
      }
    }
    this.minRow = minRow;
    this.maxRow = maxRow;
    copyWords(vector, staging, 2 * count);
  }

  facts(): ColumnFacts {
    return {
      nullCount: 0,
      range: { min: bigintAt(this.words, this.minRow), max: bigintAt(this.words, this.maxRow) },
    };
  }
}
