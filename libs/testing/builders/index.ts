export * from './arbitraries.ts';
export * from './audit.ts';
export * from './batches.ts';
export * from './rows.ts';
export * from './tick-order.ts';
