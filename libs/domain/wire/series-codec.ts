import { ASSET_CLASSES, type AssetClass, type SequenceOrigin } from '../market/instrument.ts';
import type { Series } from '../market/series.ts';
import { CodecError, type AvroReader } from './avro-reader.ts';
import { encoded, type AvroWriter } from './avro-writer.ts';

/** A series by its field names in the schemas, in their order: both framings write these. */
export interface SeriesFields {
  exchange: string;
  symbol: string;
  asset_class: string;
  currency: string;
  session: string;
  sequence_origin: string;
  first_sequence: number | null;
}

/** Feeds use the same Series object in every batch; a small batch of many series is mostly their names. */
const encodedBySeries = new WeakMap<Series, Uint8Array>();

/** The series' fields in Avro; not to be written to. */
export function encodedSeries(series: Series): Uint8Array {
  let bytes = encodedBySeries.get(series);
  if (bytes === undefined) encodedBySeries.set(series, (bytes = encoded((out) => writeSeries(out, series))));
  return bytes;
}

function writeSeries(out: AvroWriter, series: Series): void {
  out.string(series.exchange);
  out.string(series.symbol);
  out.string(series.assetClass);
  out.string(series.currency);
  out.string(series.session);
  out.string(series.sequenceOrigin);
  out.long(series.firstSequence === null ? 0 : 1);
  if (series.firstSequence !== null) out.long(series.firstSequence);
}

/** The inverse of `encodedSeries`. */
export function readSeries(input: AvroReader): Series {
  return seriesOf({
    exchange: input.string(),
    symbol: input.string(),
    asset_class: input.string(),
    currency: input.string(),
    session: input.string(),
    sequence_origin: input.string(),
    first_sequence: input.branch(2) === 0 ? null : input.long(),
  });
}

/** Throws CodecError where a field is none of its allowed values. */
export function seriesOf(fields: SeriesFields): Series {
  return {
    exchange: fields.exchange,
    symbol: fields.symbol,
    assetClass: oneOf(fields.asset_class, ASSET_CLASSES, 'asset_class') as AssetClass,
    currency: fields.currency,
    session: fields.session,
    sequenceOrigin: oneOf(fields.sequence_origin, ['venue', 'arrival'], 'sequence_origin') as SequenceOrigin,
    firstSequence: fields.first_sequence,
  };
}

export function oneOf(value: string, allowed: readonly string[], what: string): string {
  if (!allowed.includes(value)) {
    throw new CodecError(`${what} is ${JSON.stringify(value)}: expected one of ${allowed.join(', ')}`);
  }
  return value;
}
