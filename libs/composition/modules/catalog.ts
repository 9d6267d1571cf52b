import { ContainerModule } from 'inversify';
import type { TableCatalog } from '@k2/ports';
import { dataPaths } from '../data-paths.ts';
import { loadAdapter } from '../load-package.ts';
import { TOKENS } from '../tokens.ts';
import type { ModuleInput } from './module-input.ts';

/** What table metadata is current, and how far the log is in the tables: one database. */
export const catalogModule = (input: ModuleInput) =>
  new ContainerModule(({ bind }) => {
    bind(TOKENS.tableCatalog).toResolvedValue(async () => input.observed('catalog', await open(input)));
  });

async function open({ settings, choice, context }: ModuleInput): Promise<TableCatalog> {
  switch (choice.catalog) {
    case 'sqlite': {
      const { SqliteTableCatalog } = await import('@k2/adapter-sqlite');
      return SqliteTableCatalog.open({ path: dataPaths(settings.data).catalog, clock: context.clock });
    }
    case 'postgres': {
      const { PostgresTableCatalog } = await import('@k2/adapter-postgres');
      return PostgresTableCatalog.open({ ...context, url: settings.postgresUrl });
    }
    default:
      return (await loadAdapter(choice.catalog!, 'catalog'))(context);
  }
}
