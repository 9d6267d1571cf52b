export * from './data-directory-lock.ts';
export { SqliteTableCatalog, type SqliteTableCatalogOptions } from './sqlite-table-catalog.ts';
export { SqliteTickLog, type SqliteTickLogOptions } from './sqlite-tick-log.ts';
