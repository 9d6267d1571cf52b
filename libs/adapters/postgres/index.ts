export { POSTGRES_TABLE_CATALOG_DEFAULTS, type PostgresLimits, type PostgresTls } from './postgres-options.ts';
export { PostgresTableCatalog, type PostgresTableCatalogOptions } from './postgres-table-catalog.ts';
