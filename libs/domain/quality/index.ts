export * from './inspect-batch.ts';
