import { tableCatalogContract } from '@k2/testing/contracts';
import { service } from '@k2/testing/services';
import { PostgresTableCatalog } from './postgres-table-catalog.ts';
import { clock, TestDatabase } from './test-support/test-database.ts';

tableCatalogContract('postgres', {
  create: async () => {
    const database = await TestDatabase.create(service('postgres'));
    const opened: PostgresTableCatalog[] = [];
    const open = async () => {
      const catalog = await PostgresTableCatalog.open({ url: database.url, clock });
      opened.push(catalog);
      return catalog;
    };
    return {
      catalog: await open(),
      another: open,
      close: async () => {
        for (const catalog of opened) await catalog.close();
        await database.drop();
      },
    };
  },
});
