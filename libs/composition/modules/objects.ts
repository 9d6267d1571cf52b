import { ContainerModule } from 'inversify';
import { FilesystemObjectStore } from '@k2/adapter-filesystem';
import type { ObjectStore } from '@k2/ports';
import { dataPaths } from '../data-paths.ts';
import { loadAdapter } from '../load-package.ts';
import { TOKENS } from '../tokens.ts';
import type { ModuleInput } from './module-input.ts';

/** Where the files of the tables are. */
export const objectsModule = (input: ModuleInput) =>
  new ContainerModule(({ bind }) => {
    bind(TOKENS.objectStore).toResolvedValue(() => open(input));
  });

async function open({ settings, choice, context }: ModuleInput): Promise<ObjectStore> {
  switch (choice.objects) {
    case 'filesystem':
      return FilesystemObjectStore.open(dataPaths(settings.data).warehouse, context.clock);
    default:
      return (await loadAdapter(choice.objects!, 'objects'))(context);
  }
}
