import type { MissingTicks } from '@k2/domain/lake';
import { printTimeUs } from '@k2/domain/market';
import type { JsonRow } from './session.ts';

/** What is missing, as the API lists it. */
export function gapRow(gap: MissingTicks): JsonRow {
  return {
    record_type: gap.recordType,
    exchange: gap.exchange,
    symbol: gap.symbol,
    session: gap.session,
    sequence_from: gap.sequenceFrom,
    sequence_to: gap.sequenceTo,
    missing_ticks: gap.sequenceTo - gap.sequenceFrom + 1,
    timestamp_from: printTimeUs(gap.fromTimeUs),
    timestamp_to: printTimeUs(gap.toTimeUs),
  };
}
