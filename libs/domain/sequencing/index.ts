export * from './limits.ts';
export * from './sequence-batch.ts';
export * from './series-state.ts';
