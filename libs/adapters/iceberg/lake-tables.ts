import { RECORD_SCHEMAS, type TableName } from '@k2/domain/market';
import { PortError, type TableCatalog, type TickStoreError } from '@k2/ports';
import type { MetadataFile } from './commit/next-metadata.ts';
import type { TableFiles } from './table-files.ts';

/** Current metadata of K2's tables. */
export class LakeTables {
  private readonly catalog: TableCatalog;
  private readonly files: TableFiles;

  constructor({ catalog, files }: { readonly catalog: TableCatalog; readonly files: TableFiles }) {
    this.catalog = catalog;
    this.files = files;
  }

  async load(table: TableName): Promise<MetadataFile> {
    const location = await this.catalog.metadataLocation(table);
    if (location === null) throw unknownTable(table);
    return { location, metadata: await this.files.metadata(location) };
  }

  /** Those of K2's own tables that exist; a catalog may hold others. */
  async loadAll(): Promise<ReadonlyMap<TableName, MetadataFile>> {
    const locations = await this.catalog.tables();
    const loaded = new Map<TableName, MetadataFile>();
    for (const { table } of RECORD_SCHEMAS) {
      const location = locations.get(table);
      if (location !== undefined) loaded.set(table, { location, metadata: await this.files.metadata(location) });
    }
    return loaded;
  }
}

export function unknownTable(table: TableName): TickStoreError {
  return new PortError(
    'unknown-table',
    `there is no table ${table}: a server that records, or a load, makes it when it starts`,
    { table },
  );
}
