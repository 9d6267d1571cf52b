import { ContainerModule } from 'inversify';
import type { DedupStore } from '@k2/ports';
import { loadAdapter } from '../load-package.ts';
import { TOKENS } from '../tokens.ts';
import type { ModuleInput } from './module-input.ts';

/** Where the ingest processes of one venue tell each other what they have recorded. */
export const dedupModule = (input: ModuleInput) =>
  new ContainerModule(({ bind }) => {
    bind(TOKENS.dedupStore).toResolvedValue(() => open(input));
  });

async function open({ settings, choice, context }: ModuleInput): Promise<DedupStore> {
  const { dedupWindowMs: windowMs, redisUrl: url } = settings;
  switch (choice.dedup) {
    case 'memory': {
      const { MemoryDedupStore } = await import('@k2/adapter-memory');
      return new MemoryDedupStore({ clock: context.clock, windowMs });
    }
    case 'redis': {
      const { RedisDedupStore } = await import('@k2/adapter-redis');
      return RedisDedupStore.open({ ...context, url, windowMs });
    }
    default:
      return (await loadAdapter(choice.dedup!, 'dedup'))({ ...context, windowMs });
  }
}
