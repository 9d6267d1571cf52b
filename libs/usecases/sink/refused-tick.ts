import type { QuarantineRecord } from '@k2/domain/lake';
import { messageId, tickJson, type PlacedBatch, type TickBatch } from '@k2/domain/market';

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

/** What cannot be a tick may not be printable as one: then what is left of it. */
function printed(batch: TickBatch, row: number): string {
  try {
    return JSON.stringify(tickJson(batch, row));
  } catch (error) {
    const series = batch.series[batch.seriesCode[row]];
    const source_sequence = batch.venueSequence[row];
    return JSON.stringify({ ...series, source_sequence, not_printable: String(error) });
  }
}
