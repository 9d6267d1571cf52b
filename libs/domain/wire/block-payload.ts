import type { Rejection } from '../lake/audit-records.ts';
import type { TickBatch } from '../market/tick-batch.ts';

/** What one log record in `block` framing carries. */
export type BlockPayload =
  | { readonly kind: 'ticks'; readonly batch: TickBatch }
  | { readonly kind: 'rejections'; readonly rejections: readonly Rejection[] };
