export * from './answer/answer-rows.ts';
export * from './answer/answer-ticks.ts';
export { oneDeadline, type TimeLeft } from './answer/deadline.ts';
export { findOpenGaps, type GapsRequest } from './answer/find-open-gaps.ts';
export * from './answer/plans-as-of.ts';
export { tickFields } from './answer/tick-fields.ts';
export { CURSOR_EXPECTED, CursorError, CursorExpiredError } from './answer/tick-cursor.ts';
export { Loads, type LoadReport } from './load/loads.ts';
export type { LoadComparison } from './load/screened-feed.ts';
export type {
  FieldDifference,
  RowDifference,
  SessionDifference,
  SessionDifferenceKind,
} from './load/session-comparison.ts';
export * from './record/drop-seen.ts';
export * from './record/record-feed.ts';
export * from './schemas/ensure-schemas.ts';
export type { PausedPartition } from './sink/paused-partitions.ts';
export * from './sink/sink-options.ts';
export * from './sink/sink.ts';
export type { IntakeCounts } from './sink/taken-rows.ts';
export * from './sink/until-committed.ts';
export * from './topic-partition.ts';
export * from './maintain/maintain.ts';
export * from './maintain/maintenance-tasks.ts';
export * from './maintain/maintenance-run.ts';
export * from './maintain/maintenance-jobs.ts';
export * from './maintain/table-inspection.ts';
export * from './maintain/inspections.ts';
export * from './maintain/turn.ts';
