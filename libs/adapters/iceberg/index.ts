export * from './iceberg-tick-store.ts';
