export * from './market-feed.contract.ts';
export * from './tick-store.contract.ts';
export * from './telemetry.contract.ts';
export * from './object-store.contract.ts';
export * from './table-catalog.contract.ts';
export * from './tick-log.contract.ts';
export * from './answer-rows.ts';
export * from './query-engine.contract.ts';
