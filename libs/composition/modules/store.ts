import { ContainerModule } from 'inversify';
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
    else if (choice.store === 'memory') bind(TOKENS.openedStore).toResolvedValue(() => openMemory(input));
    else bind(TOKENS.openedStore).toResolvedValue(async () => (await loadAdapter(choice.store, 'store'))(context));
    bind(TOKENS.tickStore).toResolvedValue(({ store }) => store, [TOKENS.openedStore]);
  });

async function openMemory({ context }: ModuleInput): Promise<OpenedStore> {
  const { MemoryTickStore } = await import('@k2/adapter-memory');
  return { store: new MemoryTickStore(context) };
}

async function openIceberg(
  { scratchDirectory, context }: ModuleInput,
  catalog: TableCatalog,
  objects: ObjectStore,
): Promise<OpenedStore> {
  const { IcebergTableMaintenance, IcebergTickStore } = await import('@k2/adapter-iceberg');
  const ports = { ...context, catalog, objects };
  const options = { tempDirectory: scratchDirectory };
  return { store: new IcebergTickStore(ports, options), maintenance: new IcebergTableMaintenance(ports, options) };
}
