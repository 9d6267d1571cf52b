export * from './iceberg-table-maintenance.ts';
export * from './iceberg-tick-store.ts';
export { CheckedObjectStore } from './objects/checked-object-store.ts';
