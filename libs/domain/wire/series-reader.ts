import type { Series } from '../market/series.ts';
import type { AvroReader } from './avro-reader.ts';
import { ByteDictionary } from './byte-dictionary.ts';
import { readSeries } from './series-codec.ts';

const NOT_THERE = -1;
/** exchange, symbol, asset_class, currency, session, sequence_origin. */
const STRINGS = 6;

/**
 * The series of blocks, which name them again and again: the same bytes are decoded once, and give the same object. What
 * is remembered has the bounds of ByteDictionary.
 */
export class SeriesReader {
  private readonly known = new ByteDictionary<Series>();

  /** All series of one block; its array comes next. Throws CodecError. */
  readAll(input: AvroReader, max: number): Series[] {
    const series: Series[] = [];
    input.array(max, 'series', () => series.push(this.read(input)));
    // The next block is another batch.
    this.known.take();
    return series;
  }

  private read(input: AvroReader): Series {
    const start = input.at;
    for (let i = 0; i < STRINGS; i++) input.skip(input.length());
    if (input.branch(2) === 1) input.skipLong();
    const { bytes, at: end } = input;
    const entry = this.known.find(bytes, start, end);
    if (entry !== NOT_THERE) return this.known.value(entry);
    input.at = start;
    const series = readSeries(input);
    this.known.add(bytes, start, end, series);
    return series;
  }
}
