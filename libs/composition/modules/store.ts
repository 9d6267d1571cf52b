import { ContainerModule } from 'inversify';
import { IcebergTableMaintenance, IcebergTickStore } from '@k2/adapter-iceberg';
import { MemoryTickStore } from '@k2/adapter-memory';
import type { ObjectStore, OpenedStore, TableCatalog } from '@k2/ports';
import { loadAdapter } from '../load-package.ts';
import { TOKENS } from '../tokens.ts';
import type { ModuleInput } from './module-input.ts';

/** The tables, and what takes care of them. */
export const storeModule = (input: ModuleInput) =>
  new ContainerModule(({ bind }) => {
    const { choice, context } = input;
    if (choice.store === 'iceberg')
      bind(TOKENS.openedStore).toResolvedValue(
        (catalog, objects) => openIceberg(input, catalog, objects),
        [TOKENS.tableCatalog, TOKENS.objectStore],
      );
    else if (choice.store === 'memory')
      bind(TOKENS.openedStore).toResolvedValue(() => ({ store: new MemoryTickStore(context) }));
    else bind(TOKENS.openedStore).toResolvedValue(async () => (await loadAdapter(choice.store, 'store'))(context));
    bind(TOKENS.tickStore).toResolvedValue(({ store }) => store, [TOKENS.openedStore]);
  });

function openIceberg(
  { scratchDirectory, context }: ModuleInput,
  catalog: TableCatalog,
  objects: ObjectStore,
): OpenedStore {
  const ports = { ...context, catalog, objects };
  const options = { tempDirectory: scratchDirectory };
  return { store: new IcebergTickStore(ports, options), maintenance: new IcebergTableMaintenance(ports, options) };
}
