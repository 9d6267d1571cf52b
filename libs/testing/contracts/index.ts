export * from './market-feed.contract.ts';
export * from './tick-store.contract.ts';
export * from './telemetry.contract.ts';
