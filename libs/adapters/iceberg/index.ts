export * from './iceberg-table-maintenance.ts';
export * from './iceberg-tick-store.ts';
