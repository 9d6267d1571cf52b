export * from './answer/answer-rows.ts';
export * from './answer/answer-ticks.ts';
export { CursorError } from './answer/tick-cursor.ts';
export * from './record/record-feed.ts';
export type { IntakeCounts } from './sink/intake.ts';
export * from './sink/sink-options.ts';
export * from './sink/sink.ts';
export * from './sink/until-committed.ts';
export * from './topic-partition.ts';
