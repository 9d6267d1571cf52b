import type { TickBatch } from '@k2/domain/market';
import type { LogRecord } from '@k2/ports';

/** Smaller ones are copied: to move a buffer costs more than that. */
const MOVED_BYTES_MIN = 4_096;

/** Adds the memory of a record that can move to another thread; returns the bytes of all that it has. */
export function collectBuffers({ payload, rowOffsets }: LogRecord, buffers: ArrayBuffer[]): number {
  let bytes = 0;
  const add = ({ buffer, byteLength }: ArrayBufferView) => {
    bytes += byteLength;
    if (byteLength >= MOVED_BYTES_MIN && byteLength === buffer.byteLength) buffers.push(buffer as ArrayBuffer);
  };
  if (rowOffsets !== null) add(rowOffsets);
  if (payload.kind === 'undecodable') add(payload.raw);
  if (payload.kind === 'ticks') for (const column of columnsOf(payload.batch)) add(column);
  return bytes;
}

function columnsOf(batch: TickBatch): ArrayBufferView[] {
  const { seriesCode, eventTimeUs, receiveTimeUs, venueSequence, vendorDataCode } = batch;
  const common = [seriesCode, eventTimeUs, receiveTimeUs, venueSequence, vendorDataCode];
  if (batch.recordType === 'trades') {
    const { tradeId, price, quantity, aggressorSide, conditionsCode } = batch;
    return [...common, tradeId.offsets, tradeId.bytes, price, quantity, aggressorSide, conditionsCode];
  }
  const { quoteId, bidPrice, bidQuantity, askPrice, askQuantity } = batch;
  return [...common, quoteId.offsets, quoteId.bytes, bidPrice, bidQuantity, askPrice, askQuantity];
}
