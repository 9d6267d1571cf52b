import { quarantineId, type QuarantineRecord } from '@k2/domain/lake';
import { messageId, seriesName, tickJson, type PlacedBatch, type TickBatch } from '@k2/domain/market';

const encoder = new TextEncoder();

/** A tick on its way to the quarantine, under its identity and with its values. */
export function refusedTick(
  { batch, platformSequence }: PlacedBatch,
  row: number,
  why: { readonly reason: string; readonly detail: string },
  nowUs: number,
): QuarantineRecord {
  const series = batch.series[batch.seriesCode[row]];
  return {
    quarantineId: `${batch.recordType}/${messageId(series, batch.venueSequence[row])}`,
    exchange: series.exchange,
    recordType: batch.recordType,
    source: 'log',
    position: platformSequence[row],
    ...why,
    raw: encoder.encode(printed(batch, row)),
    receiveTimeUs: nowUs,
    platformSequence: platformSequence[row],
  };
}

/**
 * A tick that may be of any numbering of a venue without sessions. Another tick may have its number, so it is named by its
 * values too, all but the time of receipt: a feed that sends it again has the same to say. `batch` is as the feed sent it,
 * since the session that it would be given is only a guess.
 */
export function untoldTick(
  placed: PlacedBatch,
  row: number,
  why: { readonly reason: string; readonly detail: string },
  nowUs: number,
): QuarantineRecord {
  const { batch } = placed;
  const series = `${batch.recordType}/${seriesName(batch.series[batch.seriesCode[row]])}`;
  const values = encoder.encode(printed(batch, row, ['ingestion_timestamp']));
  return {
    ...refusedTick(placed, row, why, nowUs),
    quarantineId: quarantineId(series, batch.venueSequence[row], values),
  };
}

/** What cannot be a tick may not be printable as one: then what is left of it. */
function printed(batch: TickBatch, row: number, without: readonly string[] = []): string {
  try {
    return JSON.stringify(tickJson(batch, row), (name, value: unknown) => (without.includes(name) ? undefined : value));
  } catch (error) {
    const series = batch.series[batch.seriesCode[row]];
    const source_sequence = batch.venueSequence[row];
    return JSON.stringify({ ...series, source_sequence, not_printable: String(error) });
  }
}
